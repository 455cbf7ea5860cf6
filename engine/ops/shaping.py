"""Ops that move numbers without changing them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops import shapes
from engine.ops.row import Array, Formula, Op


def batch_of(x: Array, dx: Array) -> tuple[int, ...]:
    return dx.shape[: dx.ndim - x.ndim]


def flip_all(x: Array, rank: int) -> Array:
    """Reverse the last `rank` axes."""
    lead = x.ndim - rank
    return x.transpose(*range(lead), *range(x.ndim - 1, lead - 1, -1))


def concat_increment(*pairs: tuple[Array, Array | None], axis: int) -> Array:
    batch = next(batch_of(x, dx) for x, dx in pairs if dx is not None)
    moved = (np.broadcast_to(0.0 if dx is None else dx, batch + x.shape) for x, dx in pairs)
    return np.concatenate(list(moved), axis=axis)


def concat_backward(d: Array, out: Array, *parts: Array, axis: int, position: int) -> Array:
    start = sum(part.shape[axis] for part in parts[:position])
    return section(d, start, start + parts[position].shape[axis], axis)


def section(x: Array, start: int | None, stop: int | None, axis: int) -> Array:
    """x[start:stop] along an axis counted from the end."""
    return x[(..., slice(start, stop), *(slice(None),) * (-1 - axis))]


def spread(d: Array, x: Array, start: int | None, stop: int | None, axis: int) -> Array:
    """The inverse of `section` with zeros elsewhere."""
    whole = np.zeros(x.shape, dtype=d.dtype)
    section(whole, start, stop, axis)[...] = d
    return whole


def reshape_increment(x: tuple[Array, Array], shape: Any) -> Array:
    result = x[0].reshape(shape).shape
    return x[1].reshape(batch_of(*x) + result)


ROWS = (
    Op(
        name="transpose",
        summary="the axes in reverse order",
        forward=lambda x: x.T,
        backward=(lambda d, out, x: d.T,),
        increment=lambda x: flip_all(x[1], x[0].ndim),
        formula=Formula("transpose({0})", ("transpose({d})",)),
        shape=shapes.transposed,
    ),
    Op(
        name="reshape",
        summary="the same entries, row after row, in another shape",
        forward=lambda x, shape: x.reshape(shape),
        backward=(lambda d, out, x, shape: d.reshape(x.shape),),
        increment=reshape_increment,
        formula=Formula("reshape({0}, {shape})", ("reshape({d}, {0}.shape)",)),
        shape=shapes.reshaped,
        attributes={"shape": ...},
    ),
    Op(
        name="concat",
        summary="operands joined along an axis",
        forward=lambda *parts, axis: np.concatenate(parts, axis=axis),
        backward=(concat_backward,),
        increment=concat_increment,
        formula=Formula("concat({all}, axis={axis})", ("part({d}, {position}, {all}, axis={axis})",)),
        shape=shapes.concatenated,
        attributes={"axis": 0},
        variadic=True,
    ),
    Op(
        name="slice",
        summary="the entries from start to before stop along an axis",
        forward=lambda x, start, stop, axis: section(x, start, stop, axis),
        backward=(lambda d, out, x, start, stop, axis: spread(d, x, start, stop, axis),),
        increment=lambda x, start, stop, axis: section(x[1], start, stop, axis),
        formula=Formula("section({0}, {start}, {stop}, {axis})", ("spread({d}, {0}, {start}, {stop}, {axis})",)),
        shape=shapes.sliced,
        attributes={"start": 0, "stop": None, "axis": 0},
    ),
)
