"""The loss of a class where the logits of every example move along one line: by a·w, with one number a an example.

log(1 + Σ_{k≠y} p_k·(e^{a·(w_k − w_y)} − 1)) is the cumulant generating function of the w_k − w_y under the probabilities p:
mean·a + variance·a²/2 + O(a³). For short moves the rest is less than rounding, so that two sums over the classes, made once
for all moves of a unit, give the exact increment of each.
"""

from __future__ import annotations

import numpy as np

from engine.ops.row import Array
from engine.ops.stable import SoftmaxRows

SHORT = 1e-9
"""Moves of the logits up to here: their third power is beyond the last digit, and their second is not."""
LARGEST = 1e100
"""Beyond, squares overflow."""


class ClassLines:
    """Lines for several units: `W` (units, classes) holds the direction in which each moves the logits of any example."""

    def __init__(self, z: Array, y: Array, W: Array, scale: float) -> None:
        """From logits and one-hot labels, one example a row. What is added for a class's own w is 0, never subtracted."""
        classes = y.argmax(axis=1)
        others = SoftmaxRows(z).p
        others[np.arange(len(z)), classes] = 0.0
        rest = others.sum(axis=1)
        own = W.T[classes]
        mixed, squares = others @ W.T, others @ (W * W).T
        mean = mixed - rest[:, None] * own
        variance = squares - own * (mixed + mean) - mean * mean
        self.slope, self.curve = scale * mean, (0.5 * scale) * variance  # (examples, units)
        self.reach = 2.0 * max(float(W.max(initial=0.0)), -float(W.min(initial=0.0)))

    def increment(self, examples: slice, a: Array) -> Array | None:
        """The exact changes of the losses of some examples for a (…, examples, units); None where a move is not short."""
        longest = max(float(a.max(initial=0.0)), -float(a.min(initial=0.0)))
        if not (self.reach <= LARGEST and longest * self.reach <= SHORT):
            return None
        moved = a * self.curve[examples]
        moved += self.slope[examples]
        moved *= a
        return moved
