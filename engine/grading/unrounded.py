"""What follows from wrong answers, of which only the digits that are written are known.

A mistake that explains a wrong answer tells the number behind its digits, but few digits may fit a mistake by chance. Who
keeps full precision after an error carries on with a number somewhere in the interval that these digits leave
open. So what follows is an interval too: to first order, what each uncertain entry adds to it, summed in absolute value.
An answer is consistent if it is written for some number in there.

A wide interval would let wrong answers in by luck, so it is taken to be no wider than a small part of the numbers
themselves, and is not even computed for an answer that is further away than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from engine.grading.answers import Answer
from engine.grading.world import World
from engine.grading.written import SAME, Written, magnitudes, written
from engine.ops.row import Array
from engine.quantities import Quantity, understand, with_pin

WIDEST = 0.1
"""How far what follows may be from the recomputed value at most, as a part of its largest entry."""
MOST_ENTRIES = 256
MOST_NUMBERS = 50_000
"""Uncertain entries times entries that follow from them, of one answer."""
MOST_TRIALS = 2_000
"""Recomputations for one submission."""


class Interval(NamedTuple):
    """Where the numbers behind the written ones may lie: rounded or cut off."""

    low: Array
    high: Array


class Spread(NamedTuple):
    """What follows from a world as it is pinned, and how far its entries may be below and above that."""

    value: Array
    below: Array
    above: Array


def interval(answer: Answer, least_digits: float) -> Interval:
    """s − u/2 to s + u for a positive s: it was rounded, or cut off toward zero."""
    reading = written(answer, least_digits)
    s, unit = reading.values, finest_unit(answer, reading)
    return Interval(s - np.where(s > 0.0, 0.5, 1.0) * unit, s + np.where(s < 0.0, 0.5, 1.0) * unit)


def finest_unit(answer: Answer, reading: Written) -> Array:
    """The place of the last digit. A JSON number lost its last zeros: it had the digits, or the decimals, of others."""
    digits = answer.digits()
    with_decimals = digits.unit < 1.0
    if digits.text.all() or not with_decimals.any():
        return reading.unit
    most = float(digits.significant[with_decimals].max())
    common = np.maximum(digits.unit.min(), 10.0 ** (1 - most) * magnitudes(reading.values))
    return np.where(digits.text, reading.unit, np.minimum(reading.unit, common))


@dataclass(slots=True)
class Unrounded:
    """The uncertain answers of one submission, and the work that is left for them."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    trials: int = MOST_TRIALS

    def add(self, quantity: Quantity, answer: Answer) -> None:
        self.answers = {**self.answers, quantity.name: answer}

    def consistent(self, world: World, quantity: Quantity, answer: Answer, follows: list[Array], **settings: float) -> bool:
        """Whether an answer is written for something that follows from numbers behind the written ones."""
        with np.errstate(all="ignore"):
            return self._consistent(world, quantity, answer, follows, **settings)

    def _consistent(
        self, world: World, quantity: Quantity, answer: Answer, follows: list[Array], *, min_significant: float, floor: float
    ) -> bool:
        reading = written(answer, min_significant)
        near = [place for place, value in enumerate(follows) if within_reach(reading, value.ravel())]
        if not near:
            return False
        spreads = self.spreads(world, quantity, follows, min_significant)
        slack = floor if reading.computed else 0.0
        return any(accepts(reading, spreads[place], slack) for place in near if spreads)

    def spreads(self, world: World, quantity: Quantity, follows: list[Array], least_digits: float) -> list[Spread]:
        """What follows by every right rule, as an interval; nothing where that is too much work."""
        below = [np.zeros(value.shape) for value in follows]
        above = [np.zeros(value.shape) for value in follows]
        entries = 0
        for name, answer in self.answers.items():
            if name not in world.pins:
                continue  # nothing follows from it
            pinned = world.pins[name]
            low, high = (each.reshape(pinned.shape) - pinned for each in interval(answer, least_digits))
            step = np.where(high > -low, high, low)
            # By parts of which no two are alike: steps that are might cancel where this answer does matter.
            uneven = step * (0.5 + np.modf(0.6180339887 * np.arange(1, step.size + 1))[0].reshape(step.shape))
            if all(np.array_equal(x, y) for x, y in zip(self.moved(world, quantity, name, uneven), follows, strict=True)):
                continue
            entries += step.size
            if entries > MOST_ENTRIES or entries * follows[0].size > MOST_NUMBERS or self.trials < step.size:
                return []
            for place in np.ndindex(step.shape):
                if step[place] == 0.0:
                    continue
                alone = np.zeros(step.shape)
                alone[place] = step[place]
                ends = low[place] / step[place], high[place] / step[place]
                for way, value in enumerate(self.moved(world, quantity, name, alone)):
                    change = value - follows[way]
                    below[way] += np.maximum(0.0, np.maximum(-change * ends[0], -change * ends[1]))
                    above[way] += np.maximum(0.0, np.maximum(change * ends[0], change * ends[1]))
        return [Spread(*each) for each in zip(follows, below, above, strict=True)]

    def moved(self, world: World, quantity: Quantity, name: str, step: Array) -> list[Array]:
        """What follows if the numbers of one answer are changed by a step."""
        self.trials -= 1
        value = world.pins[name] + step
        changes = with_pin(world.problem, world.changes, understand(world.problem, name), value)
        moved = replace(world, pins={**world.pins, name: value}, changes=changes)
        return list(moved.readings(quantity))


def within_reach(reading: Written, follows: Array) -> bool:
    """Whether an answer is so near that an interval that is narrow enough may hold it."""
    if not np.isfinite(follows).all():
        return False
    reach = WIDEST * np.abs(follows).max(initial=0.0) + reading.unit * (1.0 + SAME)
    return bool((np.abs(reading.values - follows) <= reach).all())


def accepts(reading: Written, spread: Spread, slack: float) -> bool:
    """Whether every entry is written for some number that may follow."""
    follows, below, above = (each.ravel() for each in spread)
    largest = np.abs(follows).max(initial=0.0)
    if largest == 0.0:
        return False
    below, above = (np.fmin(each, WIDEST * largest) + slack * largest for each in (below, above))
    low, high = follows - below, follows + above
    enough = reading.unit <= reading.needed(float(np.maximum(np.abs(low), np.abs(high)).max()))
    s, unit = reading.values, reading.unit * (1.0 + SAME)
    down, up = np.where(s > 0.0, 0.5, 1.0) * unit, np.where(s < 0.0, 0.5, 1.0) * unit
    return bool(((enough | (s == follows)) & (s - down <= high) & (s + up >= low)).all())
