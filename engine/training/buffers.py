"""Memory of the hot loop, laid out once."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.ops.row import Array, Shape

ALIGNMENT = 64


def buffer(shape: Shape, dtype: Any) -> Array:
    """Zeros that begin at a whole cache line: the same place in every process, so that a resumed run rounds the same."""
    dtype = np.dtype(dtype)
    length = prod(shape) * dtype.itemsize
    raw = np.zeros(length + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + length].view(dtype).reshape(shape)


def spread(x: Array, out: Array) -> Array:
    """x, repeated to the shape of `out`. An operation that repeats its operand by itself allocates; a copy does not."""
    np.copyto(out, x, casting="same_kind")
    return out


def ones(length: int, dtype: Any) -> Array:
    return spread(np.ones(()), buffer((length,), dtype))


class Scratch:
    """For intermediate results of one layer and batch size. Nothing in it outlives a call."""

    __slots__ = ("column", "growth", "mask", "ones", "row", "row_mask", "spare", "start", "third", "top", "work")

    def __init__(self, examples: int, units: int, dtype: Any) -> None:
        self.work = buffer((examples, units), dtype)
        self.spare = buffer((examples, units), dtype)
        self.third = buffer((examples, units), dtype)
        self.mask = buffer((examples, units), bool)
        self.column = buffer((examples, 1), dtype)
        self.row = self.column.reshape(examples)
        self.growth = buffer((examples,), dtype)
        self.row_mask = buffer((examples,), bool)
        self.top = buffer((examples,), np.intp)
        self.start = np.arange(examples) * units
        """Where each example begins in a flat view."""
        self.ones = ones(units, dtype)
