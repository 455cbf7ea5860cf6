"""Long runs: they learn what there is to learn, and stop when and how they should."""

import dataclasses
from threading import Event

import numpy as np
import pytest
from scipy.optimize import minimize

from engine import EngineError, read_problem
from engine.training import Progress, costs, fit, read_fit, slopes
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


X2, Y2 = [[1.0, 2.0], [3.0, 4.0]], [0, 1]
REFUSED = [
    ({"dtype": "float16"}, "dtype", "did you mean 'float64'"),
    ({"early_stopping": {"patience": 0}}, "early_stopping.patience", "from 1"),
    ({"early_stopping": 5}, "early_stopping", "expected an object"),
    ({"check_every": 0}, "check_every", "from 1"),
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
