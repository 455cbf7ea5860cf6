"""Ops that reduce axes: all of them when no axis is given."""

from __future__ import annotations

from math import prod

import numpy as np

from engine.ops import shapes
from engine.ops.row import Array, Formula, Op, Side
from engine.ops.shapes import Axis, axes_of, expand
from engine.ops.stable import log_of_mixture

AXES = {"axis": None, "keepdims": False}
OVER = "axis={axis}, keepdims={keepdims}"


def count(x: Array, axis: Axis) -> int:
    return prod(x.shape[each] for each in axes_of(x, axis))


def largest(x: Array, axis: Axis, keepdims: bool) -> Array:
    """max by the real part; a complex tie is shared as its subgradient is."""
    if not np.iscomplexobj(x):
        return np.asarray(x.max(axis=axis, keepdims=keepdims))
    ties = x.real == x.real.max(axis=axis, keepdims=True)
    return np.asarray((x * ties).sum(axis=axis, keepdims=keepdims) / ties.sum(axis=axis, keepdims=keepdims))


def shared_ties(d: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """The gradient goes to the largest entry, in equal parts to entries that tie."""
    ties = x.real == x.real.max(axis=axis, keepdims=True)
    return expand(d, axis, keepdims) * ties / ties.sum(axis=axis, keepdims=True)


def max_increment(x: Array, dx: Array, axis: Axis, keepdims: bool, side: Side | None = None) -> Array:
    """max_k((x_k − max x) + Δ_k): exact, because the gap of the largest entry is exactly 0."""
    axes = axes_of(x, axis)
    gap = x - x.max(axis=axes, keepdims=True)
    if side is None:
        return np.asarray((gap + dx).max(axis=axes, keepdims=keepdims))
    ties = gap == 0.0
    if side == "chosen":
        return np.asarray((dx * (ties / ties.sum(axis=axes, keepdims=True))).sum(axis=axes, keepdims=keepdims))
    pick, never = (np.max, -np.inf) if side == "right" else (np.min, np.inf)
    return np.asarray(pick(np.where(ties, dx, never), axis=axes, keepdims=keepdims))


def reaches_largest(x: Array, dx: Array, axis: Axis) -> Array:
    """The entries that catch up with the largest one, and those among several largest that fall behind."""
    axes = axes_of(x, axis)
    gap = x - x.max(axis=axes, keepdims=True)
    top = np.where(gap == 0.0, dx, -np.inf).max(axis=axes, keepdims=True)
    reached: Array = np.where(gap == 0.0, dx != top, gap + dx >= top)
    return reached


def norm_value(x: Array, axis: Axis, keepdims: bool) -> Array:
    """√Σx², scaled so that squares neither overflow nor vanish."""
    size = np.abs(x.real).max(axis=axis, keepdims=True)
    scale = np.where(size == 0.0, 1.0, size)
    norm = scale * np.sqrt(np.square(x / scale).sum(axis=axis, keepdims=True))
    return np.asarray(norm if keepdims else norm.sum(axis=axis))


def norm_backward(d: Array, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """x / ‖x‖, and 0 at x = 0."""
    length = expand(out, axis, keepdims)
    return expand(d, axis, keepdims) * x / np.where(length == 0.0, 1.0, length)


def norm_increment(x: Array, dx: Array, axis: Axis, keepdims: bool, side: Side | None = None) -> Array:
    """Σ Δ(2x+Δ) / (‖x+Δ‖ + ‖x‖), everything scaled by the largest entry."""
    axes = axes_of(x, axis)
    scale = np.maximum(np.abs(x).max(axis=axes, keepdims=True), np.abs(dx).max(axis=axes, keepdims=True))
    scale = np.where(scale == 0.0, 1.0, scale)
    unit, step = x / scale, dx / scale
    before = np.sqrt(np.square(unit).sum(axis=axes, keepdims=True))
    after = np.sqrt(np.square(unit + step).sum(axis=axes, keepdims=True))
    both = np.where(before + after == 0.0, 1.0, before + after)
    change = scale * (step * (2.0 * unit + step)).sum(axis=axes, keepdims=True) / both
    if side is not None:
        slope = {"left": -1.0, "right": 1.0, "chosen": 0.0}[side]
        linear = scale * (step * unit).sum(axis=axes, keepdims=True) / np.where(before == 0.0, 1.0, before)
        change = np.where(before == 0.0, slope * change, linear)
    return np.asarray(change if keepdims else change.sum(axis=axes))


def softmax_over(x: Array, axis: Axis) -> Array:
    """e^{x−max} / Σ e^{x−max}: e^{x−out} loses the digits that out = max + log Σ… does not hold when max is large."""
    growth = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(growth / growth.sum(axis=axis, keepdims=True))


def logsumexp_value(x: Array, axis: Axis, keepdims: bool) -> Array:
    """max + log(1 + Σ e^{x−max}) with the sum over all entries but the largest, which would hide small ones."""
    top = x.real.max(axis=axis, keepdims=True)
    gap = x - top
    largest = gap.real == 0.0
    others = np.where(largest, np.expm1(gap), np.exp(gap)).sum(axis=axis, keepdims=True)
    total = top + np.log1p(others + (largest.sum(axis=axis, keepdims=True) - 1.0))
    return np.asarray(total if keepdims else total.sum(axis=axis))


def logsumexp_increment(x: Array, dx: Array, axis: Axis, keepdims: bool) -> Array:
    """log1p(Σ p_k·(e^{Δ_k} − 1)); beyond the range of e^Δ, where nothing can cancel, the plain difference."""
    axes = axes_of(x, axis)
    shifted = np.exp(x - x.max(axis=axes, keepdims=True))
    p = shifted / shifted.sum(axis=axes, keepdims=True)
    near = np.clip(dx, -700.0, 700.0)
    growth = (p * np.expm1(near)).sum(axis=axes, keepdims=keepdims)
    exact = log_of_mixture(growth, (p * np.exp(near)).sum(axis=axes, keepdims=keepdims))
    far = (near != dx).any(axis=axes, keepdims=keepdims)
    if not far.any():
        return exact
    return np.where(far, logsumexp_value(x + dx, axes, keepdims) - logsumexp_value(x, axes, keepdims), exact)


ROWS = (
    Op(
        name="sum",
        summary="of all entries, or along an axis",
        forward=lambda x, axis, keepdims: np.asarray(x.sum(axis=axis, keepdims=keepdims)),
        backward=(lambda d, out, x, axis, keepdims: expand(d, axis, keepdims),),
        increment=lambda x, axis, keepdims: x[1].sum(axis=axes_of(x[0], axis), keepdims=keepdims),
        formula=Formula(f"sum({{0}}, {OVER})", ("{d} * ones({shape_of_0})",)),
        shape=shapes.reduced,
        attributes=AXES,
    ),
    Op(
        name="mean",
        summary="of all entries, or along an axis",
        forward=lambda x, axis, keepdims: np.asarray(np.add.reduce(x, axis=axis, keepdims=keepdims) / count(x, axis)),
        backward=(lambda d, out, x, axis, keepdims: expand(d, axis, keepdims) / count(x, axis),),
        increment=lambda x, axis, keepdims: x[1].sum(axis=axes_of(x[0], axis), keepdims=keepdims) / count(x[0], axis),
        formula=Formula(f"mean({{0}}, {OVER})", ("{d} * ones({shape_of_0}) / {count}",)),
        shape=shapes.reduced,
        attributes=AXES,
    ),
    Op(
        name="max",
        summary="the largest of all entries, or along an axis",
        forward=largest,
        backward=(lambda d, out, x, axis, keepdims: shared_ties(d, x, axis, keepdims),),
        increment=lambda x, axis, keepdims, side=None: max_increment(x[0], x[1], axis, keepdims, side),
        formula=Formula(f"max({{0}}, {OVER})", ("{d} * ({0} == {out})",)),
        shape=shapes.reduced,
        kinks=lambda x, axis, keepdims: reaches_largest(x[0], x[1], axis),
        subgradient="equal parts for the entries that tie",
        attributes=AXES,
    ),
    Op(
        name="min",
        summary="the smallest of all entries, or along an axis",
        forward=lambda x, axis, keepdims: -largest(-x, axis, keepdims),
        backward=(lambda d, out, x, axis, keepdims: shared_ties(d, -x, axis, keepdims),),
        increment=lambda x, axis, keepdims, side=None: -max_increment(-x[0], -x[1], axis, keepdims, side),
        formula=Formula(f"min({{0}}, {OVER})", ("{d} * ({0} == {out})",)),
        shape=shapes.reduced,
        kinks=lambda x, axis, keepdims: reaches_largest(-x[0], -x[1], axis),
        subgradient="equal parts for the entries that tie",
        attributes=AXES,
    ),
    Op(
        name="norm",
        summary="the Euclidean length",
        forward=norm_value,
        backward=(norm_backward,),
        increment=lambda x, axis, keepdims, side=None: norm_increment(x[0], x[1], axis, keepdims, side),
        formula=Formula(f"sqrt(sum({{0}} ** 2, {OVER}))", ("{d} * {0} / {out}",)),
        shape=shapes.reduced,
        kinks=lambda x, axis, keepdims: (
            (norm_value(x[0], axes_of(x[0], axis), keepdims) <= norm_value(x[1], axes_of(x[0], axis), keepdims))
            & (norm_value(x[1], axes_of(x[0], axis), keepdims) > 0.0)
        ),
        subgradient="0 at 0",
        attributes=AXES,
    ),
    Op(
        name="logsumexp",
        summary="the logarithm of the sum of e to the power of every entry, without overflow",
        forward=logsumexp_value,
        backward=(lambda d, out, x, axis, keepdims: expand(d, axis, keepdims) * softmax_over(x, axis),),
        increment=lambda x, axis, keepdims: logsumexp_increment(x[0], x[1], axis, keepdims),
        formula=Formula(f"log(sum(exp({{0}}), {OVER}))", ("{d} * exp({0} - {out})",)),
        shape=shapes.reduced,
        attributes=AXES,
    ),
)
