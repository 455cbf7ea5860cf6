"""Which examples each step uses.

The order of an epoch depends on the seed and the epoch alone: the examples are sorted by random keys that a counter-based
generator gives for that epoch. So the count of steps done is all the random state that a run has, and NumPy keeps the raw
numbers of its generators the same from version to version.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.ops.row import Array

Examples = slice | Array
"""A run of neighbours, or indices."""


@dataclass(slots=True)
class Batches:
    examples: int
    size: int
    shuffle: bool = False
    seed: int = 0
    _order: tuple[int, Array] | None = field(default=None, repr=False)

    @property
    def per_epoch(self) -> int:
        """⌈examples / size⌉: the last batch of an epoch may be short."""
        return -(-self.examples // self.size)

    def order(self, epoch: int) -> Array:
        """The shuffled examples of an epoch, counted from 1."""
        if self._order is None or self._order[0] != epoch:
            keys = np.random.Philox(key=self.seed, counter=[0, epoch, 0, 0]).random_raw(self.examples)
            self._order = (epoch, np.argsort(keys, kind="stable"))
        return self._order[1]

    def epoch_of(self, step: int) -> int:
        """The epoch of a step, counted from 1; what is before the first step belongs to the first epoch."""
        return max(step - 1, 0) // self.per_epoch + 1

    def at(self, done: int) -> tuple[int, Examples]:
        """After that many steps: the epoch, and the examples of the next step."""
        position = done % self.per_epoch
        epoch = done // self.per_epoch + 1
        run = slice(position * self.size, min((position + 1) * self.size, self.examples))
        return epoch, self.order(epoch)[run] if self.shuffle else run


def indices_of(examples: Examples) -> tuple[int, ...]:
    """As a person reads them."""
    if isinstance(examples, slice):
        return tuple(range(examples.start, examples.stop))
    return tuple(int(each) for each in examples)
