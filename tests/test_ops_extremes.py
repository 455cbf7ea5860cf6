"""Large and tiny inputs: no overflow, no NaN, no warning, and every digit right, entry by entry."""

import itertools

import mpmath
import numpy as np
import pytest

from engine.ops.shapes import same
from tests.op_cases import ROWS, Instance, deviation, exact, exact_arrays, exact_increment, extreme_instances
from tests.op_table import CASES, FIXED, REAL

TOLERANCE = 1e-13
DIGITS = 900
"""1 − σ(800) is 1e-348, and what must be seen of it is its change."""


def loud():
    """What NumPy only warns of, here raises; underflow to 0 is right."""
    return np.errstate(over="raise", divide="raise", invalid="raise", under="ignore")


def exact_gradient(instance, d):
    """∂(Σ d·f)/∂x of the first input, from a difference so small that it is the derivative."""
    with mpmath.workdps(DIGITS):
        x, *others = exact_arrays(instance.inputs)
        gradient = np.empty(x.shape, dtype=object)
        for entry in np.ndindex(x.shape):
            h = mpmath.mpf(10) ** -400 * (abs(x[entry]) or 1)
            moved = [x.copy(), x.copy()]
            moved[0][entry] += h
            moved[1][entry] -= h
            ends = [instance.textbook(exact, each, *others) for each in moved]
            gradient[entry] = np.sum(exact.array(d) * (ends[0] - ends[1])) / (2 * h)
        return gradient


def test_every_row_has_extremes():
    for name, case in CASES.items():
        assert case.extremes, f"'{name}' is not tested at large and tiny inputs: give its entry in CASES some extremes"


@pytest.mark.parametrize("name", CASES)
def test_value(name):
    for instance in extreme_instances(name):
        with loud():
            value = instance.forward()
        with mpmath.workdps(DIGITS):
            expected = np.asarray(instance.textbook(exact, *exact_arrays(instance.inputs)))
        error = deviation(value, expected, np.abs(expected))
        assert error <= TOLERANCE, f"{instance} at {instance.inputs}: off by {error:.1e}"


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    for instance in extreme_instances(name):
        d = np.random.default_rng(7).uniform(0.5, 1.0, instance.forward().shape)
        with loud():
            gradient = instance.gradient(0, d)
        expected = exact_gradient(instance, d)
        error = deviation(gradient, expected, np.abs(expected))
        assert error <= TOLERANCE, f"{instance} at {instance.inputs}: off by {error:.1e}"


@pytest.mark.parametrize("name", CASES)
def test_increment(name):
    for instance, size in itertools.product(extreme_instances(name), (1e-9, 0.5, -0.5)):
        deltas = instance.move(size)
        with loud():
            change = instance.increment(deltas)
        truth, scale = exact_increment(instance, deltas, DIGITS)
        if instance.op.shape is same:
            scale = np.abs(truth)
        error = deviation(change, truth, scale)
        assert error <= TOLERANCE, f"{instance} at {instance.inputs}: off by {error:.1e} for {deltas}"


FAR = [
    ("sigmoid", [-1e3, 1e3, 0.0], [2e3, -1999.0, 1e4]),
    ("tanh", [-1e3, 1e3, 0.0], [1999.0, -1e3, -1e4]),
    ("softplus", [-800.0, 800.0, 0.0, -1e4, -800.0], [600.0, -790.0, 1e4, 2e4, 799.0]),
    ("softplus", [1e20, 1e17, 1e3, -1e3, -40.0], [1e3, 701.0, -800.0, 900.0, -31.0]),
    ("elu", [-1e20, -1e3, -1e3, 5.0, -2.0], [1e3, 900.0, 2e3, -800.0, -1e3]),
    ("silu", [-1e3, 1e3, 0.0], [2e3, -2e3, 1e4]),
    ("gelu_tanh", [-1e3, 1e3, 0.0], [2e3, -2e3, 1e4]),
    ("logsumexp", [-800.0, 800.0, 0.0], [1700.0, -1e3, 1.0]),
    ("log_softmax", [-300.0, 300.0, 0.0], [600.0, -60.0, 1.0]),
    ("softmax", [-300.0, 300.0, 0.0], [600.0, -60.0, 1.0]),
    ("pow", [1e-300, -2.0, 3.0, -2.0], [1.0, 5.0, -1e3, 4.25]),
    ("norm", [1e-200, 0.0], [1e200, 0.0]),
    ("norm", [0.0, 0.0], [0.0, 1e-200]),
]
STILL = [
    ("sqrt", [0.0, 1.0]),
    ("pow", [0.0, 1.0]),
    ("abs", [0.0, 1.0]),
    ("norm", [0.0, 1.0]),
    ("cross_entropy", [0.0, 1.0]),
    ("binary_cross_entropy", [0.0, 1.0]),
]


def at(name, x):
    """A row at a point of its first input, its second being one that suits it."""
    second = {"pow": 3.0, "cross_entropy": [0.0, 1.0], "binary_cross_entropy": [0.0, 1.0]}
    inputs = (x, *([second[name]] if name in second else []))
    return Instance(name, tuple(map(np.array, inputs)), (REAL, FIXED)[: len(inputs)], dict(ROWS[name].attributes))


@pytest.mark.parametrize(("name", "x", "step"), FAR)
def test_increment_of_a_move_from_one_end_to_the_other(name, x, step):
    instance = at(name, x)
    deltas = (np.array(step), *[None] * (len(instance.inputs) - 1))
    with loud():
        change = instance.increment(deltas)
    assert deviation(change, *exact_increment(instance, deltas, 5 * DIGITS)) <= TOLERANCE


@pytest.mark.parametrize(("name", "x"), STILL)
def test_an_entry_at_the_edge_of_the_domain_may_stand_still(name, x):
    """When others are moved, one at a time, it must not turn the increments into NaN."""
    instance = at(name, x)
    deltas = (np.array([[0.0, 0.0], [0.0, -1e-9]]), *[None] * (len(instance.inputs) - 1))
    with loud():
        change = instance.increment(deltas)
    assert np.isfinite(change).all()
    assert not change[0].any()


@pytest.mark.parametrize(("name", "slopes"), [("cross_entropy", [0.0, -1.0]), ("binary_cross_entropy", [1.0, -1.0])])
def test_a_certain_and_right_prediction_has_a_gradient(name, slopes):
    """0·log 0 and 0/0 are 0 here."""
    instance = at(name, [0.0, 1.0])
    with loud():
        assert instance.forward() == 0.0
        assert instance.gradient(0, np.ones(())).tolist() == slopes
