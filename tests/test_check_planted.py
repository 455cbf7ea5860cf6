"""One wrong entry of one gradient, by a thousandth of the largest, is found in every network."""

import sys

import numpy as np
import pytest

from engine import certify, check, read_problem
from engine.check.checking import estimate
from engine.check.factored import FactoredCheck
from engine.errors import KeyRefuted
from engine.limits import Limits
from tests.problems import random_network

NETWORKS = 300
PLANTED = 1e-3
SHAPES = ([2, 3, 3, 2], [4, 8, 3], [20, 30, 8, 5], [30, 40, 6])


def network(seed):
    """Small ones are checked entry by entry, large ones in the factored form, with classes or soft labels."""
    widths = SHAPES[seed % len(SHAPES)]
    activation = ["relu", "leaky_relu", "tanh"][seed % 3]
    heads = [activation] * (len(widths) - 2) + ["softmax"]
    layout, loss = "columns" if seed % 5 == 0 else "rows", {"kind": "cross_entropy"}
    # Weights so small that no head is all but certain: its dA would be 1e20, and other gradients nothing beside it.
    rng = np.random.default_rng(seed)
    return read_problem(random_network(rng, widths, heads, loss, examples=6, spread=0.3, layout=layout))


def test_a_single_wrong_entry_is_found_and_named():
    for seed in range(NETWORKS):
        problem, rng = network(seed), np.random.default_rng(seed)
        gradients = problem.run().gradients
        right = {f"d{name}": gradients[name] for name in problem.graph.parameters}
        size = max(float(np.abs(each).max()) for each in right.values())
        name = str(rng.choice(list(right)))
        wrong = right[name].copy()
        at = tuple(int(rng.integers(count)) for count in wrong.shape)
        wrong[at] += PLANTED * size * rng.choice([-1.0, 1.0])
        report = check(problem, {**right, name: wrong})
        told = {each.name: each.status for each in report.gradients}
        assert told == {each: "disagrees" if each == name else "agrees" for each in right}, seed
        (verdict,) = [each for each in report.gradients if each.name == name]
        assert verdict.worst is not None
        assert verdict.worst.index == at, seed
        assert check(problem, right).status == "agrees", seed
        with pytest.raises(KeyRefuted, match=name):
            certify(problem, gradients={name[1:]: wrong})


def black_image(seed, examples=6, widths=(9, 12, 12, 12, 5)):
    """One example is all zeros, and so are the biases: every relu of it stands at its kink."""
    rng = np.random.default_rng(seed)
    layout = "columns" if seed % 2 else "rows"
    heads = [*["relu"] * (len(widths) - 2), "softmax"]
    wire = random_network(rng, list(widths), heads, {"kind": "cross_entropy"}, examples=examples, spread=0.3)
    wire["inputs"][2] = [0.0] * widths[0]
    wire["labels"] = [int(each) for each in rng.integers(0, widths[-1], examples)]
    for layer in wire["network"]["layers"]:
        layer["bias"] = [0.0] * len(layer["bias"])
    if layout == "columns":
        wire["network"]["layout"], wire["network"]["orientation"] = layout, "in_out"
        wire["inputs"] = np.transpose(wire["inputs"]).tolist()
    return read_problem(wire)


@pytest.mark.parametrize("seed", range(8))
def test_beside_a_kink_a_wrong_entry_is_found_too(seed):
    """Rounding excuses nothing there: nudged off their kinks, gradients leap, but not those of other examples."""
    problem, rng = black_image(seed), np.random.default_rng(seed)
    run = problem.run()
    right = run.gradients
    assert certify(problem).status == "kink"
    estimates = estimate(problem, run, list(right), "increment", None, 0).by_name
    for name, gradient in right.items():
        smooth = np.argwhere(~np.broadcast_to(estimates[name].kinked, gradient.shape))
        if not len(smooth) or name in ("J", "losses"):
            continue
        wrong = gradient.copy()
        wrong[tuple(rng.choice(smooth))] += PLANTED * np.abs(gradient).max()
        with pytest.raises(KeyRefuted, match=f"d{name} "):
            certify(problem, gradients={**right, name: wrong})
        assert check(problem, {f"d{name}": wrong}).status == "disagrees", name


@pytest.mark.parametrize("seed", range(4))
def test_examples_near_no_kink_need_no_steps_of_their_own(seed, monkeypatch):
    problem = black_image(seed)
    run = problem.run()
    quick = FactoredCheck(problem, run)
    assert quick.known is not None
    assert quick.known[0].sum() == 5
    found = quick.estimates()
    monkeypatch.setattr(sys.modules["engine.check.factored"], "numbers_of_examples", lambda *_: None)
    slow = FactoredCheck(problem, run)
    assert quick.operations() < slow.operations() / 3
    expected = slow.estimates()
    scale = max(each.largest for each in expected.values())
    for name, each in expected.items():
        assert found[name].kinks == each.kinks, name
        shape = problem.graph[name].shape
        assert (np.broadcast_to(found[name].kinked, shape) == np.broadcast_to(each.kinked, shape)).all(), name
        for column in ("numeric", "low", "high"):
            apart = np.abs(getattr(found[name], column) - getattr(each, column)).max()
            assert apart <= 128 * np.finfo(float).eps * scale, (name, column)


def test_what_is_too_large_to_go_through_is_confirmed_along_directions():
    rng = np.random.default_rng(0)
    wire = {
        "graph": {"expressions": ["A = tanh(X @ W + b)", "J = mean(sum(A * A, axis=1))"]},
        "values": {"X": rng.standard_normal((8, 9)), "W": rng.standard_normal((9, 6)), "b": rng.standard_normal(6)},
    }
    problem = read_problem(wire, Limits(certificate_operations=1e4))
    assert certify(read_problem(wire)).method == "increment"
    certificate = certify(problem)
    assert (certificate.method, certificate.status) == ("directional", "agrees")
    assert certificate.max_error < 1e-13
    right = problem.run().gradients
    for name, gradient in right.items():
        for at in np.ndindex(gradient.shape):
            wrong = gradient.copy()
            wrong[at] += PLANTED * np.abs(gradient).max()
            with pytest.raises(KeyRefuted, match=f"d{name} "):
                certify(problem, gradients={**right, name: wrong})
