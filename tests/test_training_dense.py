"""The hot loop against the graph engine: two implementations of the same mathematics."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings

from engine import read_problem
from engine.check.certificate import MEANINGFUL
from engine.ops import ACTIVATIONS, LOSSES
from engine.training import costs, fit, read_fit, read_training, slopes, train_steps
from engine.training.buffers import Scratch
from engine.training.dense import DenseNetwork
from tests.problems import random_network
from tests.test_networks import build, networks

CLOSE = 1e-12


def learned(problem, dtype="float64", examples=None):
    """Cost and gradients of some examples as the hot loop finds them."""
    model = DenseNetwork(problem, dtype)
    examples = slice(0, model.data.size) if examples is None else examples
    with np.errstate(all="ignore"):
        total, right = model.learn(model.view(model.initial), examples)
    count = examples.stop - examples.start if isinstance(examples, slice) else len(examples)
    return total * model.weight(count), model.named(model.gradient), right


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(networks())
def test_the_hot_loop_has_the_gradients_of_the_graph(arguments):
    assume("sign" not in arguments[2])
    problem = read_problem(build(arguments))
    run = problem.run()
    cost, gradients, _ = learned(problem)
    assert cost == pytest.approx(float(run["J"]), rel=CLOSE)
    sizes = [np.abs(each).max(initial=0.0) for each in run.gradients.values()]
    largest = max(size for size in sizes if size < MEANINGFUL)
    assert list(gradients) == list(problem.graph.parameters)
    for name, gradient in gradients.items():
        assert gradient.shape == run[name].shape
        assert np.abs(gradient - run.gradients[name]).max() <= CLOSE * largest, name


@settings(max_examples=200, deadline=None, derandomize=True)
@given(networks())
def test_recorded_steps_and_the_hot_loop_go_the_same_way(arguments):
    assume("sign" not in arguments[2])
    wire = build(arguments, spread=0.5)
    examples = arguments[4]["examples"]
    optimizer = {"kind": "nesterov", "learning_rate": 1e-3, "weight_decay": 0.1}
    more = {"optimizer": optimizer, "epochs": 2, "batch_size": min(2, examples), "shuffle": True, "seed": 3}
    recorded, long = train_steps(read_training({**wire, **more})), fit(read_fit({**wire, **more}))
    assert long.cost == pytest.approx(recorded.cost, rel=1e-9, abs=1e-12)
    for name, value in recorded.parameters.items():
        assert np.abs(long.parameters[name] - value).max() <= 1e-9 * max(1.0, np.abs(value).max())


def test_the_tables_are_complete():
    assert set(slopes.KERNELS) == set(ACTIVATIONS) - {"sign"}  # which training refuses
    fused = {"binary_cross_entropy", "cross_entropy"}  # start from the logits
    assert set(costs.KERNELS) == set(LOSSES) - fused


@pytest.mark.parametrize("name", slopes.KERNELS)
@pytest.mark.parametrize("units", [1, 3])
def test_slopes_far_out_and_at_kinks(name, units):
    """Saturated units, 0 and −0, where textbook forms cancel, overflow or choose another subgradient."""
    points = np.array([0.0, -0.0, 1e-300, -1e-9, 0.3, -2.0, 20.0, -20.0, 45.0, -45.0, 300.0, -700.0])
    z = np.stack([points * (1 + k) for k in range(units)], axis=1)
    rng = np.random.default_rng(1)
    scratch = Scratch(len(z), units, np.float64)
    a, slope, d = np.empty_like(z), np.empty_like(z), rng.standard_normal(z.shape)
    options = {key: value for key, value in ACTIVATIONS[name].attributes.items() if key != "axis"}
    along = {"axis": -1} if name == "softmax" else {}
    expected = ACTIVATIONS[name].forward(z, **options, **along)
    backward = ACTIVATIONS[name].backward[0](d, expected, z, **options, **along)
    with np.errstate(all="ignore"):
        slopes.KERNELS[name].forward(z.copy(), a, slope, scratch, **options)
        slopes.KERNELS[name].backward(d, a, slope, scratch)
    assert np.allclose(a, expected, rtol=1e-14, atol=1e-305)
    scale = np.abs(backward).max(axis=1, keepdims=True) if name == "softmax" else np.abs(backward)
    assert (np.abs(d - backward) <= 1e-13 * scale + 1e-300).all()


def test_confident_heads_stay_exact():
    """z = (30, 0, 0) and z = ±40: p − y and 1 − σ without cancellation."""
    softmax = {"layers": [{"weights": [[30.0, 0.0, 0.0]], "activation": "softmax"}], "loss": "cross_entropy"}
    cost, gradients, right = learned(read_problem({"network": softmax, "inputs": [[1.0]], "labels": [0]}))
    rest = 2 * np.exp(-30.0)
    assert cost == pytest.approx(np.log1p(rest), rel=1e-15)
    assert gradients["W1"][0] == pytest.approx([-rest / (1 + rest), *[np.exp(-30.0) / (1 + rest)] * 2], rel=1e-14)
    assert right == 1
    sigmoid = {"layers": [{"weights": [[40.0]], "activation": "sigmoid"}], "loss": "binary_cross_entropy"}
    for x, y in ((1.0, 1), (-1.0, 0)):
        cost, gradients, right = learned(read_problem({"network": sigmoid, "inputs": [[x]], "labels": [[y]]}))
        tail = np.exp(-40.0)
        assert cost == pytest.approx(np.log1p(tail), rel=1e-15)
        assert gradients["W1"].item() == pytest.approx(-tail / (1 + tail), rel=1e-14)
        assert right == 1


@pytest.mark.parametrize("kind", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_float32(kind):
    head = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}.get(kind, "identity")
    wire = random_network(np.random.default_rng(0), [5, 8, 3], ["tanh", head], {"kind": kind}, examples=20)
    problem = read_problem(wire)
    run = problem.run()
    cost, gradients, _ = learned(problem, "float32")
    assert cost == pytest.approx(float(run["J"]), rel=1e-5)
    for name, gradient in gradients.items():
        assert gradient.dtype == np.float32
        assert np.abs(gradient - run.gradients[name]).max() <= 1e-5 * np.abs(run.gradients[name]).max()


def test_gathered_and_neighbouring_examples_are_the_same():
    wire = random_network(np.random.default_rng(0), [4, 6, 3], ["relu", "softmax"], {"kind": "cross_entropy"}, examples=9)
    problem = read_problem(wire)
    run = learned(problem, examples=slice(2, 7))
    gathered = learned(problem, examples=np.arange(2, 7))
    assert run[0] == gathered[0]
    assert all((run[1][name] == gathered[1][name]).all() for name in run[1])


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_step_allocates_nothing(shuffle):
    rng = np.random.default_rng(0)
    layers = ["relu", "sigmoid", "gelu_tanh", "softmax"]
    wire = random_network(rng, [200, 100, 100, 100, 10], layers, {"kind": "cross_entropy"}, examples=512)
    problem = read_problem({**wire, "optimizer": {"kind": "adam", "learning_rate": 1e-3}})
    optimizer = problem.optimizer
    assert optimizer is not None
    model = DenseNetwork(problem)
    flats = [model.initial, model.initial.copy()]
    views = [model.view(each) for each in flats]
    state, work = optimizer.start(model.initial), np.empty_like(model.initial)
    batches = [rng.permutation(512)[:256] if shuffle else slice(0, 256) for _ in range(3)]

    def step(count):
        model.learn(views[count % 2], batches[count])
        optimizer.update(flats[count % 2], model.gradient, flats[1 - count % 2], state, work, count=count + 1, epoch=1)

    step(0)
    tracemalloc.start()
    for count in (1, 2):
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step(count)
        # One batch of the widest layer is 200 kB and the parameters are 330 kB; views and Python's own objects are small.
        assert tracemalloc.get_traced_memory()[1] - before < 15_000
    tracemalloc.stop()
