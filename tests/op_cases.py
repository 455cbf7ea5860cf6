"""Rows of the tables of ops at points: what the tests of increments, backward rules and extremes sweep over.

A textbook formula of `op_table` is evaluated in three arithmetics that know nothing of the engine: mpmath (`exact`, the
truth), HIPS `autograd` (an independent reverse mode), and plain NumPy.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import mpmath
import numpy as np

from engine.graph.backward import fit
from engine.ops import OPS
from engine.ops.dense import DENSE
from engine.ops.row import Array, Op
from engine.ops.shapes import broadcast, same
from tests.op_table import CASES, FIXED, REAL, Attributes, Case, Domain

Deltas = tuple[Array | None, ...]
"""By input; None for one that does not move."""

ROWS: dict[str, Op] = {**OPS, **{f"dense {'+'.join(map(str, key))}": row for key, row in DENSE.items()}}
"""Every row there is, the affine layers in their eight conventions included."""


class Exact:
    """NumPy's names for arrays of mpmath numbers; what is not a transcendental function works in NumPy as it is."""

    exp = staticmethod(np.frompyfunc(mpmath.exp, 1, 1))
    log = staticmethod(np.frompyfunc(mpmath.log, 1, 1))
    sqrt = staticmethod(np.frompyfunc(mpmath.sqrt, 1, 1))
    sin = staticmethod(np.frompyfunc(mpmath.sin, 1, 1))
    cos = staticmethod(np.frompyfunc(mpmath.cos, 1, 1))
    log1p = staticmethod(np.frompyfunc(mpmath.log1p, 1, 1))
    tanh = staticmethod(np.frompyfunc(mpmath.tanh, 1, 1))
    sign = staticmethod(np.frompyfunc(mpmath.sign, 1, 1))
    array = staticmethod(np.frompyfunc(mpmath.mpf, 1, 1))
    pi = mpmath.pi

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


exact = Exact()


@dataclass(frozen=True, eq=False)
class Instance:
    """A row at a point."""

    name: str
    inputs: tuple[Array, ...]
    domains: tuple[Domain, ...]
    attributes: Attributes

    @property
    def op(self) -> Op:
        return ROWS[self.name]

    @property
    def case(self) -> Case:
        return CASES[self.name]

    @property
    def room(self) -> tuple[Array, ...]:
        return tuple(np.asarray(domain.room(x)) for domain, x in zip(self.domains, self.inputs, strict=True))

    @property
    def moving(self) -> tuple[int, ...]:
        """The positions of the inputs that can move."""
        return tuple(position for position, room in enumerate(self.room) if room.any())

    def __str__(self) -> str:
        shapes = " ".join(str(x.shape).replace(" ", "") for x in self.inputs)
        return f"{self.name} {shapes} {' '.join(f'{key}={value}' for key, value in self.attributes.items())}".strip()

    def textbook(self, numpy: Any, *inputs: Any) -> Any:
        return self.case.textbook(numpy, *(inputs or self.inputs), **self.attributes)

    def forward(self, *inputs: Array) -> Array:
        return np.asarray(self.op.forward(*(inputs or self.inputs), **self.attributes))

    def move(self, size: float) -> Deltas:
        """All inputs that can move do, by up to this size in every entry."""
        rng = np.random.default_rng(zlib.crc32(str(self).encode()))
        return tuple(
            np.asarray(size * room * rng.choice([-1.0, 1.0], room.shape) * rng.uniform(0.5, 1.0, room.shape))
            if room.any()
            else None
            for room in self.room
        )

    def moves(self, size: float) -> Iterator[Deltas]:
        """All inputs at once, and then each alone."""
        together = self.move(size)
        yield together
        if len(self.moving) > 1:
            for position in self.moving:
                yield tuple(dx if place == position else None for place, dx in enumerate(together))

    def pairs(self, deltas: Deltas) -> list[tuple[Array, Any]]:
        """What an increment is called with; a Δ of None is an input that does not move."""
        if not self.op.aligned:
            return list(zip(self.inputs, deltas, strict=True))
        rank = max(x.ndim for x in self.inputs)
        return [
            (lift(x, rank - x.ndim), 0.0 if dx is None else lift(dx, rank - x.ndim, dx.ndim - x.ndim))
            for x, dx in zip(self.inputs, deltas, strict=True)
        ]

    def gradient(self, position: int, d: Array) -> Array:
        """∂J/∂input from d = ∂J/∂out."""
        rule = self.op.rule(position)
        gradient = np.asarray(rule(d, self.forward(), *self.inputs, **self.attributes))
        return fit(gradient, self.inputs[position].shape)

    def jacobian(self, position: int) -> Array:
        """Of shape out + input, from one backward walk an entry of the output."""
        shape = self.forward().shape
        unit = np.eye(prod(shape)).reshape(-1, *shape)
        rows = [self.gradient(position, d) for d in unit]
        return np.reshape(rows, shape + self.inputs[position].shape)

    def increment(self, deltas: Deltas, **side: Any) -> Array:
        return np.asarray(self.op.increment(*self.pairs(deltas), **self.attributes, **side))

    def sees_kink(self, deltas: Deltas) -> bool:
        assert self.op.kinks
        return bool(np.any(self.op.kinks(*self.pairs(deltas), **self.attributes)))


def lift(x: Array, missing: int, batch: int = 0) -> Array:
    """x with axes of length 1 in front, behind its batch axes."""
    return x.reshape(x.shape[:batch] + (1,) * missing + x.shape[batch:])


@lru_cache
def instances(name: str) -> tuple[Instance, ...]:
    """A row at generic points: all its variants, from all its domains."""
    found = []
    case = CASES[name]
    for number, ((shapes, attributes), domains) in enumerate(itertools.product(case.variants, case.domains)):
        rng = np.random.default_rng([zlib.crc32(name.encode()), number])
        repeated = (domains * len(shapes))[: len(shapes)]
        axis = attributes.get("axis", -1)
        inputs = tuple(np.asarray(d.draw(rng, shape, axis)) for d, shape in zip(repeated, shapes, strict=True))
        found.append(Instance(name, inputs, repeated, attributes))
    return tuple(found)


def kink_instances(name: str) -> Iterator[Instance]:
    """A row exactly on its kinks."""
    for values, attributes in CASES[name].kinks:
        inputs = tuple(np.asarray(x, dtype=float) for x in values)
        yield Instance(name, inputs, (REAL,) * len(inputs), attributes)


def extreme_instances(name: str) -> Iterator[Instance]:
    """A row at large and tiny inputs, of which only the first can move."""
    case = CASES[name]
    attributes = {**ROWS[name].attributes, **case.extreme_attributes}
    for values in case.extremes:
        inputs = tuple(np.asarray(x, dtype=float) for x in values)
        yield Instance(name, inputs, (case.domains[0][0], *(FIXED,) * (len(inputs) - 1)), attributes)


def exact_arrays(values: Iterable[Any]) -> list[Any]:
    return [np.asarray(exact.array(0.0 if x is None else x), dtype=object) for x in values]


def exact_increment(instance: Instance, deltas: Deltas, digits: int = 60) -> tuple[Array, Array]:
    """T = f(x+Δ) − f(x) and its scale: |T|, and over all entries of x and Δ the sum of |x·∂T/∂x| and |Δ·∂T/∂Δ|.

    The scale says by how much T changes when its inputs change by a relative ε. An increment with an error of ε·scale
    is as good as the exact increment of inputs that are off by ε, and no formula can be asked for more: where T is a
    sum that happens to cancel (an extremum, a joint move that goes both ways), the scale is the size of its terms.
    A JVP in place of an increment is off by ½f″Δ², beyond 1e-13 of the scale from Δ = 1e-9 on.
    """

    def difference(points: list[Any], steps: list[Any]) -> Any:
        ends = [x + dx for x, dx in zip(points, steps, strict=True)]
        return np.asarray(instance.textbook(exact, *ends) - instance.textbook(exact, *points))

    with mpmath.workdps(digits):
        points, steps = exact_arrays(instance.inputs), exact_arrays(deltas)
        truth = difference(points, steps)
        if instance.case.jumps:
            return truth, np.abs(truth)
        scale = np.abs(truth)
        tiny = mpmath.mpf(10) ** (-digits // 3)
        elementwise = instance.op.shape in (same, broadcast)
        for values, (position, x) in itertools.product((points, steps), enumerate(instance.inputs)):
            whole = values[position]
            for mask in [1] if elementwise else np.eye(x.size, dtype=int).reshape(x.size, *x.shape):
                if np.any(whole * mask != 0):
                    values[position] = whole * (1 + tiny * mask)
                    scale = scale + abs(difference(points, steps) - truth) / tiny
            values[position] = whole
        return truth, scale


UNDERFLOW = 1e-300


def deviation(numeric: Array, expected: Array, scale: Array) -> float:
    """The largest |numeric − expected| in units of the scale, where it is not below the smallest floats."""
    assert numeric.shape == expected.shape, f"has shape {numeric.shape}, expected {expected.shape}"
    worst = 0.0
    for got, wanted, size in zip(*(np.ravel(x) for x in (numeric, expected, scale)), strict=True):
        if not np.isfinite(got):
            return np.inf
        error = abs(mpmath.mpf(float(got)) - wanted)
        if error > UNDERFLOW:
            worst = max(worst, float(error / size) if size else np.inf)
    return worst
