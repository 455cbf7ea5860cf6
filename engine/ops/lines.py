"""The loss of a class where the logits of every example move along one line: by a·w, with one number a an example.

log(1 + Σ_{k≠y} p_k·(e^{a·(w_k − w_y)} − 1)) is the cumulant generating function of the w_k − w_y under the probabilities p:
mean·a + variance·a²/2 + O(a³). For short moves the rest is less than rounding, so that two sums over the classes, made once
for all moves of a unit, give the exact increment of each.
"""

from __future__ import annotations

import numpy as np

from engine.ops.losses import is_one_hot
from engine.ops.row import Array
from engine.ops.stable import SoftmaxRows

SHORT = 1e-9
"""Moves of the logits up to here: their third power is beyond the last digit, and their second is not."""
LARGEST = 1e100
"""Beyond, squares overflow."""


class ClassLosses:
    """The losses at some logits for one-hot labels, one example a row."""

    @classmethod
    def of(cls, z: Array, y: Array) -> ClassLosses | None:
        """None for labels that are not one-hot."""
        return cls(z, y) if is_one_hot(y, axis=-1) else None

    def __init__(self, z: Array, y: Array) -> None:
        self.classes = y.argmax(axis=1)
        self.others = SoftmaxRows(z).p
        self.others[np.arange(len(z)), self.classes] = 0.0
        self.rest = self.others.sum(axis=1)[:, None]

    def along(self, W: Array, scale: float) -> ClassLines:
        """For several units: `W` (units, classes) holds the direction in which each moves the logits of any example."""
        own = W.T[self.classes]
        mixed, squares = self.others @ W.T, self.others @ (W * W).T
        mean = mixed - self.rest * own
        variance = squares - own * (mixed + mean) - mean * mean
        reach = 2.0 * max(float(W.max(initial=0.0)), -float(W.min(initial=0.0)))
        return ClassLines(scale * mean, (0.5 * scale) * variance, reach)


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
