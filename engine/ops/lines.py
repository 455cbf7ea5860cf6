"""The loss of a class where the logits of every example move along one line: by a·w, with one number a an example.

log(1 + Σ_{k≠y} p_k·(e^{a·(w_k − w_y)} − 1)) is the cumulant generating function of the w_k − w_y under the probabilities p:
mean·a + variance·a²/2 + O(a³). For short moves the rest is less than rounding, so that two sums over the classes, made once
for all moves of a unit, give the exact increment of each.
"""

from __future__ import annotations

import numpy as np

from engine.ops.losses import is_one_hot
from engine.ops.row import Array

SHORT = 1e-9
"""Moves of the logits up to here: their third power is beyond the last digit, and their second is not."""
LARGEST = 1e100
"""Beyond, squares overflow."""


class ClassLosses:
    """The losses at some probabilities for one-hot labels, one example a row."""

    @classmethod
    def of(cls, p: Array, y: Array) -> ClassLosses | None:
        """None for labels that are not one-hot."""
        return cls(p, y) if is_one_hot(y, axis=-1) else None

    def __init__(self, p: Array, y: Array) -> None:
        self.each = np.arange(len(p))
        self.classes = y.argmax(axis=1)
        self.others = p.copy()
        self.others[self.each, self.classes] = 0.0
        self.rest = np.add.reduce(self.others, axis=1, keepdims=True)

    def along(self, W: Array, scale: float) -> ClassLines:
        """For several units: `W` (units, classes) holds the direction in which each moves the logits of any example."""
        own = W.T[self.classes]
        mixed, squares = self.others @ W.T, self.others @ (W * W).T
        mean = self.rest * own
        np.subtract(mixed, mean, out=mean)
        mixed += mean
        mixed *= own
        squares -= mixed
        np.multiply(mean, mean, out=mixed)
        squares -= mixed  # the variance: Σ p·w² − own·(mixed + mean) − mean²
        squares *= 0.5 * scale
        mean *= scale
        reach = 2.0 * max(float(np.maximum.reduce(W, axis=None)), -float(np.minimum.reduce(W, axis=None)))
        return ClassLines(mean, squares, reach)


class ClassLines:
    """Slope and curve of every example's loss along every unit's line: (examples, units)."""

    def __init__(self, slope: Array, curve: Array, reach: float) -> None:
        self.slope, self.curve, self.reach = slope, curve, reach

    def increment(self, examples: slice, a: Array) -> Array | None:
        """The exact changes of the losses of some examples for a (…, examples, units); None where a move is not short."""
        longest = max(float(a.max(initial=0.0)), -float(a.min(initial=0.0)))
        if not (self.reach <= LARGEST and longest * self.reach <= SHORT):
            return None
        moved = a * self.curve[examples]
        moved += self.slope[examples]
        moved *= a
        return moved
