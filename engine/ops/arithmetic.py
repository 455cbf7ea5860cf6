"""Elementwise arithmetic of two operands, with broadcasting, and its elementwise relatives."""

from __future__ import annotations

import numpy as np

from engine.ops import shapes
from engine.ops.checks import ordered_bounds
from engine.ops.row import Array, Formula, Op, Side
from engine.ops.stable import negative_magnitude, positive_part, ramp_increment, touches


def in_full(step: Array, x: Array, y: Array) -> Array:
    """A step in the shape of the result, which it lacks where the operand that moves is the one that is repeated."""
    return np.broadcast_to(step, np.broadcast(step, x, y).shape)


def power_increment(x: Array, dx: Array, p: Array, dp: Array) -> Array:
    """(x+Δx)^(p+Δp) − x^p = x^p·expm1((p+Δp)·log1p(Δx/x) + Δp·log x), on |x| where x is negative and p whole."""
    x, dx, p, dp = np.broadcast_arrays(x, dx, p, dp)
    start, end = np.power(x, p), np.power(x + dx, p + dp)
    size = np.abs(x)
    grown = np.where((x < 0) != (x + dx < 0), np.abs(x + dx) - size, np.sign(x) * dx)
    safe = np.where(size == 0, 1.0, size)
    # Where the base vanishes at either end nothing can cancel; neither can it where the power changes sign, or much.
    plain = (size == 0) | (x + dx == 0) | ((start < 0) != (end < 0))
    growth = (p + dp) * np.log1p(np.where(plain, 0.0, grown / safe)) + np.where(dp == 0, 0.0, dp * np.log(safe))
    plain |= np.abs(growth) > 1.0
    return np.where(plain, end - start, start * np.expm1(np.where(plain, 0.0, growth)))


def power_by_base(d: Array, out: Array, x: Array, p: Array) -> Array:
    """p·x^(p−1), which is 0 for p = 0 even where x^(−1) is not finite."""
    return d * p * np.power(np.where((p == 0) & (x == 0), 1.0, x), p - 1)


def power_by_exponent(d: Array, out: Array, x: Array, p: Array) -> Array:
    """x^p·log x, which is 0 at x = 0 for p > 0."""
    return d * out * np.log(np.where((x == 0) & (np.real(p) > 0), 1.0, x))


def maximum_increment(x: Array, dx: Array, y: Array, dy: Array, side: Side | None = None) -> Array:
    """Exact on either side: the difference of the larger operand, whichever it is before and after."""
    gap, gap_after = x - y, (x - y) + (dx - dy)
    if side is not None:
        weight = np.where(gap == 0.0, {"left": 0.0, "right": 1.0, "chosen": 0.5}[side], gap > 0)
        return weight * dx + (1.0 - weight) * dy
    stays = np.where(gap >= 0, dx, dy)
    return np.where((gap >= 0) == (gap_after >= 0), stays, np.where(gap_after >= 0, gap + dx, dy - gap))


def share_of_larger(x: Array, y: Array) -> Array:
    """1 where x is larger, 0 where y is, ½ for each where they tie."""
    return (1.0 + np.sign(np.real(x) - np.real(y))) / 2.0


def clip_increment(x: Array, dx: Array, low: float, high: float, side: Side | None = None) -> Array:
    if side is not None:
        inner = {"left": 0.0, "right": 1.0, "chosen": 1.0}[side]
        return dx * np.where((x == low) | (x == high), inner, (x > low) & (x < high))
    kept = np.clip(x, low, high)
    return np.clip(dx + (x - kept), low - kept, high - kept)


def clip_value(x: Array, low: float, high: float) -> Array:
    if np.iscomplexobj(x):
        return np.where(x.real < low, low, np.where(x.real > high, high, x))
    return np.clip(x, low, high)


ROWS = (
    Op(
        name="add",
        summary="the operator +, entry by entry",
        forward=np.add,
        backward=(lambda d, out, x, y: d, lambda d, out, x, y: d),
        increment=lambda x, y: in_full(np.add(x[1], y[1]), x[0], y[0]),
        formula=Formula("{0} + {1}", ("{d}", "{d}")),
        shape=shapes.broadcast,
        aligned=True,
    ),
    Op(
        name="sub",
        summary="the operator -, entry by entry",
        forward=np.subtract,
        backward=(lambda d, out, x, y: d, lambda d, out, x, y: -d),
        increment=lambda x, y: in_full(np.subtract(x[1], y[1]), x[0], y[0]),
        formula=Formula("{0} - {1}", ("{d}", "-{d}")),
        shape=shapes.broadcast,
        aligned=True,
    ),
    Op(
        name="mul",
        summary="the operator *, entry by entry; of matrices the product is @",
        forward=np.multiply,
        backward=(lambda d, out, x, y: d * y, lambda d, out, x, y: d * x),
        increment=lambda x, y: x[1] * (y[0] + y[1]) + x[0] * y[1],
        formula=Formula("{0} * {1}", ("{d} * {1}", "{d} * {0}")),
        shape=shapes.broadcast,
        aligned=True,
    ),
    Op(
        name="div",
        summary="the operator /, entry by entry",
        forward=np.divide,
        backward=(lambda d, out, x, y: d / y, lambda d, out, x, y: -d * out / y),
        increment=lambda x, y: (x[1] - x[0] / y[0] * y[1]) / (y[0] + y[1]),
        formula=Formula("{0} / {1}", ("{d} / {1}", "-{d} * {0} / {1}**2")),
        shape=shapes.broadcast,
        aligned=True,
    ),
    Op(
        name="pow",
        summary="the operator **, entry by entry",
        forward=np.power,
        backward=(power_by_base, power_by_exponent),
        increment=lambda x, p: power_increment(*x, *p),
        formula=Formula("{0} ** {1}", ("{d} * {1} * {0}**({1} - 1)", "{d} * {out} * log({0})")),
        shape=shapes.broadcast,
        aligned=True,
    ),
    Op(
        name="neg",
        summary="the operator - before one operand",
        forward=np.negative,
        backward=(lambda d, out, x: -d,),
        increment=lambda x: np.negative(x[1]),
        formula=Formula("-{0}", ("-{d}",)),
        shape=shapes.same,
    ),
    Op(
        name="abs",
        summary="the size of every entry",
        forward=lambda x: -negative_magnitude(x),
        backward=(lambda d, out, x: d * np.sign(x),),
        increment=lambda x, side=None: 2.0 * ramp_increment(x[0], x[1], side, chosen=0.5) - x[1],
        formula=Formula("abs({0})", ("{d} * sign({0})",)),
        shape=shapes.same,
        kinks=lambda x: touches(*x),
        subgradient="0 at 0",
    ),
    Op(
        name="maximum",
        summary="the larger of two, entry by entry",
        forward=lambda x, y: y + positive_part(x - y) if np.iscomplexobj(x - y) else np.maximum(x, y),
        backward=(
            lambda d, out, x, y: d * share_of_larger(x, y),
            lambda d, out, x, y: d * share_of_larger(y, x),
        ),
        increment=lambda x, y, side=None: maximum_increment(x[0], x[1], y[0], y[1], side),
        formula=Formula("maximum({0}, {1})", ("{d} * ({0} >= {1})", "{d} * ({1} >= {0})")),
        shape=shapes.broadcast,
        kinks=lambda x, y: touches(x[0] - y[0], x[1] - y[1]),
        subgradient="½ for each operand where they tie",
        aligned=True,
    ),
    Op(
        name="minimum",
        summary="the smaller of two, entry by entry",
        forward=lambda x, y: y - positive_part(y - x) if np.iscomplexobj(x - y) else np.minimum(x, y),
        backward=(
            lambda d, out, x, y: d * share_of_larger(y, x),
            lambda d, out, x, y: d * share_of_larger(x, y),
        ),
        increment=lambda x, y, side=None: -maximum_increment(-x[0], -x[1], -y[0], -y[1], side),
        formula=Formula("minimum({0}, {1})", ("{d} * ({0} <= {1})", "{d} * ({1} <= {0})")),
        shape=shapes.broadcast,
        kinks=lambda x, y: touches(x[0] - y[0], x[1] - y[1]),
        subgradient="½ for each operand where they tie",
        aligned=True,
    ),
    Op(
        name="clip",
        summary="every entry, but none below low or above high",
        forward=clip_value,
        backward=(lambda d, out, x, low, high: d * ((x.real >= low) & (x.real <= high)),),
        increment=lambda x, low, high, side=None: clip_increment(x[0], x[1], low, high, side),
        formula=Formula("clip({0}, {low}, {high})", ("{d} * ({0} >= {low}) * ({0} <= {high})",)),
        shape=shapes.same,
        kinks=lambda x, low, high: touches(x[0] - low, x[1]) | touches(x[0] - high, x[1]),
        subgradient="1 at either bound",
        attributes={"low": ..., "high": ...},
        check=ordered_bounds,
    ),
)
