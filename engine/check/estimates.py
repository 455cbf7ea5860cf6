"""What a numerical method finds of one gradient: the numbers, how far they can be trusted, and where they mean little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from engine.check.increments import Kink
from engine.ops.row import Array

EPSILON = float(np.finfo(np.float64).eps)
BLOCK = 10_000
"""Numbers of a large tensor that are compared at once."""
UNDERFLOW = 1e-290
"""Gradients this small are made of numbers that have lost their digits."""
ROUNDING = 64 * EPSILON
"""Of the largest gradient of the problem: what rounding may have done to either side."""


@dataclass(slots=True)
class Estimate:
    """All arrays have the gradient's shape, or one entry a direction where `directions` is given."""

    numeric: Array
    spread: Array
    """|D(h) − D(2h)|, and whatever else the method knows of its own error."""
    kinked: Array
    """Where the perturbation reached a kink; there the gradient may lie anywhere from `low` to `high`."""
    low: Array
    high: Array
    kinks: set[Kink] = field(default_factory=set)
    directions: Array | None = None
    _largest: float | None = field(default=None, init=False)

    @property
    def largest(self) -> float:
        """max|numeric|, looked for once."""
        if self._largest is None:
            self._largest = largest(self.numeric)
        return self._largest

    def project(self, claim: Array) -> Array:
        """The part of a claimed gradient that this estimate can be compared with."""
        if self.directions is None:
            return claim
        return np.asarray(np.tensordot(self.directions, claim, axes=claim.ndim))

    def rescaled(self, factor: float) -> Estimate:
        """As a convention reports it: a multiple of ∂J/∂node."""
        if factor == 1.0:
            return self
        return replace(
            self,
            numeric=self.numeric * factor,
            spread=self.spread * factor,
            low=self.low * factor,
            high=self.high * factor,
        )


@dataclass(frozen=True, slots=True)
class Estimates:
    """One estimate a gradient, by the node's name, and what they cost."""

    by_name: dict[str, Estimate]
    coordinates: int
    evaluations: int


Method = Callable[..., Estimates]


def largest(*arrays: Array) -> float:
    """max|x| over the finite entries of all arrays."""
    return max((largest_of(x, float(x.min(initial=0.0)), float(x.max(initial=0.0))) for x in arrays), default=0.0)


def largest_of(x: Array, least: float, most: float) -> float:
    """max|x| over the finite entries, where the least and the largest are known."""
    size = max(most, -least)
    return size if isfinite(size) else float(np.abs(x[np.isfinite(x)]).max(initial=0.0))


def largest_difference(x: Array, y: Array) -> float:
    """max|x − y|, and not a number if any entry is not; in blocks of rows, because a large tensor does not fit the cache."""
    rows = max(1, BLOCK * len(x) // x.size)
    blocks = (slice(start, start + rows) for start in range(0, len(x), rows))
    return float(np.max([np.abs(x[block] - y[block]).max() for block in blocks]))
