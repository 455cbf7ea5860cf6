"""Work is estimated from the spec alone: never a fault whatever is sent, and a refusal in words where it is too much."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.app import create_app
from service.contract.examples import GRADIENTS, SIBLINGS, THREE_TWO_ONE
from service.operations.allowance import Allowance
from service.replies.problem_documents import TooMuchWork
from service.settings import Settings
from service.work.cost import ESTIMATES, refuse_more, seconds
from service.work.pace import SLOWEST, pace
from service.work.perform import PERFORMED
from service.work.size import size_of

client = TestClient(create_app(Settings(budget=2)))

FIELDS = """network graph loss inputs labels predictions values constants optimizer layout orientation include jacobians
method gradients answers submissions policy steps epochs batch_size record layers units weights bias expressions output"""
NAMES = st.sampled_from(FIELDS.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", "J = x @ x", "columns", "local"])
JSON = st.recursive(
    LEAVES | st.just(10**400) | st.just([[1.0, 2.0]]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


@given(JSON, st.sampled_from(sorted(PERFORMED)))
def test_anything_has_an_estimate(wire, operation):
    assert seconds(operation, wire) >= 0


@given(
    st.dictionaries(NAMES, JSON, max_size=6),
    st.sampled_from([THREE_TWO_ONE, SIBLINGS]),
    st.sampled_from(sorted(PERFORMED)),
)
def test_so_has_what_is_almost_right(changes, wire, operation):
    assert seconds(operation, {**wire, **changes}) >= 0


def test_every_operation_has_an_estimate():
    assert ESTIMATES.keys() | {"job"} == PERFORMED.keys()


def network(widths, examples, **more):
    layers = [{"units": units, "activation": "relu"} for units in widths[1:]]
    layers[-1]["activation"] = "identity"
    return {
        "network": {"layers": layers, "loss": "squared_error"},
        "inputs": [[0.5] * widths[0]] * examples,
        "labels": [[1.0] * widths[-1]] * examples,
        **more,
    }


def test_more_costs_more():
    few = seconds("gradients", network([4, 4, 2], 3))
    many = seconds("gradients", network([400, 400, 20], 30))
    assert 10 * few < many
    assert seconds("train", {**THREE_TWO_ONE, "steps": 10}) * 50 < seconds("train", {**THREE_TWO_ONE, "steps": 1000})
    halved = {**network([4, 4, 2], 4), "epochs": 10, "batch_size": 2}
    assert seconds("train", halved) > seconds("train", {**halved, "batch_size": 4})
    check = network([20, 20, 2], 3)
    assert seconds("check", {**check, "method": "central"}) > 5 * seconds("check", check)


def test_small_text_that_makes_large_arrays_is_seen():
    lists = {"x": [1.0] * 500, "y": [2.0] * 500}
    alike = {"graph": {"expressions": ["J = sum(x * y)"]}, "values": lists}
    crossed = {
        "graph": {"expressions": ["J = sum(reshape(x, shape=(500, 1)) * reshape(y, shape=(1, 500)))"]},
        "values": lists,
    }
    assert size_of(crossed).widest == 500 * 500
    assert seconds("gradients", crossed) > 50 * seconds("gradients", alike)


def test_size_is_that_of_the_graph():
    for name in ("network", "step", "drawn"):
        body = GRADIENTS[name].body
        nodes = client.post("/v1/gradients", json=body).json()["nodes"]
        size = size_of(body)
        held = sum(entries(node["value"]) for node in nodes)
        without_bias = sum(units for units in size_of_bias(body))
        assert held <= size.elements <= held + without_bias


def entries(value):
    return sum(map(entries, value)) if isinstance(value, list) else 1


def size_of_bias(body):
    return [len(layer["weights"][0]) + len(layer["weights"]) for layer in body["network"]["layers"] if "weights" in layer]


@pytest.mark.parametrize(
    ("operation", "wire", "advice"),
    [
        ("train", {**THREE_TWO_ONE, "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "steps": 10**9}, "/v1/jobs"),
        ("check", network([60, 60, 2], 50, method="central"), '{"check": …}'),
        ("gradients", network([30, 30, 2], 30, jacobians=["A1/Z1"] * 200), "ask for less"),
    ],
)
def test_too_much_work(operation, wire, advice):
    refused = client.post(f"/v1/{operation}", json=wire)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/too-much-work"
    assert "one request may take 2 s" in refused.json()["detail"]
    assert advice in refused.json()["detail"]


def test_a_slower_machine_takes_longer():
    wire = network([60, 60, 2], 50, method="central")
    expected = seconds("check", wire)
    refuse_more("check", wire, Allowance(seconds=2 * expected))
    with pytest.raises(TooMuchWork):
        refuse_more("check", wire, Allowance(seconds=2 * expected, pace=3.0))
    assert 1 / SLOWEST <= pace() <= SLOWEST


@pytest.mark.parametrize(
    ("operation", "wire"),
    [
        ("gradients", network([2000, 2000], 1)),
        ("gradients", network([100, 100, 1], 100, jacobians=["A1/Z1", "A1/W1", "Z1/W1"])),
        ("train", network([200, 200, 1], 1, steps=20, optimizer={"kind": "adam", "learning_rate": 0.1})),
    ],
)
def test_a_small_body_gets_no_huge_answer(operation, wire):
    started = time.perf_counter()
    refused = TestClient(create_app(Settings(budget=1000))).post(f"/v1/{operation}", json=wire)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/too-large"
    assert "2,000,000 is the most" in refused.json()["detail"]
    assert time.perf_counter() - started < 20
