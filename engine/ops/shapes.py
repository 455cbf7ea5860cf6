"""The shape of an op's result from the shapes of its inputs, or a sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from engine.errors import EngineError, ShapeMismatch, shape_text, shorten
from engine.ops.row import Array, Shape

Axis = int | tuple[int, ...] | None


def axes_of(x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes to reduce, counted from the end, so that they hold under leading batch axes."""
    if axis is None:
        return tuple(range(-x.ndim, 0))
    return (axis,) if isinstance(axis, int) else axis


def from_end(axis: Axis, rank: int) -> Axis:
    """An axis as a person writes it, counted from the end and checked."""
    if axis is None:
        return None
    several = axis if isinstance(axis, tuple) else (axis,)
    if any(isinstance(each, bool) or not isinstance(each, int) for each in several):
        raise EngineError("axis must be a whole number, a tuple of whole numbers, or None")
    for each in several:
        if not -rank <= each < rank:
            allowed = f"-{rank} to {rank - 1}" if rank else "none: the operand is a single number"
            raise ShapeMismatch(f"axis {shorten(str(each), 20)} does not exist; allowed here: {allowed}")
    counted = tuple(each - rank if each >= 0 else each for each in several)
    if len(set(counted)) != len(counted):
        raise ShapeMismatch(f"axis {shorten(str(axis), 40)} names one axis twice")
    return counted[0] if isinstance(axis, int) else counted


def expand(d: Array, axis: Axis, keepdims: bool) -> Array:
    """Give a reduced array its axes of length 1 back, so that it broadcasts against what was reduced."""
    if axis is None or keepdims:
        return d
    return insert_axis(d, axis) if isinstance(axis, int) else np.expand_dims(d, axis)


def insert_axis(d: Array, axis: int) -> Array:
    """np.expand_dims, which takes longer than the sums it is for; axes counted from the end are only indexed."""
    return np.expand_dims(d, axis) if axis >= 0 else d[(..., None, *(slice(None),) * (-axis - 1))]


def broadcast(*shapes: Shape, **_: object) -> Shape:
    """NumPy's broadcasting, as in every elementwise op."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(shape_text(shape) for shape in shapes)
        raise ShapeMismatch(f"{listed} do not broadcast: lengths must be equal or 1, from the last axis on") from None


def same(shape: Shape, **_: object) -> Shape:
    return shape


def reduced(shape: Shape, *, axis: Axis = None, keepdims: bool = False, **_: object) -> Shape:
    if not isinstance(keepdims, bool):
        raise EngineError("keepdims must be True or False")
    axes = tuple(range(-len(shape), 0)) if axis is None else (axis,) if isinstance(axis, int) else axis
    if any(shape[each] == 0 for each in axes):
        raise ShapeMismatch("nothing to reduce: the axis is empty")
    rank = len(shape)
    if keepdims:
        return tuple(1 if position - rank in axes else length for position, length in enumerate(shape))
    return tuple(length for position, length in enumerate(shape) if position - rank not in axes)


def one_axis(axis: object) -> None:
    if not isinstance(axis, int):
        raise EngineError("axis must be one whole number here")


def along_axis(shape: Shape, *, axis: int = -1, **_: object) -> Shape:
    """For ops that normalise along an axis: there must be one."""
    if not shape:
        raise ShapeMismatch("needs a list or a matrix, not a single number")
    one_axis(axis)
    return shape


def losses(prediction: Shape, label: Shape, *, axis: int = -1, **_: object) -> Shape:
    """One loss an example: predictions and labels are alike, and the axis of an example's outputs is summed away."""
    if prediction != label:
        raise ShapeMismatch(f"predictions are {shape_text(prediction)}, but labels are {shape_text(label)}")
    return reduced(along_axis(prediction, axis=axis), axis=axis)


def matmul(x: Shape, y: Shape) -> Shape:
    if not 1 <= len(x) <= 2 or not 1 <= len(y) <= 2:
        raise ShapeMismatch(f"@ needs lists or matrices, not {shape_text(x)} @ {shape_text(y)}")
    inner = y[0]
    if x[-1] != inner:
        raise ShapeMismatch(f"{shape_text(x)} @ {shape_text(y)}: the inner lengths {x[-1]} and {inner} differ")
    return x[:-1] + y[1:]


def dot(x: Shape, y: Shape) -> Shape:
    if len(x) != 1 or x != y:
        raise ShapeMismatch(
            f"dot needs two lists of one length, not {shape_text(x)} and {shape_text(y)}; for matrices write x @ y"
        )
    return ()


def outer(x: Shape, y: Shape) -> Shape:
    if len(x) != 1 or len(y) != 1:
        raise ShapeMismatch(f"outer needs two lists, not {shape_text(x)} and {shape_text(y)}")
    return x + y


def transposed(shape: Shape) -> Shape:
    return shape[::-1]


def reshaped(old: Shape, *, shape: Sequence[int] | int) -> Shape:
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if any(isinstance(n, bool) or not isinstance(n, int) or n < -1 or n == 0 for n in wanted) or wanted.count(-1) > 1:
        raise ShapeMismatch("shape must be a tuple of lengths from 1, at most one of them -1, such as shape=(2, 3)")
    known = prod(n for n in wanted if n != -1)
    if -1 in wanted and prod(old) % known == 0:
        wanted = tuple(prod(old) // known if n == -1 else n for n in wanted)
    if prod(wanted) != prod(old):
        raise ShapeMismatch(f"{shape_text(old)} has {prod(old)} entries and cannot become {shape_text(wanted)}")
    return wanted


def concatenated(*shapes: Shape, axis: int = -1) -> Shape:
    rank = len(shapes[0])
    if rank == 0 or any(len(shape) != rank for shape in shapes):
        raise ShapeMismatch(f"concat needs operands of one rank, not {', '.join(map(shape_text, shapes))}")
    one_axis(axis)
    position = axis + rank
    rest = {shape[:position] + shape[position + 1 :] for shape in shapes}
    if len(rest) > 1:
        raise ShapeMismatch(f"{', '.join(map(shape_text, shapes))} differ beside the axis they are joined along")
    return (*shapes[0][:position], sum(shape[position] for shape in shapes), *shapes[0][position + 1 :])


def sliced(shape: Shape, *, start: int = 0, stop: int | None = None, axis: int = -1) -> Shape:
    if not shape:
        raise ShapeMismatch("slice needs a list or a matrix, not a single number")
    one_axis(axis)
    for bound in (start, stop):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise EngineError("start and stop must be whole numbers")
    length = len(range(shape[axis])[start:stop])
    if length == 0:
        raise ShapeMismatch(f"the slice from {start} to {stop} of an axis of length {shape[axis]} is empty")
    position = axis + len(shape)
    return (*shape[:position], length, *shape[position + 1 :])
