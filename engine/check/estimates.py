"""What a numerical method finds of one gradient: the numbers, how far they can be trusted, and where they mean little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from engine.check.increments import Kink
from engine.ops.row import Array

EPSILON = float(np.finfo(np.float64).eps)
BLOCK = 130_000
"""Numbers of a large tensor that are compared at once: a megabyte."""
UNDERFLOW = 1e-290
"""Gradients this small are made of numbers that have lost their digits."""
ROUNDING = 64 * EPSILON
"""Of the largest gradient that takes part: what rounding may have done to either side."""
LEEWAY = 1e-9
"""Relative to the largest entry of a tensor, beside the error bound: two correct computations may round differently, and a
false alarm withholds a correct key. No wrong rule comes this close."""
GUARD_LEEWAY = 1e-8
"""Relative to a sum over a tensor; a wrong product is wrong by far more."""
BEYOND_SENSE = 1e60
"""Gradients that no second method can confirm."""
BELOW_SENSE = 1e-100
"""Numbers whose products with each other and with a step are lost, and a difference with them."""


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

    @property
    def size(self) -> float:
        """The same, but at a kink of the derivatives between which it may lie."""
        if not self.kinked.any():
            return self.largest
        return largest(self.numeric[~self.kinked], self.low[self.kinked], self.high[self.kinked])

    def apart(self, claim: Array) -> float:
        """max|claim − numeric|, and not a number if any entry is not."""
        found, self._largest = apart(self.numeric, claim)
        return found

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


def exact(numeric: Array) -> Estimate:
    """One without a kink, whose spread is known to be less than rounding."""
    none = np.zeros((1,) * numeric.ndim)
    return Estimate(numeric, none, none > 0.0, numeric, numeric)


@dataclass(frozen=True, slots=True)
class Estimates:
    """One estimate a gradient, by the node's name, and what they cost."""

    by_name: dict[str, Estimate]
    coordinates: int
    evaluations: int


Method = Callable[..., Estimates]


def apart(numeric: Array, claim: Array) -> tuple[float, float]:
    """max|claim − numeric|, not a number if any entry is not, and max|numeric|. Large tensors are looked at once, block by
    block."""
    if numeric.size <= BLOCK:
        least, most = extent(claim - numeric)
        return max(most, -least), largest_of(numeric)
    rows = max(1, BLOCK * len(numeric) // numeric.size)
    buffer = np.empty((rows, *numeric.shape[1:]))
    found, sizes = [], []
    for start in range(0, len(numeric), rows):
        block = slice(start, start + rows)
        sizes.append(largest_of(numeric[block]))
        least, most = extent(np.subtract(claim[block], numeric[block], out=buffer[: len(numeric) - start]))
        found += [most, -least]
    return float(np.max(found)), max(sizes)


def largest(*arrays: Array) -> float:
    """max|x| over the finite entries of all arrays."""
    return max(map(largest_of, arrays), default=0.0)


def largest_of(x: Array) -> float:
    least, most = extent(x)
    size = max(most, -least, 0.0)
    return size if isfinite(size) else float(np.abs(x[np.isfinite(x)]).max(initial=0.0))


def extent(x: Array) -> tuple[float, float]:
    """The least and the largest entry; not numbers if any entry is not. Called so often that a method's detour counts."""
    if not x.size:
        return 0.0, 0.0
    return float(np.minimum.reduce(x, axis=None)), float(np.maximum.reduce(x, axis=None))
