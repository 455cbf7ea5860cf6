"""Training over HTTP: steps against numbers worked out by hand, and every refusal with its path."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.optimizers import OPTIMIZERS
from service.app import create_app
from service.contract.examples import LEAST_SQUARES, REGRESSION
from service.settings import Settings
from tests.contract import SCHEMAS, closed, validate
from tests.problems import CASES
from tests.test_service_errors import problem

client = TestClient(create_app(Settings()), raise_server_exceptions=False)
LOGISTIC = CASES["logistic-sentiment-step"]
CLOSED = closed(SCHEMAS)
SGD = {"kind": "sgd", "learning_rate": 0.1}


def trained(body):
    validate(body, "TrainRequest")
    response = client.post("/v1/train", json=body)
    assert response.status_code == 200, response.text
    validate(response.json(), "TrainResponse", CLOSED)
    return response.json()


def near(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-14)


def flat(value):
    return [each for row in value for each in flat(row)] if isinstance(value, list) else [value]


def test_the_step_of_the_worked_example():
    found = trained({**LOGISTIC["problem"], "steps": 1})
    truth = LOGISTIC["truth"]
    (step,) = found["steps"]
    assert (step["step"], step["epoch"], step["batch"]) == (1, 1, [0])
    assert step["cost"] == near(truth["J"])
    for name in ("W1", "b1"):
        assert flat(step["gradients"][f"d{name}"]) == near(flat(truth[f"d{name}"]))
        assert flat(step["parameters"][name]) == near(flat(truth[f"{name}_new"]))
    assert found["parameters"] == step["parameters"]
    assert (found["stopped"], found["iterations_per_epoch"]) == ("steps", 1)
    assert "state" not in step
    again = LOGISTIC["problem"]["network"] | {
        "layers": [{"weights": [[0.15, 0.1]], "bias": [0.05], "activation": "sigmoid"}]
    }
    assert found["cost"] == near(
        client.post("/v1/gradients", json={**LOGISTIC["problem"], "network": again}).json()["value"]
    )


def test_mini_batches_by_hand():
    """y = w·x with w = 1, squared error, learning rate 0.1: dW = 2·mean((w·x − y)·x)."""
    body = {
        "network": {"layers": [{"weights": [[1]], "activation": "identity"}], "loss": "squared_error"},
        "inputs": [[1], [2], [3]],
        "labels": [[2], [2], [5]],
        "optimizer": {**SGD, "schedule": {"kind": "step", "every": 1, "factor": 0.5}},
        "epochs": 2,
        "batch_size": 2,
    }
    first, second, third, fourth = trained(body)["steps"]
    # examples 0 and 1: errors −1 and 0; cost (1 + 0)/2; dW = 2·(−1·1 + 0·2)/2 = −1; w = 1 + 0.1
    assert (first["batch"], first["cost"], first["gradients"]["dW1"]) == ([0, 1], near(0.5), [[near(-1)]])
    assert first["parameters"]["W1"] == [[near(1.1)]]
    # example 2: error 3.3 − 5 = −1.7; cost 2.89; dW = 2·(−1.7)·3 = −10.2; w = 1.1 + 1.02
    assert (second["batch"], second["cost"], second["gradients"]["dW1"]) == ([2], near(2.89), [[near(-10.2)]])
    assert second["parameters"]["W1"] == [[near(2.12)]]
    # errors 0.12 and 2.24; cost (0.0144 + 5.0176)/2; dW = 0.12·1 + 2.24·2 = 4.6; the rate is now 0.05; w = 2.12 − 0.23
    assert (third["epoch"], third["cost"], third["gradients"]["dW1"]) == (2, near(2.516), [[near(4.6)]])
    assert third["parameters"]["W1"] == [[near(1.89)]]
    # error 5.67 − 5 = 0.67; dW = 2·0.67·3 = 4.02; w = 1.89 − 0.201
    assert (fourth["step"], fourth["batch"], fourth["parameters"]["W1"]) == (4, [2], [[near(1.689)]])


def test_momentum_and_its_state_by_hand():
    """J = x², dx = 2x from x = 1: v = 2, x = 0.8; then v = 0.9·2 + 1.6 = 3.4, x = 0.46."""
    body = {
        "graph": {"expressions": ["J = x ** 2"]},
        "values": {"x": 1},
        "optimizer": {"kind": "momentum", "learning_rate": 0.1},
    }
    found = trained({**body, "steps": 2})
    assert [step["batch"] for step in found["steps"]] == [[], []]
    assert [step["state"]["velocity"]["x"] for step in found["steps"]] == [near(2), near(3.4)]
    assert [step["parameters"]["x"] for step in found["steps"]] == [near(0.8), near(0.46)]
    assert found["cost"] == near(0.2116)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer_trains_as_described(kind):
    settings = dict(OPTIMIZERS[kind].settings)
    found = trained(
        {**REGRESSION, "optimizer": {"kind": kind, "learning_rate": 0.01, **settings}, "epochs": 2, "batch_size": 2}
    )
    assert [set(step.get("state", {})) for step in found["steps"]] == [set(OPTIMIZERS[kind].state)] * 6
    assert found["iterations_per_epoch"] == 3
    assert found["cost"] < found["steps"][0]["cost"]


def test_shuffled_batches_repeat_with_their_seed():
    body = {**REGRESSION, "optimizer": SGD, "epochs": 2, "batch_size": 2, "shuffle": True, "seed": 3}
    found = trained(body)
    assert found == trained(body)
    batches = [step["batch"] for step in found["steps"]]
    assert batches != [step["batch"] for step in trained({**body, "seed": 4})["steps"]]
    for epoch in (batches[:3], batches[3:]):
        assert sorted(each for batch in epoch for each in batch) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("record", [[], ["cost"], ["gradients"], ["parameters", "state"]])
def test_only_what_is_asked_for_is_recorded(record):
    adam = {"kind": "adam", "learning_rate": 0.1}
    (step,) = trained({**LEAST_SQUARES, "optimizer": adam, "steps": 1, "record": record})["steps"]
    assert set(step) == {"step", "epoch", "batch", "cost", *record}


def test_it_says_why_it_stopped():
    graph = {"graph": {"expressions": ["J = x ** 4"]}, "values": {"x": 10}}
    found = trained({**graph, "optimizer": {"kind": "sgd", "learning_rate": 1}, "steps": 20})
    assert found["stopped"] == "diverged"
    assert "lower the learning rate (1 now)" in found["message"]
    assert found["cost"] is not None
    short = {**LEAST_SQUARES, "optimizer": {"kind": "sgd", "learning_rate": 0.03}, "stop_when": {"gradient_norm": 1e-3}}
    found = trained({**short, "steps": 500, "record": []})
    assert found["stopped"] == "converged"
    assert len(found["steps"]) < 500


def test_state_that_overflows_is_null_with_a_reason():
    """The squares of a gradient of 1e200 are infinite; the step is then 0, which is finite."""
    graph = {"graph": {"expressions": ["J = 1e200 * x"]}, "values": {"x": 1}}
    (step,) = trained({**graph, "optimizer": {"kind": "adagrad", "learning_rate": 0.1}, "steps": 1})["steps"]
    assert step["state"] == {"square_sum": {"x": None}}
    assert step["reason"] == "square_sum of x is infinite"
    assert step["parameters"] == {"x": 1}


NETWORK = {**REGRESSION, "optimizer": SGD, "steps": 1}
GRAPH = {**LEAST_SQUARES, "optimizer": SGD, "steps": 1}
SIGN = {"layers": [{"units": 1, "activation": "sign"}], "loss": "squared_error"}


def optimizer(**fields):
    return {**NETWORK, "optimizer": {**SGD, **fields}}


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


BAD: dict[str, tuple[Any, str, str]] = {
    "nothing": ({}, "bad-problem", "optimizer"),
    "a list": ([], "bad-problem", ""),
    "no problem": ({"optimizer": SGD, "steps": 1}, "bad-problem", ""),
    "a loss alone": (
        {"loss": "squared_error", "predictions": [[1]], "labels": [[1]], "optimizer": SGD, "steps": 1},
        "bad-problem",
        "loss",
    ),
    "no optimizer": (without(NETWORK, "optimizer"), "bad-problem", "optimizer"),
    "no rate": (optimizer(learning_rate=None), "bad-problem", "optimizer.learning_rate"),
    "rate of 0": (optimizer(learning_rate=0), "bad-numbers", "optimizer.learning_rate"),
    "optimizer's kind": (optimizer(kind="sdg"), "unknown-name", "optimizer.kind"),
    "setting of another": (optimizer(momentum=0.9), "bad-problem", "optimizer.momentum"),
    "momentum of 1": (optimizer(kind="momentum", momentum=1), "bad-numbers", "optimizer.momentum"),
    "schedule's kind": (optimizer(schedule={"kind": "cosine"}), "unknown-name", "optimizer.schedule.kind"),
    "schedule's factor": (optimizer(schedule={"kind": "step", "every": 1}), "bad-problem", "optimizer.schedule.factor"),
    "steps and epochs": ({**NETWORK, "epochs": 1}, "bad-problem", "steps"),
    "neither": (without(NETWORK, "steps"), "bad-problem", "steps"),
    "no steps": ({**NETWORK, "steps": 0}, "bad-numbers", "steps"),
    "half a step": ({**NETWORK, "steps": 1.5}, "bad-numbers", "steps"),
    "half an epoch": ({**without(NETWORK, "steps"), "epochs": "1"}, "bad-numbers", "epochs"),
    "too many steps": ({**NETWORK, "steps": 10_001}, "too-large", "steps"),
    "batch of 0": ({**NETWORK, "batch_size": 0}, "bad-numbers", "batch_size"),
    "batch of 6": ({**NETWORK, "batch_size": 6}, "bad-numbers", "batch_size"),
    "batch of a graph": ({**GRAPH, "batch_size": 1}, "bad-problem", "batch_size"),
    "shuffle": ({**NETWORK, "shuffle": 1}, "bad-problem", "shuffle"),
    "seed": ({**NETWORK, "seed": -1}, "bad-numbers", "seed"),
    "stop": ({**NETWORK, "stop_when": {"cost": 1}}, "bad-problem", "stop_when.cost"),
    "record": ({**NETWORK, "record": ["cost", "costs"]}, "unknown-name", "record[1]"),
    "field of jobs": ({**NETWORK, "dtype": "float32"}, "bad-problem", "dtype"),
    "constants only": ({**GRAPH, "constants": ["A", "x", "c"]}, "bad-problem", "constants"),
    "a sign": ({**NETWORK, "network": SIGN}, "bad-problem", "network.layers[0].activation"),
    "shapes": ({**NETWORK, "labels": [[1]]}, "shape-mismatch", "labels"),
}


@pytest.mark.parametrize(("body", "kind", "path"), BAD.values(), ids=BAD.keys())
def test_bad_input(body, kind, path):
    document = problem(client.post("/v1/train", json=body), 422, kind)
    error, *_ = document["errors"]
    assert error["path"] == path
    assert error["message"] in document["detail"]
