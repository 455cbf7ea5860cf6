"""Where there is no derivative any subgradient is right, as the certificate says and as a check does."""

import json
from typing import Any

import numpy as np
import pytest

from engine import Key, Policy, check, grade, read_policy, read_problem, shown
from engine.grading import subgradients
from service.operations.certificates import Certificates


def graph(*expressions, **values):
    return {"graph": {"expressions": list(expressions)}, "values": values}


RELU = graph("J = relu(x - 3)", x=3)
ABS = graph("J = abs(x)", x=0)
TIES = graph("J = max(x)", x=[1, 1])
THREE = graph("J = max(x)", x=[1, 1, 1])
NETWORK: dict[str, Any] = {
    "network": {
        "layers": [
            {"weights": [[1.0, -2.0], [0.5, 0.3]], "bias": [0.0, 1.0], "activation": "relu"},
            {"weights": [[3.0], [1.0]], "activation": "identity"},
        ],
        "loss": {"kind": "squared_error", "reduction": "sum"},
    },
    "inputs": [[0.7, -1.4], [1.0, 0.3]],
    "labels": [[1.0], [0.0]],
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
}


def verdicts(wire, answers, **policy):
    problem = read_problem(wire)
    return {item.name: item.verdict for item in grade(problem, answers, read_policy(policy, problem)).items}


@pytest.mark.parametrize(
    ("wire", "dx", "right"),
    [
        *((RELU, dx, True) for dx in (0, 1, 0.5, "0.50", 1 / 3, "1e0")),
        *((RELU, dx, False) for dx in (7, -0.5, 1.01, "1.1", -1e-3)),
        *((ABS, dx, True) for dx in (-1, 1, 0, 0.25, "-0.9")),
        *((ABS, dx, False) for dx in (-2, 1.01)),
        *((TIES, dx, True) for dx in ([0, 1], [1, 0], [0.5, 0.5], [0.25, 0.75], ["0.33", "0.67"])),
        *((TIES, dx, False) for dx in ([1, 1], [0, 0], [0.9, 0.9], [0.5, 0.6], [1, -1], [2, -1])),
        *((THREE, dx, True) for dx in ([0.33, 0.33, 0.33], [0.67, 0.33, 0], [1 / 7, 2 / 7, 4 / 7], [0, 0, 1])),
        *((THREE, dx, False) for dx in ([1, 0, 1], [0.5, 0.5, 0.5])),
    ],
)
def test_any_subgradient_is_right_and_nothing_else(wire, dx, right):
    assert verdicts(wire, {"dx": dx}) == {"dx": "correct" if right else "wrong"}
    if not (isinstance(dx, list) and 0.33 in dx) and not isinstance(np.ravel(dx)[0], str):
        claim = {"dx": np.asarray(dx, dtype=float)}
        assert check(read_problem(wire), claim).status == ("kink" if right else "disagrees")


@pytest.mark.parametrize("mode", ["relative", "significant", "decimals"])
def test_in_every_mode(mode):
    for dx, verdict in ((1, "correct"), (0.3, "correct"), (1.1, "wrong"), (-0.1, "wrong")):
        assert verdicts(RELU, {"dx": dx}, tolerance={"mode": mode}) == {"dx": verdict}


def backward(slope, digits=None):
    """By hand, with the derivative of relu at 0 as given; numbers are carried on exactly, or as they were rounded."""

    def said(value):
        return value if digits is None else np.round(value, digits)

    X, Y = np.array(NETWORK["inputs"]), np.array(NETWORK["labels"])
    layers = NETWORK["network"]["layers"]
    W1, b1, W2 = np.array(layers[0]["weights"]), np.array(layers[0]["bias"]), np.array(layers[1]["weights"])
    Z1 = X @ W1 + b1
    assert Z1[0, 0] == 0.0
    A1 = np.maximum(Z1, 0.0)
    dZ2 = said(2.0 * (A1 @ W2 - Y))
    dA1 = said(dZ2 @ W2.T)
    dZ1 = said(dA1 * np.where(Z1 == 0.0, slope, Z1 > 0.0))
    dW1 = said(X.T @ dZ1)
    found = {"dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": said(dZ1.sum(axis=0)), "W1_new": said(W1 - 0.1 * dW1)}
    return {name: value.tolist() for name, value in found.items()}


@pytest.mark.parametrize("digits", [None, 2, 4])
@pytest.mark.parametrize("slope", [0.0, 1.0, 0.5, 0.37])
def test_who_takes_a_derivative_at_0_everywhere_is_right_everywhere(slope, digits):
    answers = backward(slope, digits)
    assert set(verdicts(NETWORK, answers, ask=list(answers)).values()) == {"correct"}
    answers["dX"] = (np.array(answers["dZ1"]) @ np.array(NETWORK["network"]["layers"][0]["weights"]).T).tolist()
    for name in ("dZ1", "dW1", "db1", "dX") if digits is None else ("dZ1", "dW1", "db1"):
        assert verdicts(NETWORK, {name: answers[name]}, ask=[name]) == {name: "correct"}


def test_other_entries_must_still_be_right():
    problem = read_problem(NETWORK)
    answers = backward(1.0)
    answers["dZ1"][1][1] += 5.0
    item = grade(problem, {"dZ1": answers["dZ1"]}, read_policy({"ask": ["dZ1"]}, problem)).items[0]
    assert item.verdict == "wrong"
    assert item.cells is not None
    assert item.cells.tolist() == [[True, True], [True, False]]
    assert verdicts(NETWORK, {"dZ1": backward(7.0)["dZ1"]}, ask=["dZ1"]) == {"dZ1": "wrong"}


def test_what_follows_from_an_error_after_a_choice_follows():
    answers = backward(1.0)
    answers["dW1"][0][0] += 40.0
    answers["W1_new"][0][0] -= 4.0
    found = verdicts(NETWORK, answers, ask=list(answers))
    assert found == {**dict.fromkeys(answers, "correct"), "dW1": "wrong", "W1_new": "follow_through"}


def test_nobody_waits_for_bounds_that_are_not_needed(monkeypatch):
    def refused(*_):
        raise AssertionError("differenced without need")

    monkeypatch.setattr(subgradients, "estimate", refused)
    assert verdicts(RELU, {"dx": 0}) == {"dx": "correct"}
    assert verdicts(graph("J = relu(x - 3)", x=4), {"dx": 7}) == {"dx": "wrong"}


def test_a_grade_at_a_kink_is_shown_in_full_as_json():
    problem = read_problem(graph("J = relu(3.7251 * x)", x=0))
    key, policy = Key(problem), read_policy({"feedback": "full"}, problem)
    told = shown(key, key.grade({"dx": 0}, policy), "full")
    assert json.loads(json.dumps(told))["certificate"]["kinks"] == [{"node": "J", "index": []}]


@pytest.mark.parametrize("feedback", ["score", "hint"])
def test_a_kept_certificate_grades_alike_and_shows_no_bound(feedback):
    kept = Certificates()
    problem = read_problem(graph("J = relu(3.7251 * x)", x=0))
    for _ in range(2):
        key = Key(problem, kept.certify)
        for answer, verdict in ((1.5, "correct"), (4, "wrong")):
            found = key.grade({"dx": answer}, Policy())
            assert found.items[0].verdict == verdict
            assert "3.72" not in json.dumps({**shown(key, found, feedback)["items"][0], "formula": None})
    assert kept.hits == 1
