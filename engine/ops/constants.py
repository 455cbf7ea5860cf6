"""Small arrays that are always the same: kept, because making them would take as long as their use. Not to be written to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.ops.row import Array, Shape

FEW = 16_384
"""Numbers that are kept; with more of them, what is computed takes far longer than making them."""
MOST_KEPT = 64
"""Shapes of one constant."""


class Constants(dict[int | Shape, Array]):
    """Arrays of one number, by their shapes: a dictionary, for there is no shorter way to what is kept."""

    def __init__(self, number: float) -> None:
        self.number = number

    def __missing__(self, shape: int | Shape) -> Array:
        made = np.full(shape, self.number)
        made.flags.writeable = False  # all share them
        if made.size <= FEW:
            if len(self) >= MOST_KEPT:
                self.clear()
            self[shape] = made
        return made

    def like(self, x: Array) -> Array | float:
        """The number in the shape of x, to compare with: the lesser of an array and a number takes NumPy three times as long
        as that of two arrays."""
        return self[x.shape] if x.size <= FEW and x.flags.c_contiguous else self.number


ones = Constants(1.0)
"""To sum with: see `row_sums`."""
zeros = Constants(0.0)


@lru_cache(128)
def few_starts(count: int, width: int) -> Array:
    made = np.arange(0, count * width, width)
    made.flags.writeable = False
    return made


def starts(count: int, width: int) -> Array:
    """Where the rows of a matrix start in a flat array; kept as `ones` are."""
    return few_starts(count, width) if count <= FEW else np.arange(0, count * width, width)
