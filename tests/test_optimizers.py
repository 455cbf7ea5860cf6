"""Every optimizer makes the steps that PyTorch makes: recurrences written out here, and numbers that PyTorch 2.13 gave."""

from math import sqrt

import numpy as np
import pytest

from engine import EngineError, compute, read_problem
from engine.formulas import formula
from engine.optimizers import OPTIMIZERS, Optimizer, read_optimizer
from engine.quantities import understand
from engine.training import fit, read_fit, read_training, train_steps

START = [0.5, -1.25, 2.0]
GRADIENTS = [[0.3, -0.2, 0.0], [-0.1, 0.4, 1.5], [0.25, 0.25, -0.75]]
RATE = 0.1
MOMENTS = {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight_decay": 0.05}
OTHERS = {
    "sgd": {"weight_decay": 0.05},
    "momentum": {"momentum": 0.8, "weight_decay": 0.05},
    "nesterov": {"momentum": 0.8, "weight_decay": 0.05},
    "rmsprop": {"decay": 0.9, "epsilon": 1e-3, "weight_decay": 0.05},
    "adagrad": {"epsilon": 1e-3, "weight_decay": 0.05},
    "adam": MOMENTS,
    "adamw": MOMENTS,
}
CASES = [(kind, settings) for kind in OTHERS for settings in ({}, OTHERS[kind])]
NAMES = [kind + (" with settings" if settings else "") for kind, settings in CASES]

# torch.optim.SGD, RMSprop, Adagrad, Adam and AdamW after these three gradients, float64, lr 0.1: with defaults, with OTHERS.
TORCH = {
    "sgd": ([0.45499999999999996, -1.295, 1.925], [0.4477866875, -1.27634309375, 1.8958997499999999]),
    "momentum": ([0.41269999999999996, -1.2968, 1.79], [0.4072466875, -1.26575309375, 1.7535797499999999]),
    "nesterov": ([0.37643, -1.33712, 1.736], [0.3741611615, -1.28921232275, 1.700109742]),
    "rmsprop": (
        [-0.8061530745800904, -1.6355154747408112, 1.4490132948518808],
        [0.0698727641168759, -1.3263133692413314, 1.5084846147574467],
    ),
    "adagrad": (
        [0.3696054093457975, -1.2882377227678943, 1.9447213595539956],
        [0.36132254587131174, -1.2695144671453065, 1.8393934837483086],
    ),
    "adam": (
        [0.29607732939622533, -1.2424941772769538, 1.9027222810046325],
        [0.2895061370987753, -1.2190577454225788, 1.7918976127152082],
    ),
    "adamw": (
        [0.29481875074496733, -1.2389112156654125, 1.8968026926862878],
        [0.29531348850123307, -1.2352477140149392, 1.874093490196453],
    ),
}


# One number at a time, as in the documentation of torch.optim: the gradients in order, and the parameter after each.


def sgd(p, gradients, weight_decay=0.0):
    for g in gradients:
        p -= RATE * (g + weight_decay * p)
        yield p


def momentum(p, gradients, weight_decay=0.0, momentum=0.9):
    b = None
    for g in gradients:
        g += weight_decay * p
        b = g if b is None else momentum * b + g
        p -= RATE * b
        yield p


def nesterov(p, gradients, weight_decay=0.0, momentum=0.9):
    b = None
    for g in gradients:
        g += weight_decay * p
        b = g if b is None else momentum * b + g
        p -= RATE * (g + momentum * b)
        yield p


def rmsprop(p, gradients, weight_decay=0.0, decay=0.99, epsilon=1e-8):
    v = 0.0
    for g in gradients:
        g += weight_decay * p
        v = decay * v + (1 - decay) * g * g
        p -= RATE * g / (sqrt(v) + epsilon)
        yield p


def adagrad(p, gradients, weight_decay=0.0, epsilon=1e-10):
    s = 0.0
    for g in gradients:
        g += weight_decay * p
        s += g * g
        p -= RATE * g / (sqrt(s) + epsilon)
        yield p


def adam(p, gradients, weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        g += weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p -= RATE * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + epsilon)
        yield p


def adamw(p, gradients, weight_decay=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        p -= RATE * weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p -= RATE * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + epsilon)
        yield p


BY_HAND = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
    "adam": adam,
    "adamw": adamw,
}


def by_hand(kind, settings, start=START, gradients=GRADIENTS):
    """The parameters after each step."""
    columns = [
        list(BY_HAND[kind](p, column, **settings)) for p, column in zip(start, zip(*gradients, strict=True), strict=True)
    ]
    return np.array(columns).T


def optimizer_of(kind, settings=None, **more):
    return read_optimizer({"kind": kind, "learning_rate": RATE, **(settings or {}), **more}, "optimizer")


def made(optimizer: Optimizer, start=START, gradients=GRADIENTS, dtype=np.float64):
    p = np.array(start, dtype)
    state, work = optimizer.start(p), np.empty_like(p)
    found = []
    for count, gradient in enumerate(gradients, start=1):
        new = np.empty_like(p)
        optimizer.update(p, np.array(gradient, dtype), new, state, work, count=count, epoch=1)
        found.append(new)
        p = new
    return np.array(found)


def test_every_row_of_the_table_is_here():
    assert list(OPTIMIZERS) == list(BY_HAND) == list(TORCH)


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=NAMES)
def test_three_steps_by_hand(kind, settings):
    expected = by_hand(kind, settings)
    assert np.abs(made(optimizer_of(kind, settings)) - expected).max() <= 1e-15
    assert np.abs(expected[-1] - TORCH[kind][bool(settings)]).max() <= 1e-15


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=NAMES)
def test_float32_stays_float32(kind, settings):
    found = made(optimizer_of(kind, settings), dtype=np.float32)
    assert found.dtype == np.float32
    assert np.abs(found - by_hand(kind, settings)).max() <= 2e-6


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=NAMES)
def test_recorded_steps_follow_the_same_recurrence(kind, settings):
    """J = Σ (x − c)²/2, whose gradient is x − c."""
    wire = {
        "graph": {"expressions": ["J = 0.5 * sum((x - c)**2)"]},
        "values": {"x": START, "c": [1.0, 0.5, -0.25]},
        "constants": ["c"],
        "optimizer": {"kind": kind, "learning_rate": RATE, **settings},
        "steps": 3,
    }
    x, gradients = np.array(START), []
    for step in train_steps(read_training(wire)).steps:
        gradients.append((x - [1.0, 0.5, -0.25]).tolist())
        x = by_hand(kind, settings, gradients=gradients)[-1]
        assert np.abs(step.gradients["dx"] - gradients[-1]).max() <= 1e-15
        assert np.abs(step.parameters["x"] - x).max() <= 1e-14


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=NAMES)
def test_what_is_shown_is_what_is_done(kind, settings):
    """The lines of the recurrence, run as they stand, and the formula of the first step."""
    optimizer = optimizer_of(kind, settings)
    names = {**optimizer.settings, "sqrt": np.sqrt, "p": np.array(START)}
    names |= dict.fromkeys(OPTIMIZERS[kind].state, 0.0)
    found = made(optimizer)
    for t, gradient in enumerate(GRADIENTS, start=1):
        names |= {"t": t, "g": np.array(gradient)}
        for line in OPTIMIZERS[kind].recurrence:
            exec(line, {"__builtins__": {}}, names)
        assert np.abs(names["p"] - found[t - 1]).max() <= 1e-15
    text = optimizer.formula.format(p="p", d="d", **optimizer.settings)
    first = eval(text, {"abs": np.abs, "sqrt": np.sqrt, "p": np.array(START), "d": np.array(GRADIENTS[0])})
    assert np.abs(first - found[0]).max() <= 1e-15
    assert ("0.05" in text) == ("weight_decay" in settings)


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=NAMES)
def test_the_updated_parameters_are_those_of_the_first_step(kind, settings):
    network = {"layers": [{"weights": [[0.5], [-1.25]], "bias": [2.0], "activation": "tanh"}], "loss": "squared_error"}
    optimizer = {"kind": kind, "learning_rate": RATE, **settings}
    wire = {"network": network, "inputs": [[1, 2], [0.5, -1]], "labels": [[1], [0]], "optimizer": optimizer}
    problem = read_problem(wire)
    found = compute(problem, ["W1_new", "b1_new", "W1", "dW1"])
    first = train_steps(read_training({**wire, "steps": 1})).steps[0]
    assert (found["W1_new"] == first.parameters["W1"]).all()
    assert (found["b1_new"] == first.parameters["b1"]).all()
    expected = by_hand(kind, settings, found["W1"].ravel(), [found["dW1"].ravel()])[0]
    assert np.abs(found["W1_new"].ravel() - expected).max() <= 1e-15
    shown = formula(problem, understand(problem, "W1_new"))
    assert shown is not None
    text = shown.text.removeprefix("W1_new = ")
    assert np.abs(eval(text, {"abs": np.abs, "sqrt": np.sqrt, **found}) - found["W1_new"]).max() <= 1e-15


def test_a_step_leaves_its_gradient_alone():
    gradient = np.broadcast_to(np.array([1.0]), (3,))
    for kind in OPTIMIZERS:
        new = optimizer_of(kind).step(np.array(START), gradient)
        assert new.shape == (3,)
        assert optimizer_of(kind).step(np.array(1.0), np.array(2.0)).shape == ()
    assert (gradient == 1.0).all()


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_all_tensors_in_a_row_make_the_same_steps(kind):
    """What the hot loop relies on: every line is elementwise, to the last bit."""
    rng = np.random.default_rng(0)
    p, gradients = rng.standard_normal(103), rng.standard_normal((3, 103))
    whole = made(optimizer_of(kind, OTHERS[kind]), p, gradients)
    pieces = [made(optimizer_of(kind, OTHERS[kind]), p[cut], gradients[:, cut]) for cut in (slice(0, 7), slice(7, 103))]
    assert (whole == np.concatenate(pieces, axis=1)).all()


def test_a_schedule_scales_the_learning_rate_by_epoch():
    steps = {"kind": "step", "every": 2, "factor": 0.5}
    wire = {
        "graph": {"expressions": ["J = 3 * x"]},
        "values": {"x": 10.0},
        "optimizer": {"kind": "sgd", "learning_rate": 1.0, "schedule": steps},
        "epochs": 6,
    }
    positions = [float(step.parameters["x"]) for step in train_steps(read_training(wire)).steps]
    assert positions == [7.0, 4.0, 2.5, 1.0, 0.25, -0.5]
    constant = {**wire, "optimizer": {"kind": "sgd", "learning_rate": 1.0, "schedule": {"kind": "constant"}}}
    assert float(train_steps(read_training(constant)).parameters["x"]) == -8.0


def test_a_schedule_inside_a_long_run():
    """J = 3x: every step takes off 3α, with α halved after every second epoch."""
    steps = {"kind": "step", "every": 2, "factor": 0.5}
    for factor, expected in ((steps, -0.5), ({"kind": "constant"}, -8.0), ({**steps, "factor": 2}, 10.0 - 3.0 * 14)):
        wire = {
            "graph": {"expressions": ["J = 3 * x"]},
            "values": {"x": 10.0},
            "optimizer": {"kind": "sgd", "learning_rate": 1.0, "schedule": factor},
            "epochs": 6,
        }
        assert float(fit(read_fit(wire)).parameters["x"]) == expected


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_schedule_scales_the_rate_of_every_optimizer(kind):
    """By hand, at the rate of each epoch: a decay of the weights takes the scheduled rate too."""
    settings = {"weight_decay": 0.3}
    optimizer = optimizer_of(kind, settings, schedule={"kind": "step", "every": 1, "factor": 0.25})
    plain = [read_optimizer({"kind": kind, "learning_rate": rate, **settings}, "") for rate in (0.1, 0.025, 0.00625)]
    (p, q), gradients = (np.array(START), np.array(START)), np.array(GRADIENTS)
    mine, theirs, work = optimizer.start(p), optimizer.start(p), np.empty(3)
    for epoch, gradient in enumerate(gradients, start=1):
        following, expected = np.empty(3), np.empty(3)
        optimizer.update(p, gradient.copy(), following, mine, work, count=epoch, epoch=epoch)
        plain[epoch - 1].update(q, gradient.copy(), expected, theirs, work, count=epoch, epoch=1)
        assert (following == expected).all()
        p, q = following, expected
    assert optimizer.rate(3) == pytest.approx(0.00625, rel=1e-15)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_the_decay_of_adamw_takes_the_learning_rate(rate):
    """p·(1 − α·λ), and then the first step of Adam, which is α in the direction of the gradient."""
    optimizer = read_optimizer({"kind": "adamw", "learning_rate": rate, "weight_decay": 0.2}, "optimizer")
    found = optimizer.step(np.array([2.0, -3.0]), np.array([5.0, 7.0]))
    assert np.abs(found - [2.0 * (1 - 0.2 * rate) - rate, -3.0 * (1 - 0.2 * rate) - rate]).max() < 1e-8


def test_a_growing_schedule_never_overflows():
    growing = {"kind": "step", "every": 1, "factor": 2}
    optimizer = optimizer_of("sgd", schedule=growing)
    assert optimizer.schedule.at(3) == 4.0
    assert all(np.isfinite(optimizer.schedule.at(epoch)) for epoch in (1024, 1025, 1100, 2**53))
    assert all(np.isfinite(optimizer.rate(epoch)) for epoch in (1024, 1025, 1100, 2**53))
    wire = {"graph": {"expressions": ["J = x**2"]}, "values": {"x": 0.0}, "epochs": 1100}
    for read in (read_training, read_fit):
        for rate in (0.1, 1e300):
            schedule = growing if rate < 1 else {**growing, "every": 100, "factor": 1e6}
            with pytest.raises(EngineError, match="by epoch 1,100 the learning rate would be larger") as refused:
                read({**wire, "optimizer": {"kind": "sgd", "learning_rate": rate, "schedule": schedule}})
            assert refused.value.path == "optimizer.schedule.factor"
        read({**wire, "optimizer": {"kind": "sgd", "learning_rate": 0.1, "schedule": {**growing, "every": 100}}})


REFUSED = [
    ({"kind": "adamm"}, "optimizer.kind", "did you mean 'adam'"),
    ({"kind": "adam", "beta1": 1}, "optimizer.beta1", "less than 1, not 1"),
    ({"kind": "adam", "momentum": 0.9}, "optimizer.momentum", "has no field 'momentum'"),
    ({"kind": "momentum", "momentum": -0.1}, "optimizer.momentum", "at least 0"),
    ({"kind": "rmsprop", "decay": "high"}, "optimizer.decay", "expected a number"),
    ({"kind": "sgd", "schedule": {"kind": "cosine"}}, "optimizer.schedule.kind", "known are: constant, step"),
    ({"kind": "sgd", "schedule": {"kind": "step", "every": 2}}, "optimizer.schedule.factor", "needs the field 'factor'"),
    ({"kind": "sgd", "schedule": {"kind": "step", "every": 0, "factor": 1}}, "optimizer.schedule.every", "of at least 1"),
    ({"kind": "sgd", "schedule": {"kind": "constant", "every": 2}}, "optimizer.schedule.every", "has no field 'every'"),
    (
        {"kind": "sgd", "schedule": {"kind": "step", "every": 1, "factor": 1e200}},
        "optimizer.schedule.factor",
        "at most 1e+06",
    ),
    ({"kind": "sgd", "schedule": {"kind": "step", "every": 1, "factor": 0}}, "optimizer.schedule.factor", "greater than 0"),
    ({"kind": "adam", "epsilon": 0}, "optimizer.epsilon", "greater than 0"),
    ({"kind": "adamw", "epsilon": 0}, "optimizer.epsilon", "greater than 0"),
    ({"kind": "rmsprop", "epsilon": 0}, "optimizer.epsilon", "greater than 0"),
    ({"kind": "adagrad", "epsilon": 0.0}, "optimizer.epsilon", "greater than 0"),
    ({"kind": "sgd", "schedule": 3}, "optimizer.schedule", "expected an object"),
]


@pytest.mark.parametrize(("wire", "path", "part"), REFUSED)
def test_settings_are_refused_in_words(wire, path, part):
    with pytest.raises(EngineError) as refused:
        read_optimizer({"learning_rate": 0.1, **wire}, "optimizer")
    assert refused.value.path == path
    assert part in refused.value.message
