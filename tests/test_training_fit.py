"""Long runs: they learn what there is to learn, and stop when and how they should."""

import dataclasses
from threading import Event

import numpy as np
import pytest
from scipy.optimize import minimize

from engine import EngineError, read_problem
from engine.limits import Limits
from engine.training import Progress, costs, fit, read_fit, read_training, slopes, train_steps
from tests.problems import random_network

ADAM = {"kind": "adam", "learning_rate": 0.01}


def moons(examples, seed, noise=0.1):
    """Two half circles, one inside the other's bend; inputs and class indices."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, examples)
    lower = rng.integers(0, 2, examples)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    X[lower == 1] = [1.0, 0.5] - X[lower == 1]
    return X + noise * rng.standard_normal(X.shape), lower


def spirals(examples, seed, noise=0.03):
    """Two arms of one and a half turns."""
    rng = np.random.default_rng(seed)
    radius = np.sqrt(rng.uniform(0.02, 1, examples))
    arm = rng.integers(0, 2, examples)
    angle = 3 * np.pi * radius + np.pi * arm
    X = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return X + noise * rng.standard_normal(X.shape), arm


def classifier(X, y, *, units=16, activation="tanh", layers=1, **more):
    hidden = [
        {"units": units, "bias": True, "activation": activation, "init": {"kind": "xavier", "seed": 1}}
        for _ in range(layers)
    ]
    head = {"units": 2, "bias": True, "activation": "softmax"}
    network = {"layers": [*hidden, head], "loss": "cross_entropy"}
    return {"network": network, "inputs": X, "labels": y, "optimizer": ADAM, "batch_size": 32, "shuffle": True, **more}


def fitted(wire, **more):
    return fit(read_fit(wire), **more)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moons(dtype):
    X, y = moons(600, 0)
    inputs, labels = moons(400, 1)
    validation = {"inputs": inputs, "labels": labels}
    result = fitted(classifier(X, y, epochs=60, dtype=dtype, validation=validation))
    assert result.accuracy >= 0.97
    assert result.validation_accuracy >= 0.97
    assert len(result.history) == 60
    assert result.history[0].cost > 3 * result.history[-1].cost
    assert result.parameters["W1"].dtype == dtype


def test_spirals():
    X, y = spirals(1000, 0)
    inputs, labels = spirals(400, 1)
    validation = {"inputs": inputs, "labels": labels}
    wire = classifier(X, y, units=32, layers=2, activation="relu", epochs=300, validation=validation)
    result = fitted(wire)
    assert result.accuracy >= 0.97
    assert result.validation_accuracy >= 0.97


def test_logistic_regression_reaches_the_optimum():
    """Overlapping classes, so that the optimum is finite; scipy minimises the same cost written out here."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = (X @ [1.0, -2.0, 0.5] + 0.3 + rng.logistic(size=200) > 0).astype(float)

    def cost(theta):
        z = X @ theta[:3] + theta[3]
        return np.mean(np.logaddexp(0, z) - y * z)

    best = minimize(cost, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    layer = {"weights": [[0.0], [0.0], [0.0]], "bias": True, "activation": "sigmoid"}
    wire = {
        "network": {"layers": [layer], "loss": "binary_cross_entropy"},
        "inputs": X,
        "labels": y[:, None],
        "optimizer": {"kind": "nesterov", "learning_rate": 1.0},
        "epochs": 5000,
        "stop_when": {"gradient_norm": 1e-9},
    }
    result = fitted(wire)
    assert result.stopped == "converged"
    assert "the gradient is no longer than" in result.message
    found = np.append(result.parameters["W1"].ravel(), result.parameters["b1"])
    assert np.abs(found - best.x).max() < 1e-6
    assert result.cost == pytest.approx(best.fun, abs=1e-6)
    assert result.cost <= best.fun + 1e-12
    right = np.mean((X @ found[:3] + found[3] >= 0) == (y == 1))
    assert result.accuracy == right


def test_the_history_says_what_happened():
    """Cost and accuracy of an epoch, recomputed batch by batch from the graph engine."""
    X, y = moons(50, 0)
    inputs, labels = moons(300, 1)  # more than are measured at once
    base = classifier(X, y, units=4, batch_size=16, shuffle=False)
    wire = {**base, "validation": {"inputs": inputs, "labels": labels}}
    results = [fitted({**wire, "steps": steps}) for steps in range(1, 9)]
    assert [len(result.history) for result in results] == [0, 0, 0, 1, 1, 1, 1, 2]
    total = right = 0.0
    layers = base["network"]["layers"]
    for done, rows in enumerate(np.split(np.arange(50), [16, 32, 48])):
        if done:
            named = results[done - 1].parameters
            layers = [
                {"weights": named[f"W{n}"], "bias": named[f"b{n}"], "activation": activation}
                for n, activation in ((1, "tanh"), (2, "softmax"))
            ]
        network = {**base["network"], "layers": layers}
        run = read_problem({"network": network, "inputs": X[rows], "labels": y[rows]}).run()
        total += float(run["J"]) * len(rows)
        right += (run["A2"].argmax(axis=1) == y[rows]).sum()
    record = results[3].history[0]
    assert record.cost == pytest.approx(total / 50, rel=1e-12)
    assert record.accuracy == right / 50
    named = results[3].parameters
    layers = [
        {"weights": named[f"W{n}"], "bias": named[f"b{n}"], "activation": activation}
        for n, activation in ((1, "tanh"), (2, "softmax"))
    ]
    run = read_problem({"network": {**base["network"], "layers": layers}, "inputs": inputs, "labels": labels}).run()
    assert record.validation_cost == pytest.approx(float(run["J"]), rel=1e-12)
    assert record.validation_accuracy == (run["A2"].argmax(axis=1) == labels).mean()
    assert results[3].validation_cost == record.validation_cost


@pytest.mark.parametrize(
    ("kind", "head", "labels", "accuracy"),
    [
        ("binary_cross_entropy", "sigmoid", [[1, 0], [1, 1], [0, 0]], 4 / 6),
        ("binary_cross_entropy_with_logits", "identity", [[1, 0], [1, 1], [0, 0]], 4 / 6),
        ("hinge", "identity", [[1, -1], [1, 1], [-1, -1]], 4 / 6),
        ("cross_entropy", "softmax", [[1, 0], [1, 0], [1, 0]], 2 / 3),
        ("cross_entropy_with_logits", "identity", [[1, 0], [1, 0], [1, 0]], 2 / 3),
        ("squared_error", "identity", [[1, 0], [1, 0], [1, 0]], None),
    ],
)
def test_accuracy_where_it_applies(kind, head, labels, accuracy):
    """Logits (2, −1), (0.5, −0.5), (−1, 3)."""
    logits = [[2.0, -1.0], [0.5, -0.5], [-1.0, 3.0]]
    layer = {"weights": [[1.0, 0.0], [0.0, 1.0]], "activation": head}
    network = {"layers": [layer], "loss": kind}
    sgd = {"kind": "sgd", "learning_rate": 1e-12}
    result = fitted({"network": network, "inputs": logits, "labels": labels, "optimizer": sgd, "epochs": 1})
    assert result.history[0].accuracy == accuracy
    assert result.accuracy == accuracy


def test_early_stopping_keeps_the_best_epoch():
    """Few noisy examples and a large network: the validation cost falls, then rises."""
    X, y = moons(30, 0, noise=0.4)
    inputs, labels = moons(200, 1, noise=0.4)
    validation = {"inputs": inputs, "labels": labels}
    more = {"epochs": 300, "validation": validation, "early_stopping": {"patience": 5}}
    result = fitted(classifier(X, y, units=64, batch_size=10, **more))
    costs_seen = [record.validation_cost for record in result.history]
    assert result.stopped == "early_stopping"
    assert result.best_epoch == int(np.argmin(costs_seen)) + 1
    assert len(costs_seen) == result.best_epoch + 5
    assert result.validation_cost == min(costs_seen)
    assert f"since epoch {result.best_epoch}" in result.message


def test_early_stopping_without_validation_watches_the_training_cost():
    X, y = moons(30, 0)
    fast = {"kind": "sgd", "learning_rate": 30.0}
    wire = classifier(X, y, epochs=200, batch_size=30, optimizer=fast, early_stopping={"patience": 3})
    result = fitted(wire)
    assert result.stopped == "early_stopping"
    assert result.best_epoch == int(np.argmin([record.cost for record in result.history])) + 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_divergence(dtype):
    rng = np.random.default_rng(0)
    wire = random_network(rng, [3, 4, 1], ["relu", "identity"], {"kind": "squared_error"}, examples=20)
    sgd = {"kind": "sgd", "learning_rate": 50.0}
    request = {**wire, "optimizer": sgd, "batch_size": 5, "epochs": 100, "dtype": dtype}
    result = fitted(request)
    assert result.stopped == "diverged"
    assert f"diverged at step {result.steps + 1} (epoch {result.steps // 4 + 1})" in result.message
    assert "lower the learning rate (50 now), for example to 5" in result.message
    assert all(np.isfinite(value).all() for value in result.parameters.values())
    # The last good ones: those before the step that led to a cost which is not finite.
    before = fitted({**request, "steps": result.steps - 1, "epochs": None})
    assert before.stopped == "steps"
    assert all((before.parameters[name] == value).all() for name, value in result.parameters.items())


def test_divergence_after_the_last_step_is_seen():
    layer = {"weights": [[1.0]], "activation": "identity"}
    wire = {
        "network": {"layers": [layer], "loss": "squared_error"},
        "inputs": [[1e100]],
        "labels": [[0.0]],
        "optimizer": {"kind": "sgd", "learning_rate": 1.0},
        "steps": 1,
    }
    result = fitted(wire)
    assert result.stopped == "diverged"
    assert result.parameters["W1"] == 1.0
    assert result.cost == pytest.approx(1e200)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_drift_alarm_is_silent_when_all_is_well(dtype):
    X, y = moons(60, 0)
    result = fitted(classifier(X, y, epochs=5, batch_size=20, check_every=4, dtype=dtype, activation="relu"))
    assert [(check.step, check.epoch) for check in result.checks] == [(4, 2), (8, 3), (12, 4)]
    assert {check.status for check in result.checks} <= {"agrees", "kink"}
    assert max(check.max_error for check in result.checks) < 1e-13
    assert result.stopped == "steps"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_drift_alarm_stops_a_run_with_a_wrong_slope(monkeypatch, dtype):
    """A slope that is 1 % off: training would go on as if nothing had happened."""

    def wrong(d, a, slope, scratch):
        np.multiply(d, slope, out=d)
        np.multiply(d, 1.01, out=d)

    row = slopes.KERNELS["tanh"]
    monkeypatch.setitem(slopes.KERNELS, "tanh", dataclasses.replace(row, backward=wrong))
    X, y = moons(60, 0)
    result = fitted(classifier(X, y, epochs=5, batch_size=20, check_every=4, dtype=dtype))
    assert result.stopped == "gradient_check"
    assert result.steps == 3
    assert result.checks[-1].status == "disagrees"
    assert "by backpropagation, but" in result.message
    assert result.checks[-1].reason in result.message


def test_a_wrong_loss_is_seen_too(monkeypatch):
    row = costs.KERNELS["cross_entropy_with_logits"]

    def wrong(*arguments):
        found = row.learn(*arguments)
        np.multiply(arguments[3], 2.0, out=arguments[3])
        return found

    monkeypatch.setitem(costs.KERNELS, row.name, dataclasses.replace(row, learn=wrong))
    X, y = moons(20, 0)
    assert fitted(classifier(X, y, steps=5, batch_size=20, check_every=1)).stopped == "gradient_check"


def test_progress_and_stop():
    X, y = moons(40, 0)
    seen: list[Progress] = []
    request = read_fit(classifier(X, y, epochs=3, batch_size=10))
    fit(request, progress=seen.append, interval=0.0)
    assert [(each.step, each.epoch) for each in seen] == [(step, step // 4) for step in range(1, 13)]
    assert {(each.steps, each.epochs) for each in seen} == {(12, 3)}
    assert seen[-1].fraction == 1.0
    assert all(each.cost is not None and np.isfinite(each.cost) for each in seen)

    rare: list[Progress] = []
    fit(request, progress=rare.append, interval=1e9)
    assert [each.step for each in rare] == [12]

    event = Event()
    event.set()
    stopped = fit(request, stop=event)
    assert (stopped.stopped, stopped.steps, stopped.history) == ("interrupted", 0, ())
    assert stopped.checkpoint is not None
    asked = iter([False, False, True])
    stopped = fit(request, stop=lambda: next(asked))
    assert (stopped.stopped, stopped.steps) == ("interrupted", 2)
    assert fit(request).checkpoint is None


def test_graphs_are_fitted_too():
    wire = {
        "graph": {"expressions": ["J = (x - 3)**2 + sum((y + 1)**2)"]},
        "values": {"x": 0, "y": [1, 2]},
        "optimizer": {"kind": "momentum", "learning_rate": 0.05},
        "steps": 1000,
        "stop_when": {"gradient_norm": 1e-9},
        "check_every": 50,
    }
    result = fitted(wire)
    assert result.stopped == "converged"
    assert abs(result.parameters["x"] - 3) < 1e-9
    assert result.parameters["x"].shape == ()
    assert np.abs(result.parameters["y"] + 1).max() < 1e-9
    assert {check.status for check in result.checks} == {"agrees"}
    assert result.accuracy is None


def saturating(act="sigmoid", **more):
    """A head that saturates keeps the cost finite, whatever becomes of the parameters."""
    layers = [
        {"weights": [[0.5]], "bias": [0.1], "activation": act},
        {"weights": [[1.0]], "bias": [0.0], "activation": "sigmoid"},
    ]
    return {
        "network": {"layers": layers, "loss": {"kind": "squared_error", "scale": 1e6}},
        "inputs": [[1.0], [2.0], [3.0]],
        "labels": [[1.0], [0.0], [1.0]],
        "optimizer": {"kind": "sgd", "learning_rate": 1e308},
        "batch_size": 1,
        **more,
    }


def all_finite(parameters):
    return all(np.isfinite(value).all() for value in parameters.values())


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("act", ["sigmoid", "relu", "softmax"])
def test_infinite_parameters_are_never_returned(act, steps):
    result = fitted(saturating(act, steps=steps))
    assert (result.stopped, result.steps, result.parameters_step) == ("diverged", 0, 0)
    assert all_finite(result.parameters)
    assert result.parameters["W1"] == 0.5
    assert (
        "at step 1 (epoch 1): the gradient is finite, but the step it leads to is not; lower the learning" in result.message
    )
    recorded = train_steps(read_training(saturating(act, steps=steps)))
    assert (recorded.stopped, recorded.message, recorded.steps) == (result.stopped, result.message, ())


def test_nor_in_the_middle_of_an_epoch_that_is_interrupted():
    asked = iter([False, True])
    result = fitted(saturating(epochs=2), stop=lambda: next(asked))
    assert all_finite(result.parameters)
    seen: list[Progress] = []
    fitted(saturating(epochs=2), progress=seen.append, interval=0.0)
    assert [each.step for each in seen] == [0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_step_that_overflows_later_is_not_made(dtype):
    """The decay takes 1,000 times itself off every weight: it grows and grows, and the head is saturated."""
    optimizer = {"kind": "sgd", "learning_rate": 1e3, "weight_decay": 1.0}
    wire = saturating(optimizer=optimizer, epochs=40, dtype=dtype)
    result = fitted(wire)
    assert result.stopped == "diverged"
    assert all_finite(result.parameters)
    assert result.steps == result.parameters_step > 3
    before = fitted({**wire, "steps": result.steps, "epochs": None})
    assert before.stopped == "steps"
    assert all((before.parameters[name] == value).all() for name, value in result.parameters.items())
    assert f"at step {result.steps + 1} (epoch {result.steps // 3 + 1})" in result.message


GROWING = {"kind": "sgd", "learning_rate": 0.1, "schedule": {"kind": "step", "every": 2, "factor": 1e5}}
SAME = [
    {"graph": {"expressions": ["J = sqrt(x)"]}, "values": {"x": 0.0}, "steps": 3},
    {"graph": {"expressions": ["J = x**4"]}, "values": {"x": 10.0}, "steps": 20},
    {
        "graph": {"expressions": ["J = sqrt(x)"]},
        "values": {"x": 0.01},
        "steps": 3,
        "optimizer": {**GROWING, "schedule": None},
    },
    {"graph": {"expressions": ["J = exp(x) * exp(-2 * x)"]}, "values": {"x": -300.0}, "steps": 1},
    {"graph": {"expressions": ["J = exp(x) * exp(-2 * x)"]}, "values": {"x": -300.0}, "steps": 5},
    {"graph": {"expressions": ["J = x**2"]}, "values": {"x": 3.0}, "steps": 90, "optimizer": GROWING},
    {"graph": {"expressions": ["J = 1e300 * x"]}, "values": {"x": 3.0}, "steps": 9, "optimizer": GROWING},
    saturating(steps=9),
    saturating(steps=200, optimizer={**GROWING, "weight_decay": 1.0}),
    saturating(steps=200, optimizer={**GROWING, "kind": "momentum", "weight_decay": 1.0}, batch_size=2),
    saturating(steps=200, optimizer={**GROWING, "kind": "adamw", "weight_decay": 1.0}, batch_size=2),
]


@pytest.mark.parametrize("wire", SAME, ids=range(len(SAME)))
@pytest.mark.parametrize("check_every", [None, 1])
def test_recorded_steps_and_long_runs_diverge_alike(wire, check_every):
    wire = {"optimizer": {"kind": "sgd", "learning_rate": 1.0}, **wire}
    result, recorded = fitted({**wire, "check_every": check_every}), train_steps(read_training(wire))
    assert result.stopped == recorded.stopped == "diverged"
    assert result.message == recorded.message
    assert result.steps == len(recorded.steps)
    assert all(check.step <= result.steps + 1 for check in result.checks)
    assert all_finite(result.parameters)
    assert result.cost == pytest.approx(recorded.cost, rel=1e-9)
    for name, value in recorded.parameters.items():
        assert np.allclose(result.parameters[name], value, rtol=1e-9)


def test_the_rate_is_only_blamed_where_it_can_be_the_cause():
    root = {"graph": {"expressions": ["J = sqrt(x)"]}, "values": {"x": 0.0}, "optimizer": ADAM, "steps": 3, "check_every": 1}
    result = fitted(root)
    assert (result.stopped, result.steps, result.checks) == ("diverged", 0, ())
    assert "at step 1 (epoch 1): the gradient is not finite; with the first parameters it is not either" in result.message
    assert "a lower learning rate would not help" in result.message
    vast = {"kind": "squared_error", "scale": 1e300}
    wire = saturating(steps=3, optimizer={"kind": "sgd", "learning_rate": 1e-30}, dtype="float32")
    result = fitted({**wire, "network": {**wire["network"], "loss": vast}})
    assert (result.stopped, result.steps) == ("diverged", 0)
    assert "the gradient is not finite; with the first parameters it is not either, so float32" in result.message
    assert "lower" not in result.message


def test_the_rate_that_is_blamed_is_that_of_the_step_before():
    """The cost is seen in epoch 3; the step that did it was made in epoch 2, at a rate of 1e160."""
    jump = {"kind": "step", "every": 1, "factor": 1e6}
    wire = {
        "graph": {"expressions": ["J = x**2"]},
        "values": {"x": 1.0},
        "optimizer": {"kind": "sgd", "learning_rate": 1e154, "schedule": jump},
        "steps": 3,
    }
    for message in (fitted(wire).message, train_steps(read_training(wire)).message):
        assert "(1e+154 now), for example to 1e+153" in message


def test_a_cost_that_its_scale_makes_infinite_is_seen():
    """Losses of 10³⁰⁴ are numbers, but 10⁶ times as much is none; recorded steps see the same."""
    wire = saturating(steps=9, optimizer={"kind": "sgd", "learning_rate": 5e145}, labels=[[0.0], [0.0], [0.0]])
    wire["network"]["layers"] = [{"weights": [[1.0]], "activation": "identity"}]
    result, recorded = fitted(wire), train_steps(read_training(wire))
    assert result.message == recorded.message
    assert (result.steps, result.parameters_step) == (len(recorded.steps), len(recorded.steps) - 1)
    assert all(np.isfinite(each.cost) for each in result.history)


def test_the_first_parameters_are_always_good():
    """Three steps on small examples, and one large that sees a weight of 10¹⁰⁰ as infinitely wrong."""
    wire = {
        "network": {"layers": [{"weights": [[1.0]], "activation": "identity"}], "loss": "squared_error"},
        "inputs": [[1.0], [1.0], [1.0], [1e60]],
        "labels": [[0.0], [0.0], [0.0], [0.0]],
        "optimizer": {"kind": "sgd", "learning_rate": 1e100},
        "batch_size": 1,
        "epochs": 1,
    }
    result, recorded = fitted(wire), train_steps(read_training(wire))
    assert result.message == recorded.message
    assert (result.steps, result.parameters_step, len(recorded.steps)) == (2, 0, 2)
    assert result.parameters["W1"] == recorded.parameters["W1"] == 1.0
    assert result.cost == pytest.approx(recorded.cost)
    assert np.isfinite(result.cost)


def test_an_epoch_whose_costs_have_no_sum_ends_the_run():
    """Losses of 0.25, 0.51 and 1.05 times 10³⁰⁸, one a step: each is a number, and their sum is none."""
    rate = (1 + np.sqrt(2.05)) / 2
    wire = {
        "network": {"layers": [{"weights": [[0.5e154]], "activation": "identity"}], "loss": "squared_error"},
        "inputs": [[1.0], [1.0], [1.0]],
        "labels": [[0.0], [0.0], [0.0]],
        "optimizer": {"kind": "sgd", "learning_rate": rate},
        "batch_size": 1,
        "epochs": 1,
    }
    result = fitted(wire)
    assert (result.stopped, result.steps, result.history) == ("diverged", 2, ())
    assert np.isfinite(result.cost)


@pytest.mark.parametrize("stop_early", [True, False])
def test_divergence_keeps_the_best_epoch(stop_early):
    """A rate that is fine for 10 epochs and 10⁶ times too large afterwards."""
    rng = np.random.default_rng(0)
    wire = random_network(rng, [3, 4, 1], ["relu", "identity"], {"kind": "squared_error"}, examples=20)
    late = {"kind": "sgd", "learning_rate": 1e-3, "schedule": {"kind": "step", "every": 10, "factor": 1e6}}
    early = {"early_stopping": {"patience": 30}} if stop_early else {}
    wire = {**wire, "optimizer": late, "batch_size": 5, "epochs": 30}
    result = fitted({**wire, **early})
    assert result.stopped == "diverged"
    if not stop_early:
        assert result.parameters_step == result.steps - 1 > 40
        return
    best = int(np.argmin([each.cost for each in result.history])) + 1
    assert result.best_epoch == best == 10
    assert result.parameters_step == 40 < result.steps
    kept = fitted({**wire, "epochs": best})
    assert result.cost == kept.cost
    assert all((kept.parameters[name] == value).all() for name, value in result.parameters.items())


def test_an_interrupted_run_shows_where_it_is_and_a_finite_cost():
    wire = {**classifier(*moons(30, 0, noise=0.4), units=64, batch_size=10), "epochs": 300}
    wire |= {"optimizer": {"kind": "sgd", "learning_rate": 30.0}, "early_stopping": {"patience": 5}}
    asked = iter(range(100))
    result = fitted(wire, stop=lambda: next(asked) == 12)
    plain = fitted({**wire, "steps": 12, "epochs": None, "early_stopping": None})
    assert result.stopped == "interrupted"
    assert (result.steps, result.parameters_step) == (12, 12)
    assert result.best_epoch < 4  # which is not what is shown
    assert all((plain.parameters[name] == value).all() for name, value in result.parameters.items())

    huge = saturating(optimizer={"kind": "sgd", "learning_rate": 1e300}, steps=5, batch_size=3)
    huge["network"]["layers"][1]["activation"] = "identity"
    asked = iter([False, True])
    result = fitted(huge, stop=lambda: next(asked))
    assert (result.stopped, result.steps, result.parameters_step) == ("interrupted", 1, 0)
    assert np.isfinite(result.cost)


def test_validation_data_that_become_infinite_end_a_run():
    """The training data say nothing of the second feature's weight but by a tiny slope; the validation data do."""
    wire = {
        "network": {"layers": [{"weights": [[1.0]], "activation": "identity"}], "loss": "squared_error"},
        "inputs": [[1e-3]],
        "labels": [[1e3]],
        "optimizer": {"kind": "sgd", "learning_rate": 1e3},
        "epochs": 4,
        "validation": {"inputs": [[1e153]], "labels": [[0.0]]},
    }
    result = fitted(wire)
    assert result.stopped == "diverged"
    assert "at step 1 (epoch 1): the cost of the validation data is no longer finite" in result.message
    assert (result.steps, result.parameters_step, result.history) == (1, 0, ())
    assert np.isfinite(result.validation_cost)
    assert fitted({**wire, "validation": None}).stopped == "steps"


@pytest.mark.parametrize(
    ("validation", "dtype", "path", "part"),
    [
        ({"inputs": [[1e200]], "labels": [[1.0]]}, "float32", "dtype", "'validation.inputs' holds 1.0e+200, which float32"),
        ({"inputs": [[1.0]], "labels": [[1e200]]}, "float32", "dtype", "'validation.labels' holds 1.0e+200, which float32"),
        ({"inputs": [[1.0]], "labels": [[1e30]]}, "float32", "validation", "is not finite in float32: try float64"),
        ({"inputs": [[1.0]], "labels": [[1e200]]}, "float64", "validation", "the validation data is not finite in float64"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_validation_data_out_of_range_are_refused(validation, dtype, path, part):
    sgd = {"kind": "sgd", "learning_rate": 0.1}
    with pytest.raises(EngineError) as refused:
        fitted(saturating(optimizer=sgd, epochs=1, validation=validation, dtype=dtype))
    assert refused.value.path == path
    assert part in refused.value.message


def test_training_data_out_of_range_are_refused():
    wire = saturating(optimizer={"kind": "sgd", "learning_rate": 0.1}, epochs=1, dtype="float32", labels=[[1e30], [0], [1]])
    with pytest.raises(EngineError, match="the cost of the inputs is not finite in float32: try float64"):
        fitted(wire)
    wire |= {"labels": [[1.0], [0], [1]], "optimizer": {"kind": "adam", "learning_rate": 0.1, "epsilon": 1e-50}}
    with pytest.raises(EngineError, match="1e-50 is 0 in float32") as refused:
        read_fit(wire)
    assert refused.value.path == "optimizer.epsilon"
    with pytest.raises(EngineError, match=r"'optimizer.learning_rate' holds 1.0e\+50"):
        read_fit({**wire, "optimizer": {"kind": "sgd", "learning_rate": 1e50}})


def test_limits_of_long_runs():
    wire = saturating(steps=10_001, optimizer=ADAM)
    with pytest.raises(EngineError, match="10,001 checks of the gradients; 10,000 is the most") as refused:
        read_fit({**wire, "check_every": 1})
    assert refused.value.path == "check_every"
    assert read_fit({**wire, "check_every": 2}).check_every == 2
    wide = {"inputs": np.zeros((60, 1)), "labels": np.zeros((60, 1))}
    with pytest.raises(EngineError, match="the validation data hold 120 numbers; 119 is the most") as refused:
        read_fit({**wire, "validation": wide}, Limits(elements=119))
    assert refused.value.path == "validation.inputs"
    read_fit({**wire, "validation": wide}, Limits(elements=120))


def test_stop_when_measures_the_length_and_meets_its_bound():
    """J = 3x + 4y: the gradient is 5 long, and its largest entry is 4."""
    wire = {
        "graph": {"expressions": ["J = 3 * x + 4 * y"]},
        "values": {"x": 1.0, "y": 1.0},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        "steps": 2,
    }
    for bound, stopped in ((5.0, "converged"), (4.999, "steps"), (4.0, "steps"), (7.0, "converged")):
        more = {**wire, "stop_when": {"gradient_norm": bound}}
        assert fitted(more).stopped == stopped
        assert train_steps(read_training(more)).stopped == stopped


def test_float32_that_loses_the_direction_is_told():
    """Two slopes of 10⁸ that cancel but for 1: float32 has 8 digits."""
    wire = {
        "network": {"layers": [{"weights": [[1.0], [1.0]], "activation": "identity"}], "loss": "squared_error"},
        "inputs": [[1e4, -1e4 + 0.3]],
        "labels": [[0.2999]],
        "optimizer": {"kind": "sgd", "learning_rate": 1e-12},
        "steps": 1,
        "check_every": 1,
    }
    for dtype, status in (("float64", "agrees"), ("float32", "inconclusive")):
        (found,) = fitted({**wire, "dtype": dtype}).checks
        assert found.status == status
        assert ("off the same gradient in float64: train with float64" in found.reason) == (dtype == "float32")


def test_an_epoch_as_good_as_the_best_is_no_better():
    """A gradient of 0: all epochs have one cost, the first is the best, and patience runs out."""
    wire = saturating(optimizer={"kind": "sgd", "learning_rate": 1e-300}, epochs=9, early_stopping={"patience": 3})
    result = fitted({**wire, "batch_size": 3})
    assert len({each.cost for each in result.history}) == 1
    assert (result.stopped, result.best_epoch, len(result.history)) == ("early_stopping", 1, 4)
    assert result.parameters_step == 1


def test_progress_tells_the_cost_of_the_examples_seen():
    """In the first epoch the mean of the losses so far: here of 2, 4 and 5 examples whose losses are 1, 4, 9, 16, 25."""
    wire = {
        "network": {"layers": [{"weights": [[0.0]], "activation": "identity"}], "loss": "squared_error"},
        "inputs": [[1.0], [1.0], [1.0], [1.0], [1.0]],
        "labels": [[1.0], [2.0], [3.0], [4.0], [5.0]],
        "optimizer": {"kind": "sgd", "learning_rate": 1e-15},
        "epochs": 2,
        "batch_size": 2,
    }
    seen: list[Progress] = []
    fitted(wire, progress=seen.append, interval=0.0)
    assert [each.cost for each in seen] == pytest.approx([2.5, 7.5, 11.0, 11.0, 11.0, 11.0], rel=1e-9)


def test_an_output_of_0_is_no_answer():
    """Hinge: the sign is the answer, and 0 has none."""
    layer = {"weights": [[1.0]], "activation": "identity"}
    wire = {"network": {"layers": [layer], "loss": "hinge"}, "inputs": [[0.0], [0.0], [1.0]], "labels": [[1], [-1], [1]]}
    result = fitted({**wire, "optimizer": {"kind": "sgd", "learning_rate": 1e-15}, "steps": 1})
    assert result.accuracy == result.history[0].accuracy == 1 / 3


def test_callbacks_keep_their_own_error_state():
    found = []
    ask = lambda *_: found.append(np.geterr())
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        fitted(saturating(optimizer=ADAM, steps=2), progress=ask, stop=ask, interval=0.0)
        assert all(each == np.geterr() for each in found)
    assert len(found) == 4
    with pytest.raises(TypeError, match="a function that answers whether to stop, or an event, not the number 3"):
        fitted(saturating(optimizer=ADAM, steps=2), stop=3)


X2, Y2 = [[1.0, 2.0], [3.0, 4.0]], [0, 1]
REFUSED = [
    ({"dtype": "float16"}, "dtype", "did you mean 'float64'"),
    ({"early_stopping": {"patience": 0}}, "early_stopping.patience", "at least 1"),
    ({"early_stopping": 5}, "early_stopping", "expected an object"),
    ({"check_every": 0}, "check_every", "at least 1"),
    ({"validation": {"inputs": X2}}, "validation.labels", "needs the field 'labels'"),
    ({"validation": {"inputs": [[1.0]], "labels": [0]}}, "validation.inputs", "have 1 features, but the network takes 2"),
    ({"validation": {"inputs": X2, "labels": [0, 2]}}, "validation.labels[1]", "from 0 to 1, not 2"),
    ({"inputs": [[1e200, 0], [1, 1]], "dtype": "float32"}, "dtype", "use float64"),
]


@pytest.mark.parametrize(("more", "path", "part"), REFUSED)
def test_requests_are_refused_in_words(more, path, part):
    with pytest.raises(EngineError) as refused:
        read_fit({**classifier(X2, Y2, units=2, batch_size=2, epochs=1), **more})
    assert refused.value.path == path
    assert part in refused.value.message


def test_a_graph_has_no_examples():
    wire = {"graph": {"expressions": ["J = x**2"]}, "values": {"x": 1}, "optimizer": ADAM, "steps": 1}
    for name, value in (("validation", {}), ("early_stopping", {"patience": 1}), ("dtype", "float32")):
        with pytest.raises(EngineError) as refused:
            read_fit({**wire, name: value})
        assert refused.value.path == name


def test_columns_and_validation_in_columns():
    loss = {"kind": "squared_error", "average_in": "parameters"}
    rng = np.random.default_rng(0)
    inputs, labels = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    runs = {}
    for layout in ("rows", "columns"):
        wire = random_network(np.random.default_rng(5), [3, 4, 2], ["tanh", "identity"], loss, examples=8, layout=layout)
        validation = {"inputs": inputs, "labels": labels}
        if layout == "columns":
            validation = {"inputs": inputs.T, "labels": labels.T}
        runs[layout] = fitted({**wire, "optimizer": ADAM, "epochs": 3, "batch_size": 3, "validation": validation})
    for name, value in runs["rows"].parameters.items():
        assert np.allclose(runs["columns"].parameters[name], value, rtol=1e-13)
    assert runs["rows"].validation_cost == pytest.approx(runs["columns"].validation_cost, rel=1e-13)
