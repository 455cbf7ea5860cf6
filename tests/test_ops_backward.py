"""Backward rules against three methods that share nothing with them, and the formulas students read against both."""

import itertools
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from engine.graph.backward import fit
from engine.ops.shapes import along_axis, broadcast, losses, reduced
from tests.op_cases import ROWS, Instance, instances, kink_instances
from tests.op_table import CASES

TOLERANCE = 1e-12


def close(submitted, expected, what):
    """Equal in shape, and to 1e-12 of the largest entry; where all are rounding errors of terms of size 1, to 1e-15."""
    assert submitted.shape == expected.shape, what
    largest = max(np.abs(expected).max(), 1e-3)
    assert np.abs(submitted - expected).max() <= TOLERANCE * largest, f"{what}: {submitted} ≠ {expected}"


def seed_of(instance):
    """Some ∂J/∂out."""
    return np.random.default_rng(11).uniform(0.5, 1.5, instance.forward().shape)


def along_entries(instance, position, change):
    """Σ d·change(Δ) for Δ a unit move of each entry of one input."""
    x = instance.inputs[position]
    d = seed_of(instance)
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.reshape([np.sum(d * change(unit)) for unit in units], x.shape)


def by_autograd(instance, position):
    def of_one(x):
        inputs = list(instance.inputs)
        inputs[position] = x
        return instance.textbook(anp, *inputs)

    pull_back, _ = autograd.make_vjp(of_one)(instance.inputs[position])
    return np.asarray(pull_back(seed_of(instance)))


def by_complex_step(instance, position):
    """Im f(x + ih)/h: no subtraction, so h can be tiny."""
    h = 1e-30

    def change(unit):
        inputs = list(instance.inputs)
        inputs[position] = inputs[position] + 1j * h * unit
        return instance.forward(*inputs).imag / h

    return along_entries(instance, position, change)


def by_increment(instance, position):
    h = 1e-8

    def change(unit):
        moves = [tuple(s * h * unit if k == position else None for k in range(len(instance.inputs))) for s in (1, -1)]
        return (instance.increment(moves[0]) - instance.increment(moves[1])) / (2 * h)

    return along_entries(instance, position, change)


METHODS = {"autograd": by_autograd, "complex step": by_complex_step, "increment": by_increment}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_backward(name, method):
    for instance in instances(name):
        for position in instance.moving:
            analytic = instance.gradient(position, seed_of(instance))
            close(analytic, METHODS[method](instance, position), f"{instance}, input {position}")


@pytest.mark.parametrize("name", CASES)
def test_value_and_shape(name):
    for instance in instances(name):
        value = instance.forward()
        close(value, np.asarray(instance.textbook(np)), instance)
        assert instance.op.shape(*[x.shape for x in instance.inputs], **instance.attributes) == value.shape


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.from_output])
def test_rule_from_the_output_alone(name):
    for instance in instances(name):
        rule, d = instance.op.from_output, seed_of(instance)
        assert rule
        close(np.asarray(rule(d, instance.forward(), **instance.attributes)), instance.gradient(0, d), instance)


@pytest.mark.parametrize("name", CASES)
def test_attributes_of_the_case_are_those_of_the_row(name):
    """Every option an expression can give is given, in at least two values where it is a choice."""
    for instance in (*instances(name), *kink_instances(name)):
        assert set(instance.attributes) == set(instance.op.attributes)


class Blackboard(dict[str, Any]):
    """The names that formulas use: NumPy's, and a few that say in one word what NumPy says in many."""

    def __init__(self, instance):
        super().__init__({name: getattr(np, name) for name in dir(np) if not name.startswith("_")})
        self.update(softmax=softmax, section=section, spread=spread, part=part)
        self.update(concat=lambda *parts, axis: np.concatenate(parts, axis=axis), column=lambda b: b[:, None])
        self.update({f"x{k}": x for k, x in enumerate(instance.inputs)})


def softmax(x, axis):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def section(x, start, stop, axis):
    return np.take(x, np.arange(x.shape[axis])[start:stop], axis=axis)


def spread(d, x, start, stop, axis):
    """d where it was taken from, and zeros elsewhere."""
    places = np.arange(x.shape[axis])[start:stop]
    return np.stack(
        [
            np.take(d, list(places).index(k), axis=axis) if k in places else np.zeros_like(np.take(x, 0, axis=axis))
            for k in range(x.shape[axis])
        ],
        axis=axis,
    )


def part(d, position, *parts, axis):
    return np.split(d, np.cumsum([each.shape[axis] for each in parts])[:-1], axis=axis)[position]


def written(text, instance, **names):
    """A formula as a student reads it, with names for the inputs."""
    inputs = [f"x{k}" for k in range(len(instance.inputs))]
    count = instance.inputs[0].size // max(1, instance.forward().size)
    words = {"all": ", ".join(inputs), "d": "d", "out": "out", "shape_of_0": "x0.shape", "count": count}
    return text.format(*inputs, **words, **names, **instance.attributes)


def read(text, instance, names):
    return np.asarray(eval(text, {"__builtins__": {}}, Blackboard(instance) | names))


@pytest.mark.parametrize("name", CASES)
def test_formula_of_the_value(name):
    for instance in instances(name):
        close(read(written(instance.op.formula.value, instance), instance, {}), instance.forward(), instance)


@pytest.mark.parametrize("name", CASES)
def test_formulas_of_the_gradients(name):
    for instance, position in ((each, k) for each in instances(name) for k in each.moving):
        d, out = seed_of(instance), instance.forward()
        formulas = instance.op.formula_for(*(x.shape for x in instance.inputs)).gradient
        text = written(formulas[0 if instance.op.variadic else position], instance, position=position)
        names = {"d": d, "out": out}
        if out.ndim < instance.inputs[0].ndim and "axis" in instance.attributes:  # with its axes of length 1 back
            axis = instance.attributes["axis"]
            axes = tuple(range(instance.inputs[0].ndim)) if axis is None else axis
            names |= {"d": np.expand_dims(d, axes), "out": np.expand_dims(out, axes)}
        gradient = fit(read(text, instance, names), instance.inputs[position].shape)
        close(gradient, instance.gradient(position, d), f"{instance}: {text}")


def of_shape(*shapes):
    return [name for name, row in ROWS.items() if row.shape in shapes]


def agrees(instance):
    for position, method in itertools.product(instance.moving, ("autograd", "increment")):
        close(instance.gradient(position, seed_of(instance)), METHODS[method](instance, position), instance)


def drawn(name, shapes, attributes):
    """A row at random inputs of any shapes."""
    domains = CASES[name].domains[0]
    axis = attributes.get("axis", -1)
    domains = (domains * len(shapes))[: len(shapes)]
    rng = np.random.default_rng(5)
    inputs = tuple(np.asarray(domain.draw(rng, s, axis)) for domain, s in zip(domains, shapes, strict=True))
    return Instance(name, inputs, domains, attributes)


@pytest.mark.parametrize("name", of_shape(broadcast))
@settings(max_examples=20, deadline=None, derandomize=True)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_any_two_shapes_that_broadcast(name, shapes):
    agrees(drawn(name, shapes.input_shapes, {}))


@pytest.mark.parametrize("name", of_shape(reduced))
@settings(max_examples=20, deadline=None, derandomize=True)
@given(shape=array_shapes(min_dims=1, max_dims=4, max_side=3), keepdims=st.booleans(), data=st.data())
def test_any_axes_reduced(name, shape, keepdims, data):
    some = st.sets(st.integers(-len(shape), -1), min_size=1).map(tuple)
    agrees(drawn(name, (shape,), {"axis": data.draw(st.none() | some), "keepdims": keepdims}))


@pytest.mark.parametrize("name", of_shape(along_axis, losses))
@settings(max_examples=20, deadline=None, derandomize=True)
@given(shape=array_shapes(min_dims=1, max_dims=3, max_side=4), data=st.data())
def test_any_axis_of_outputs(name, shape, data):
    row = ROWS[name]
    axis = data.draw(st.integers(-len(shape), -1))
    agrees(drawn(name, (shape,) * row.arity, {**row.attributes, "axis": axis}))
