"""Losses along lines: exact differences up to the longest step they take, and the same check with and without them."""

from typing import Any

import numpy as np
import pytest

from engine import certify, read_problem
from engine.check.factored import FactoredCheck
from engine.check.suffix import Suffix
from engine.errors import KeyRefuted
from engine.graph.graph import Changes
from engine.ops.lines import SHORT, ClassLosses
from engine.ops.stable import softmax
from tests.problems import random_network

EPSILON = np.finfo(float).eps
ALL = slice(None)


def exact(z, y, W, a):
    """log(1 + Σ_{k≠y} p_k·(e^{a·(w_k − w_y)} − 1)) in extended precision; a (examples, units)."""
    z, W, a = (each.astype(np.longdouble) for each in (z, W, a))
    classes = y.argmax(axis=1)
    apart = W[None] - W.T[classes][:, :, None]  # (examples, units, classes)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    growth = (p[:, None] * np.expm1(a[..., None] * apart)).sum(axis=-1)
    size = (p[:, None] * np.abs(a[..., None] * apart)).sum(axis=-1)
    return np.log1p(growth), size


@pytest.mark.parametrize("confidence", [1.0, 30.0])
@pytest.mark.parametrize("length", [1.0, -1.0, 1e-3, 1e-140])
def test_lines_are_exact_differences(confidence, length):
    rng = np.random.default_rng(0)
    z, W = rng.standard_normal((40, 6)) * confidence, rng.standard_normal((9, 6))
    y = np.eye(6)[rng.integers(0, 6, 40)]
    lines = ClassLosses(softmax(z, -1), y).along(W, 1.0)
    a = np.full((40, 9), SHORT / lines.reach * length)
    moved, (expected, size) = lines.increment(ALL, a), exact(z, y, W, a)
    assert moved is not None
    assert (np.abs(moved - expected) <= (8 + np.ptp(z)) * EPSILON * size).all()  # p itself is as exact as its logits
    if confidence == 1.0 and abs(length) == 1.0:  # what a derivative in its place would be
        assert (np.abs(a * lines.slope - expected) > 1000 * EPSILON * size).mean() > 0.9


def test_steps_that_are_not_short_are_left_to_the_general_rule():
    rng = np.random.default_rng(1)
    z, W, y = rng.standard_normal((3, 4)), rng.standard_normal((2, 4)), np.eye(4)[:3]
    lines = ClassLosses(softmax(z, -1), y).along(W, 1.0)
    assert lines.increment(ALL, np.full((3, 2), SHORT)) is None
    assert lines.increment(ALL, np.full((3, 2), np.nan)) is None
    with np.errstate(all="ignore"):
        for huge in (1e200, np.inf, np.nan):
            assert ClassLosses(softmax(z, -1), y).along(W * huge, 1.0).increment(ALL, np.full((3, 2), 1e-250)) is None


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "tanh", "gelu_tanh"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_the_check_finds_the_same_with_lines_and_without(activation, layout, monkeypatch):
    rng = np.random.default_rng(2)
    loss = {"kind": "cross_entropy", "scale": 0.5}
    wire = random_network(rng, [20, 30, 8, 5], [activation] * 2 + ["softmax"], loss, examples=12, layout=layout)
    problem = read_problem({**wire, "labels": rng.integers(0, 5, 12)})
    run = problem.run()
    quick = FactoredCheck(problem, run)
    h = [np.full(Z.shape, 1e-12) for Z in quick.suffix.Z]
    assert [quick.along_lines(number, h[number]) is None for number in range(3)] == [True, False, False]
    found = quick.estimates()
    monkeypatch.setattr(Suffix, "lines", lambda self, number, weight: None)
    slow = FactoredCheck(problem, run).estimates()
    for name, estimate in slow.items():
        size = np.abs(estimate.numeric).max()
        assert np.abs(found[name].numeric - estimate.numeric).max() <= 16 * EPSILON * size, name
        assert found[name].spread.max() <= 1e-13 * max(size, slow["Z3"].largest)


def test_a_kink_is_left_to_the_general_rule():
    wire = random_network(np.random.default_rng(3), [20, 30, 5], ["relu", "softmax"], {"kind": "cross_entropy"}, examples=6)
    wire["inputs"][2] = [0.0] * 20
    wire["network"]["layers"][0]["bias"] = [0.0] * 30
    certificate = certify(read_problem({**wire, "labels": [0, 1, 2, 3, 4, 0]}))
    assert certificate.status == "kink"
    assert {kink.index[0] for kink in certificate.kinks} == {2}


def test_keys_with_a_wrong_head_are_refused_along_lines():
    """One example's error, of a millionth: in the slope of the loss, and in the weights behind a unit."""
    wire = random_network(np.random.default_rng(4), [30, 40, 6], ["tanh", "softmax"], {"kind": "cross_entropy"}, examples=9)
    problem = read_problem({**wire, "labels": [0, 1, 2, 3, 4, 5, 0, 1, 2]})
    assert certify(problem).status == "agrees"

    def off(g: Any) -> Any:
        wrong = g.copy()
        wrong[3, 2] += 1e-6 * np.abs(g).max()
        return wrong

    op = problem.graph["Z2"].op
    assert op is not None
    with pytest.raises(KeyRefuted):
        certify(problem, problem.run(Changes(rules={("Z2", 0): lambda d, out, *x: off(op.rule(0)(d, out, *x))})))
    gradients = problem.run().gradients
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={**gradients, "Z2": off(gradients["Z2"])})
