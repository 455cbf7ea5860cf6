"""Random networks in all allowed combinations: the analytic gradient against exact increments and against HIPS autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import read_problem
from engine.check.certificate import MEANINGFUL
from engine.check.factored import FactoredCheck
from engine.check.methods import increment
from engine.ops import ACTIVATIONS
from tests.problems import HEADS, random_network

HIDDEN = sorted(set(ACTIVATIONS) - {"sign"})


@st.composite
def networks(draw, losses=tuple(HEADS)):
    """The arguments of `random_network`."""
    kind = draw(st.sampled_from(losses))
    depth = draw(st.integers(1, 5))
    widths = draw(st.lists(st.integers(1, 5), min_size=depth + 1, max_size=depth + 1))
    if kind.startswith("cross"):
        widths[-1] = max(widths[-1], 2)
    activations = [draw(st.sampled_from(HIDDEN)) for _ in range(depth - 1)] + [draw(st.sampled_from(HEADS[kind]))]
    loss = {
        "kind": kind,
        "scale": draw(st.sampled_from([0.5, 1, 3])),
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "average_in": draw(st.sampled_from(["loss", "parameters"])),
        "outputs": draw(st.sampled_from(["sum", "mean"])),
    }
    options = {
        "examples": draw(st.integers(1, 5)),
        "layout": draw(st.sampled_from(["rows", "columns"])),
        "orientation": draw(st.sampled_from(["in_out", "out_in"])),
        "bias": draw(st.booleans()),
        "spread": draw(st.sampled_from([0.1, 1.0, 3.0])),
    }
    return draw(st.integers(0, 2**32)), widths, activations, loss, options


def build(arguments, **changed):
    seed, widths, activations, loss, options = arguments
    return random_network(np.random.default_rng(seed), widths, activations, loss, **{**options, **changed})


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(networks())
def test_analytic_gradients_equal_exact_increments(arguments):
    problem = read_problem(build(arguments))
    run = problem.run()
    names = list(problem.graph.differentiable)
    found = increment(problem, run, names, None, 0).by_name
    numeric = {name: found[name].rescaled(problem.graph.factors.get(name, 1.0)) for name in names}
    largest = max(np.abs(each.numeric[np.isfinite(each.numeric)]).max(initial=0.0) for each in numeric.values())
    for name in names:
        smooth = ~numeric[name].kinked & (np.abs(run.gradients[name]) < MEANINGFUL)
        error = np.abs(run.gradients[name] - numeric[name].numeric)[smooth]
        assert error.max(initial=0.0) <= 1e-12 * largest, name


@settings(max_examples=150, deadline=None, derandomize=True)
@given(networks())
def test_the_factored_check_gives_the_same_estimates(arguments):
    problem = read_problem(build(arguments))
    run = problem.run()
    factored = FactoredCheck(problem, run).estimates()
    general = increment(problem, run, list(factored), None, 0).by_name
    largest = max(np.abs(each.numeric[np.isfinite(each.numeric)]).max(initial=0.0) for each in general.values())
    for name, estimate in factored.items():
        assert estimate.numeric.shape == general[name].numeric.shape
        smooth = ~general[name].kinked & ~estimate.kinked & np.isfinite(general[name].numeric)
        difference = np.abs(estimate.numeric - general[name].numeric)[smooth]
        assert difference.max(initial=0.0) <= 1e-12 * largest, name


@settings(max_examples=100, deadline=None, derandomize=True)
@given(networks())
def test_rows_and_columns_give_transposed_results(arguments):
    runs = {}
    for layout in ("rows", "columns"):
        for orientation in ("in_out", "out_in"):
            problem = read_problem(build(arguments, layout=layout, orientation=orientation))
            runs[layout, orientation] = problem.run()
    reference = runs["rows", "in_out"]
    for (layout, orientation), run in runs.items():
        for name, expected in reference.gradients.items():
            flipped = (name[0] in "XZA" and layout == "columns") or (name[0] == "W" and orientation == "out_in")
            for mine, theirs in ((run[name], reference[name]), (run.gradients[name], expected)):
                assert np.allclose(mine, theirs.T if flipped else theirs, rtol=1e-13, atol=1e-14, equal_nan=True), name


# autograd computes the same networks from formulas written here, with no code of the engine.
AUTOGRAD = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.maximum(z, 0),
    "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "elu": lambda z: anp.where(z > 0, z, anp.exp(anp.minimum(z, 0)) - 1),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "gelu_tanh": lambda z: 0.5 * z * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z / (1 + anp.exp(-z)),
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
    "sign": lambda z: anp.sign(z),
}
AUTOGRAD_LOSSES = {
    "squared_error": lambda a, y: (a - y) ** 2,
    "absolute_error": lambda a, y: anp.abs(a - y),
    "huber": lambda a, y: anp.where(anp.abs(a - y) <= 1, 0.5 * (a - y) ** 2, anp.abs(a - y) - 0.5),
    "hinge": lambda a, y: anp.maximum(0, 1 - a * y),
    "binary_cross_entropy": lambda a, y: -(y * anp.log(a) + (1 - y) * anp.log(1 - a)),
    "cross_entropy": lambda a, y: -y * anp.log(a),
    "binary_cross_entropy_with_logits": lambda a, y: anp.log(1 + anp.exp(a)) - y * a,
    "cross_entropy_with_logits": lambda a, y: -y * (a - anp.log(anp.sum(anp.exp(a), axis=1, keepdims=True))),
}


@pytest.mark.parametrize("kind", AUTOGRAD_LOSSES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_against_autograd(kind, hidden):
    head = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}.get(kind, "identity")
    rng = np.random.default_rng(len(kind) * 100 + len(hidden))
    loss = {"kind": kind}
    wire = random_network(rng, [3, 4, 3], [hidden, head], loss, examples=5)
    run = read_problem(wire).run()
    layers = [(np.array(layer["weights"]), np.array(layer["bias"])) for layer in wire["network"]["layers"]]

    def cost(parameters):
        a = np.array(wire["inputs"])
        for (W, b), activation in zip(parameters, (hidden, head), strict=True):
            a = AUTOGRAD[activation](a @ W + b)
        return anp.mean(anp.sum(AUTOGRAD_LOSSES[kind](a, np.array(wire["labels"])), axis=1))

    assert run["J"] == pytest.approx(cost(layers), rel=1e-13)
    for number, (dW, db) in enumerate(grad(cost)(layers), start=1):
        assert np.allclose(run.gradients[f"W{number}"], dW, rtol=1e-11, atol=1e-13)
        assert np.allclose(run.gradients[f"b{number}"], db, rtol=1e-11, atol=1e-13)


def test_a_saturated_head_stays_exact():
    """z = ±800 and ±40: the loss is finite, dZ is exact, and an infinite dA is what it is."""

    def solved(z, y):
        layers = [{"weights": [[z]], "activation": "sigmoid"}]
        network = {"layers": layers, "loss": "binary_cross_entropy"}
        return read_problem({"network": network, "inputs": [[1.0]], "labels": [[y]]}).run()

    for z, y in ((800.0, 0), (800.0, 1), (-800.0, 1), (40.0, 1), (40.0, 0)):
        run = solved(z, y)
        tail = np.exp(-abs(z))
        agrees = (z > 0) == (y == 1)
        assert run["J"] == pytest.approx(np.log1p(tail) if agrees else abs(z) + np.log1p(tail), rel=1e-15)
        expected = tail / (1 + tail) * (-1 if y else 1) if agrees else (1 / (1 + tail)) * (-1 if y else 1)
        assert run.gradients["Z1"][0, 0] == pytest.approx(expected, rel=1e-15)
    assert np.isinf(solved(800.0, 0).gradients["A1"]).all()


def test_confident_softmax_is_exact():
    """z = (30, 0, 0), where log-sum-exp minus z loses four digits of the loss and p − y of the gradient."""
    wire = {
        "network": {"layers": [{"weights": [[30.0, 0.0, 0.0]], "activation": "softmax"}], "loss": "cross_entropy"},
        "inputs": [[1.0]],
        "labels": [0],
    }
    run = read_problem(wire).run()
    rest = 2 * np.exp(-30.0)
    assert run["J"] == pytest.approx(np.log1p(rest), rel=1e-15)
    assert run.gradients["Z1"][0] == pytest.approx([-rest / (1 + rest), *[np.exp(-30.0) / (1 + rest)] * 2], rel=1e-14)
