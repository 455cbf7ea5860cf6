"""Steps that can be followed by hand: which examples, which cost, which gradients, which parameters."""

import copy
from typing import Any

import numpy as np
import pytest

from engine import EngineError, read_problem
from engine.limits import Limits
from engine.training import read_fit, read_training, train_steps
from engine.training.batches import Batches, indices_of
from tests.problems import CASES, random_network

SGD = {"kind": "sgd", "learning_rate": 0.1}
UPDATED = {name: case for name, case in CASES.items() if any(each.endswith("_new") for each in case["truth"])}
X = [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0], [-1.0, 1.0], [2.0, 2.0]]
Y = [[1.0], [0.0], [2.0], [-1.0], [0.5]]
LINEAR: dict[str, Any] = {
    "network": {"layers": [{"weights": [[0.5], [-0.25]], "bias": [0.1], "activation": "identity"}], "loss": "squared_error"},
    "inputs": X,
    "labels": Y,
    "optimizer": SGD,
}
GRAPH: dict[str, Any] = {
    "graph": {"expressions": ["r = A @ x - c", "J = sum(r**2)"]},
    "values": {"A": [[1, 2], [3, 4], [0, 1]], "x": [0.5, -0.5], "c": [1, 0, 2]},
    "constants": ["A", "c"],
    "optimizer": {"kind": "sgd", "learning_rate": 0.01},
}


def trained(wire, **more):
    return train_steps(read_training({**wire, **more}))


@pytest.mark.parametrize("case", UPDATED.values(), ids=UPDATED)
def test_the_updates_of_the_worked_examples(case):
    result = trained(case["problem"], steps=1)
    updates = {name: truth for name, truth in case["truth"].items() if name.endswith("_new")}
    assert len(updates) == 2
    for name, truth in updates.items():
        assert np.abs(result.steps[0].parameters[name[:-4]] - truth).max() <= 1e-15
        assert (result.parameters[name[:-4]] == result.steps[0].parameters[name[:-4]]).all()
    assert result.steps[0].cost == pytest.approx(case["truth"]["J"], rel=1e-14)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_linear_regression_by_hand(batch_size, shuffle):
    """Each step: J = Σ(x·w + b − y)²/m of its batch alone, and its gradients 2Xᵀ(Xw + b − y)/m."""
    result = trained(LINEAR, epochs=3, batch_size=batch_size, shuffle=shuffle, seed=4)
    x, y = np.array(X), np.array(Y)
    w, b = np.array([[0.5], [-0.25]]), np.array([0.1])
    assert result.iterations_per_epoch == -(-5 // batch_size)
    assert len(result.steps) == 3 * result.iterations_per_epoch
    for number, step in enumerate(result.steps):
        assert (step.step, step.epoch) == (number + 1, number // result.iterations_per_epoch + 1)
        chosen = list(step.batch)
        residual = x[chosen] @ w + b - y[chosen]
        assert step.cost == pytest.approx((residual**2).mean(), rel=1e-13)
        dw, db = 2 * x[chosen].T @ residual / len(chosen), 2 * residual.mean(axis=0)
        assert np.allclose(step.gradients["dW1"], dw, rtol=1e-12, atol=1e-14)
        assert np.allclose(step.gradients["db1"], db, rtol=1e-12, atol=1e-14)
        w, b = w - 0.1 * dw, b - 0.1 * db
        assert np.allclose(step.parameters["W1"], w, rtol=1e-12, atol=1e-14)
        assert np.allclose(step.parameters["b1"], b, rtol=1e-12, atol=1e-14)
        assert step.state == {}
    assert result.stopped == "steps"
    assert result.cost == pytest.approx(((x @ w + b - y) ** 2).mean(), rel=1e-12)
    for epoch in range(3):
        used = [each for step in result.steps if step.epoch == epoch + 1 for each in step.batch]
        assert sorted(used) == [0, 1, 2, 3, 4]
        assert (used == [0, 1, 2, 3, 4]) == (not shuffle)


def test_batches():
    assert Batches(1000, 500).per_epoch == 2  # as in the lecture notes
    assert Batches(1000, 1).per_epoch == 1000
    assert Batches(1001, 500).per_epoch == 3
    assert [indices_of(Batches(5, 2).at(done)[1]) for done in range(4)] == [(0, 1), (2, 3), (4,), (0, 1)]
    shuffled = Batches(100, 30, shuffle=True, seed=1)
    epochs = [[each for done in range(4) for each in indices_of(shuffled.at(4 * epoch + done)[1])] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert indices_of(shuffled.at(5)[1]) == indices_of(Batches(100, 30, shuffle=True, seed=1).at(5)[1])
    assert indices_of(shuffled.at(5)[1]) != indices_of(Batches(100, 30, shuffle=True, seed=2).at(5)[1])
    # The order is part of every checkpoint's meaning: it must not change from version to version.
    assert Batches(8, 8, shuffle=True, seed=1).order(1).tolist() == [5, 3, 1, 0, 6, 7, 4, 2]


def test_batch_and_stochastic_descent_are_batch_sizes():
    assert trained(LINEAR, steps=1).steps[0].batch == (0, 1, 2, 3, 4)
    assert [step.batch for step in trained(LINEAR, steps=3, batch_size=1).steps] == [(0,), (1,), (2,)]


@pytest.mark.parametrize("average_in", ["loss", "parameters"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_is_a_problem_of_its_own(average_in, reduction):
    """Whatever the conventions, a step on a batch is what the engine says of that batch alone."""
    rng = np.random.default_rng(0)
    loss = {"kind": "cross_entropy", "reduction": reduction, "average_in": average_in, "scale": 0.5}
    for layout in ("rows", "columns"):
        wire = random_network(rng, [3, 4, 2], ["tanh", "softmax"], loss, examples=7, layout=layout)
        before: dict[str, np.ndarray] = {}
        for step in trained({**wire, "optimizer": SGD}, epochs=1, batch_size=3).steps:
            part = copy.deepcopy(wire)
            for name in ("inputs", "labels"):
                rows = np.array(wire[name]) if layout == "rows" else np.array(wire[name]).T
                part[name] = (rows[list(step.batch)] if layout == "rows" else rows[list(step.batch)].T).tolist()
            for number, layer in enumerate(part["network"]["layers"] if before else (), start=1):
                layer["weights"], layer["bias"] = before[f"W{number}"], before[f"b{number}"]
            run = read_problem(part).run()
            assert step.cost == float(run["J"])
            assert all((each == run.gradients[name[1:]]).all() for name, each in step.gradients.items())
            before = step.parameters


def test_a_graph_is_trained_as_a_whole():
    result = trained(GRAPH, steps=3)
    A, x, c = np.array([[1, 2], [3, 4], [0, 1]]), np.array([0.5, -0.5]), np.array([1, 0, 2])
    for step in result.steps:
        assert step.batch == ()
        assert step.epoch == step.step
        assert list(step.gradients) == ["dx"]
        assert step.cost == pytest.approx(((A @ x - c) ** 2).sum())
        x = x - 0.01 * 2 * A.T @ (A @ x - c)
        assert np.allclose(step.parameters["x"], x, rtol=1e-13)
    assert result.iterations_per_epoch == 1


def test_state_is_recorded_as_it_was():
    adam = {"kind": "adam", "learning_rate": 0.1}
    steps = trained({**GRAPH, "optimizer": adam}, steps=2).steps
    g1, g2 = steps[0].gradients["dx"], steps[1].gradients["dx"]
    assert np.allclose(steps[0].state["mean"]["x"], 0.1 * g1)
    assert np.allclose(steps[1].state["mean"]["x"], 0.09 * g1 + 0.1 * g2)
    assert np.allclose(steps[1].state["square_mean"]["x"], 0.000999 * g1**2 + 0.001 * g2**2)


def test_only_what_is_asked_for_is_recorded():
    step = trained(LINEAR, steps=1, record=["cost", "gradients"]).steps[0]
    assert list(step.gradients) == ["dW1", "db1"]
    assert step.parameters == {}
    assert step.state == {}


def test_it_stops_when_the_gradient_is_short():
    result = trained(GRAPH, steps=2000, stop_when={"gradient_norm": 1e-6}, record=["gradients"])
    assert result.stopped == "converged"
    assert 10 < len(result.steps) < 2000
    assert np.linalg.norm(result.steps[-1].gradients["dx"]) > 1e-6
    best = np.linalg.lstsq(np.array(GRAPH["values"]["A"]), np.array(GRAPH["values"]["c"]), rcond=None)[0]
    assert np.abs(result.parameters["x"] - best).max() < 1e-6


def test_divergence_is_told_with_the_last_good_parameters():
    wire = {
        "graph": {"expressions": ["J = x**4"]},
        "values": {"x": 10.0},
        "optimizer": {"kind": "sgd", "learning_rate": 1.0},
    }
    result = trained(wire, steps=20)
    assert result.stopped == "diverged"
    assert "lower the learning rate (1 now), for example to 0.1" in result.message
    assert f"at step {len(result.steps) + 1}" in result.message
    assert np.isfinite(result.cost)
    assert result.cost == float(result.parameters["x"]) ** 4
    assert all(np.isfinite(step.parameters["x"]) and np.isfinite(step.cost) for step in result.steps)


def test_divergence_in_the_very_last_step():
    """J = e^{−x}, computed so that it is not a number at the far end of a long step."""
    wire = {
        "graph": {"expressions": ["J = exp(x) * exp(-2 * x)"]},
        "values": {"x": -300.0},
        "optimizer": {"kind": "sgd", "learning_rate": 1.0},
    }
    result = trained(wire, steps=1)
    assert result.stopped == "diverged"
    assert "at step 2" in result.message
    assert float(result.parameters["x"]) == -300.0
    assert result.cost == pytest.approx(np.exp(300.0))


def test_what_diverged_and_where_to():
    """Cost, gradient and step: each is told by its name, with the parameters before the fault."""
    sgd = {"kind": "sgd", "learning_rate": 1.0}
    quartic = {"graph": {"expressions": ["J = x**4"]}, "values": {"x": 10.0}, "optimizer": sgd}
    result = trained(quartic, steps=20)
    assert len(result.steps) >= 3
    assert "the cost is no longer finite" in result.message
    assert (result.parameters["x"] == result.steps[-2].parameters["x"]).all()

    root = {"graph": {"expressions": ["J = sqrt(x) + 0 * y"]}, "values": {"x": 0.0, "y": 1.0}, "optimizer": sgd}
    result = trained(root, steps=3)
    assert (result.stopped, result.steps) == ("diverged", ())
    assert "at step 1 (epoch 1): the gradient is not finite; with the first parameters" in result.message
    # A step of 1/4 · 1 leads from 1/4 to 0, where the cost is finite and the slope is not.
    result = trained({**root, "values": {"x": 0.25, "y": 1.0}, "optimizer": {**sgd, "learning_rate": 0.25}}, steps=3)
    assert len(result.steps) == 1
    assert "at step 2 (epoch 2): the gradient is not finite; lower the learning rate (0.25 now)" in result.message
    assert (float(result.parameters["x"]), result.cost) == (0.0, 0.0)

    steep = {"graph": {"expressions": ["J = 1e300 * x"]}, "values": {"x": 0.0}, "optimizer": {**sgd, "learning_rate": 1e9}}
    result = trained(steep, steps=3)
    assert (result.stopped, result.steps) == ("diverged", ())
    assert "the gradient is finite, but the step it leads to is not; lower the learning rate (1e+09 now)" in result.message


REFUSED = [
    ({**LINEAR, "steps": 1, "epochs": 1}, "steps", "'steps' or 'epochs', one of the two"),
    (LINEAR, "steps", "say how long to train"),
    ({**LINEAR, "steps": 0}, "steps", "whole number of at least 1"),
    ({**LINEAR, "epochs": 1.5}, "epochs", "expected a whole number"),
    ({**LINEAR, "steps": 1, "optimizer": None}, "optimizer", "needs the field 'optimizer'"),
    ({**LINEAR, "steps": 1, "batch_size": 6}, "batch_size", "a batch of 6 is larger than all 5 examples"),
    ({**LINEAR, "steps": 1, "batch_size": 0}, "batch_size", "at least 1"),
    ({**LINEAR, "steps": 1, "shuffle": 1}, "shuffle", "expected true or false"),
    ({**LINEAR, "steps": 1, "seed": -1}, "seed", "at least 0"),
    ({**LINEAR, "steps": 1, "step": 1}, "step", "did you mean 'steps'"),
    ({**LINEAR, "steps": 1, "stop_when": {"cost": 1}}, "stop_when.cost", "has no field 'cost'"),
    ({**LINEAR, "steps": 1, "stop_when": {"gradient_norm": -1}}, "stop_when.gradient_norm", "at least 0"),
    ({**LINEAR, "steps": 1, "record": ["costs"]}, "record[0]", "did you mean 'cost'"),
    ({**LINEAR, "steps": 20_000}, "steps", "10,000 is the most that is recorded at once"),
    ({**GRAPH, "steps": 1, "batch_size": 2}, "batch_size", "leave out batch_size"),
    ({**GRAPH, "steps": 1, "shuffle": True}, "shuffle", "no examples to shuffle"),
    ({**GRAPH, "constants": ["A", "c", "x"], "steps": 1}, "constants", "nothing to train"),
    ([], "", "expected the request to be an object, not a list"),
    (
        {"loss": "squared_error", "predictions": [[1]], "labels": [[1]], "optimizer": SGD, "steps": 1},
        "loss",
        "a loss alone has no parameters",
    ),
    ({**LINEAR, "loss": "squared_error", "steps": 1}, "loss", "belongs inside it: give it as network.loss"),
]


@pytest.mark.parametrize(("wire", "path", "part"), REFUSED)
def test_requests_are_refused_in_words(wire, path, part):
    for read in (read_training, read_fit) if "most" not in part else (read_training,):
        with pytest.raises(EngineError) as refused:
            read(wire)
        assert refused.value.path == path
        assert part in refused.value.message


def test_a_sign_cannot_be_trained():
    wire = copy.deepcopy(LINEAR)
    wire["network"]["layers"].insert(0, {"units": 2, "activation": "sign"})
    wire["network"]["layers"][1]["weights"] = [[1.0], [1.0]]
    with pytest.raises(EngineError, match=r"layer 1 is a sign: its gradient is 0 everywhere") as refused:
        read_training({**wire, "steps": 1})
    assert refused.value.path == "network.layers[0].activation"


def test_work_and_memory_are_refused_before_they_begin():
    with pytest.raises(EngineError, match="would hold") as refused:
        read_training({**LINEAR, "steps": 100}, Limits(elements=500))
    assert refused.value.path == "record"
    read_training({**LINEAR, "steps": 100, "record": ["cost"]}, Limits(elements=500))
    with pytest.raises(EngineError, match="operations"):
        read_training({**LINEAR, "steps": 100}, Limits(training_operations=1000))
    read_training({**LINEAR, "steps": 100}, Limits(training_operations=10**9))
    with pytest.raises(EngineError, match="11 epochs; 10 is the most"):
        read_fit({**LINEAR, "epochs": 11}, Limits(epochs=10))


def test_every_part_of_what_is_recorded_counts():
    """5 steps of 2 of 5 examples use 2 + 2 + 1 + 2 + 2 of them, which is counted as ⌈5 · 5/3⌉; there are 3 parameters."""
    counted = {(): 0, ("cost",): 0, ("gradients",): 15, ("gradients", "parameters"): 30, ("state",): 30}
    adam = {**LINEAR, "optimizer": {"kind": "adam", "learning_rate": 0.1}, "steps": 5, "batch_size": 2}
    for record, numbers in counted.items():
        most = max(numbers + 9, 50)  # the graph itself holds less than 50
        more = {**adam, "steps": 5 * most, "record": list(record)}
        total = numbers * most + -(-5 * 5 * most // 3)
        read_training(more, Limits(elements=total))
        with pytest.raises(EngineError, match="would hold") as refused:
            read_training(more, Limits(elements=total - 1))
        assert refused.value.path == ("record" if record not in ((), ("cost",)) else "steps")


def test_examples_of_a_step_count_as_numbers():
    with pytest.raises(EngineError, match="0 numbers and 1,000 indices") as refused:
        read_training({**LINEAR, "epochs": 200, "record": []}, Limits(elements=999))
    assert refused.value.path == "epochs"
    read_training({**LINEAR, "epochs": 200, "record": []}, Limits(elements=1000))
    steps = trained(LINEAR, epochs=3, record=[]).steps
    assert steps[0].batch is steps[2].batch  # written down once


def test_operations_are_those_of_the_batch_and_of_getting_from_node_to_node():
    """A step on one of 1,000 examples does a thousandth of the work; but a step of many tiny layers takes time as well."""
    many = {**LINEAR, "inputs": X * 2000, "labels": Y * 2000, "steps": 100, "record": []}
    nodes = len(read_problem({key: LINEAR[key] for key in ("network", "inputs", "labels")}).graph.nodes)
    limits = Limits(training_operations=2 * 100 * nodes * 10_000)
    read_training({**many, "batch_size": 1}, limits)
    with pytest.raises(EngineError, match="operations"):
        read_training(many, limits)
    deep = {
        **LINEAR,
        "network": {"layers": [{"units": 1, "bias": True, "activation": "tanh"}] * 64, "loss": "squared_error"},
    }
    with pytest.raises(EngineError, match=r"would take about 2\.\d+e\+10 operations; 2\.0e\+10 is the most") as refused:
        read_training({**deep, "steps": 10_000, "record": []})
    assert refused.value.path == "steps"
    read_training({**deep, "steps": 1_000, "record": []})
