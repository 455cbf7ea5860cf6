"""Increments: equal to f(x+Δ) − f(x) to 1e-13, at any Δ and across kinks, where a JVP or a subtraction would not be."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ops.stable import expm1, log1p, sigmoid_increment
from tests.op_cases import (
    ROWS,
    deviation,
    exact_increment,
    instances,
    kink_instances,
)
from tests.op_table import CASES, REAL

TOLERANCE = 1e-13
SIZES = (1e-9, -1e-6, 1e-3, 0.5, -0.5)
SIDES = ("left", "right", "chosen")
CURVED = [name for name, case in CASES.items() if not case.linear]
KINKED = [name for name, row in ROWS.items() if row.kinks]
SMOOTH = [name for name in CURVED if name not in KINKED]


def jvp(instance, deltas):
    """What must not pass for an increment: Σ ∂f/∂x·Δ."""
    result = np.zeros(instance.forward().shape)
    for position, dx in enumerate(deltas):
        if dx is not None:
            result = result + np.tensordot(instance.jacobian(position), dx, axes=dx.ndim)
    return result


def subtraction(instance, deltas):
    moved = [x if dx is None else x + dx for x, dx in zip(instance.inputs, deltas, strict=True)]
    return instance.forward(*moved) - instance.forward()


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_a_case(name):
    assert name in CASES, f"the row '{name}' of engine/ops is not tested: give it an entry in CASES, tests/op_table.py"
    assert CASES[name].kinks or not ROWS[name].kinks, f"'{name}' has kinks: its entry in CASES must name points on them"


def test_every_case_has_a_row():
    assert set(CASES) == set(ROWS)


@pytest.mark.parametrize("name", CASES)
def test_increment_is_the_exact_difference(name):
    for instance, size in itertools.product(instances(name), SIZES):
        for deltas in instance.moves(size):
            error = deviation(instance.increment(deltas), *exact_increment(instance, deltas))
            assert error <= TOLERANCE, f"{instance}: off by {error:.1e} of the scale at {deltas}"


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data(), stretch=st.floats(0.01, 25.0), size=st.floats(1e-9, 60.0))
def test_increment_is_exact_however_far_it_goes(name, data, stretch, size):
    """From inputs in the hundreds, over any distance: it is a difference, not a derivative."""
    generic = data.draw(st.sampled_from(instances(name)))
    free = [domain is REAL for domain in generic.domains]
    inputs = tuple(x * stretch if wide else x for x, wide in zip(generic.inputs, free, strict=True))
    instance = replace(generic, inputs=inputs)
    deltas = tuple(dx if wide else None for dx, wide in zip(instance.move(size), free, strict=True))
    if any(free):
        error = deviation(instance.increment(deltas), *exact_increment(instance, deltas, digits=400))
        assert error <= TOLERANCE, f"{instance} at {inputs}: off by {error:.1e} of the scale at {deltas}"


@pytest.mark.parametrize("name", CASES)
def test_a_jvp_is_not_an_increment(name):
    """The test above notices it: at every Δ if the function is smooth, at some Δ if it is made of straight pieces."""
    caught = set()
    for instance, size in itertools.product(instances(name), SIZES):
        deltas = instance.move(size)
        if deviation(jvp(instance, deltas), *exact_increment(instance, deltas)) > TOLERANCE:
            caught.add(size)
    if CASES[name].linear:
        assert not caught
    else:
        assert caught == set(SIZES) if name in SMOOTH else caught


@pytest.mark.parametrize("name", SMOOTH)
def test_a_subtraction_is_not_an_increment(name):
    """f(x+Δ) − f(x) in floats keeps 7 digits of 16 at Δ = 1e-9."""
    errors = []
    for instance in instances(name):
        deltas = instance.move(1e-9)
        errors.append(deviation(subtraction(instance, deltas), *exact_increment(instance, deltas)))
    assert max(errors) > 1e4 * TOLERANCE


@pytest.mark.parametrize("name", CASES)
def test_many_perturbations_at_once_are_the_same_as_one_by_one(name):
    for instance in instances(name):
        together = [list(instance.moves(size)) for size in (1e-9, 0.5, -1e-3)]
        for moves in zip(*together, strict=True):  # one pattern of what moves, in three sizes
            batch = tuple(None if each[0] is None else np.stack(each) for each in zip(*moves, strict=True))
            many = instance.increment(batch)
            for row, deltas in zip(many, moves, strict=True):
                one = instance.increment(deltas)
                assert row.shape == one.shape
                # summed in another order, perhaps
                assert np.abs(row - one).max() <= 1e-14 * np.abs(one).max(), f"{instance} at {deltas}"


@pytest.mark.parametrize("name", KINKED)
def test_increment_is_exact_on_and_across_kinks(name):
    for kink, size, start in itertools.product(kink_instances(name), SIZES, (0.0, 0.25, 1.0, 4.0)):
        step = kink.move(size)  # from a quarter of Δ before the kink to beyond it, and also up to it, not reaching it
        inputs = tuple(x if dx is None else x - start * dx for x, dx in zip(kink.inputs, step, strict=True))
        instance = replace(kink, inputs=inputs)
        for deltas in instance.moves(size):
            error = deviation(instance.increment(deltas), *exact_increment(instance, deltas))
            assert error <= TOLERANCE, f"{instance}: off by {error:.1e} of the scale at {deltas}"


@pytest.mark.parametrize("name", KINKED)
def test_sides_are_linear_and_agree_where_there_is_no_kink(name):
    for instance in instances(name):
        for deltas in instance.moves(0.5):
            linear = jvp(instance, deltas)
            for side in SIDES:
                assert instance.increment(deltas, side=side) == pytest.approx(linear, rel=1e-14, abs=1e-14), instance


@pytest.mark.parametrize("name", KINKED)
def test_sides_are_the_one_sided_slopes_at_a_kink(name):
    """Left and right are f(x+Δ) − f(x) and f(x) − f(x−Δ), in some order, for a small Δ; chosen is what backward uses."""
    for instance in kink_instances(name):
        for entry in np.ndindex(instance.inputs[0].shape):
            dx = np.zeros(instance.inputs[0].shape)
            dx[entry] = 2.0**-30
            deltas = (dx, *[None] * (len(instance.inputs) - 1))
            left, right, chosen = (instance.increment(deltas, side=side) for side in SIDES)
            assert chosen == pytest.approx(jvp(instance, deltas), rel=1e-15, abs=0)
            if instance.case.jumps:
                assert not left.any()
                assert not right.any()
                continue
            forward, backward = instance.increment(deltas), -instance.increment((-dx, *deltas[1:]))
            assert np.sort([left, right], axis=0) == pytest.approx(np.sort([forward, backward], axis=0), rel=1e-9)
            assert (left != right).any()


@pytest.mark.parametrize("name", KINKED)
def test_kinks_are_seen_when_reached_and_only_then(name):
    room = 2.0**-10
    for kink in kink_instances(name):
        for entry, sign in itertools.product(np.ndindex(kink.inputs[0].shape), (-1.0, 1.0)):
            away = np.zeros(kink.inputs[0].shape)
            away[entry] = sign * room
            instance = replace(kink, inputs=(kink.inputs[0] + away, *kink.inputs[1:]))
            others = (None,) * (len(kink.inputs) - 1)
            assert kink.sees_kink((away, *others)), f"{kink}: leaves the kink by {away}"
            assert not kink.sees_kink((0.0 * away, *others)), f"{kink}: does not move"
            for part, reached in ((-2.0, True), (-1.0, True), (-0.5, False), (0.5, False)):
                moved = (part * away, *others)
                assert instance.sees_kink(moved) == reached, f"{instance} at {instance.inputs} moved by {moved}"


@pytest.mark.parametrize("name", KINKED)
def test_kinks_are_far_from_generic_points(name):
    for instance in instances(name):
        assert not instance.sees_kink(instance.move(1e-9))


def test_an_elu_that_meets_its_line_has_no_kink():
    zero, step = np.zeros(2), np.array([1e-3, -1e-3])
    kinks = ROWS["elu"].kinks
    assert kinks
    assert kinks((zero, step), alpha=0.5).all()
    assert not kinks((zero, step), alpha=1.0).any()


def test_what_is_not_a_number_spoils_no_other_entry():
    """The size of the steps decides how they are computed, and one of them may have none."""
    steps = np.array([800.0, -40.0, np.nan])
    for x in (0.3, 30.0, -2.0):
        found = sigmoid_increment(np.full(3, x), steps)
        alone = [sigmoid_increment(np.array([x]), np.array([step]))[0] for step in steps]
        assert np.array_equal(found, alone, equal_nan=True)
    many = np.array([5.0, np.nan] * 200)
    assert expm1(many)[0] == np.expm1(5.0)
    assert log1p(many)[0] == np.log1p(5.0)
