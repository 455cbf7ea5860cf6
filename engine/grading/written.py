"""What the digits of an answer say, prepared once and compared with many numbers: the mode `as_written`.

With u the place of the last digit written, s is right for t if it is t rounded, |s − t| ≤ u/2, or t truncated toward zero,
0 ≤ |t| − |s| < u with the same sign; and with enough digits, u ≤ 10^(1 − min_significant + ⌊log10 max|T|⌋), unless s is t
itself. A computed answer (an entry of 7 significant digits or more) is right within floor·max|T| as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.grading.answers import COMPUTED_DIGITS, Answer, Digits
from engine.ops.row import Array

SAME = 1e-9
"""Two numbers this close in relation to their size are one number."""
SNAP = 1e-13
"""A number this close to one of few digits is that one, but for the error of the arithmetic: 0.29999999999999993 is 0.3."""


@dataclass(frozen=True, slots=True)
class Written:
    """An answer's entries in a row, and how far from each the truth may be."""

    values: Array
    size: Array
    unit: Array
    """The place of the last digit, padded to the digits asked for."""
    rounded_by: Array
    cut_by: Array
    slack: Array
    coarsest: float
    largest: float
    computed: bool
    least_digits: float

    def right(self, truth: Array, off: Array, size: Array, floor: float) -> Array:
        """Which entries are right for t, with |s − t| and |t|: all in a row."""
        s, unit = self.values, self.unit
        multiple = np.round(truth / unit) * unit
        snapped = np.where(np.abs(truth - multiple) <= SNAP * size, multiple, truth)
        found = np.abs(s - snapped) <= self.rounded_by
        if not found.all():
            cut_off = np.abs(snapped) - self.size
            found |= (s * snapped >= 0.0) & (cut_off >= -self.slack) & (cut_off < self.cut_by)
        most = size.max(initial=0.0)
        needed = self.needed(most)
        if not self.coarsest <= needed:
            found &= (unit <= needed) | (s == snapped)
        found |= off <= (max(floor, SAME) if self.computed else SAME) * most  # 1 − a² beside larger entries loses digits
        return found

    def needed(self, most: float) -> float:
        """The coarsest unit with digits enough, where max|T| is that: 0.998 is 1.0 for who writes 1.0, and not 0.9."""
        shown = np.minimum(most / (1 - 0.5 * 10.0**-self.least_digits), np.maximum(self.largest, most))
        return float(10.0 ** (1 - self.least_digits) * magnitude(shown) * (1 + SAME))


def written(answer: Answer, least_digits: float) -> Written:
    """The reading of an answer, kept with it."""
    found: Written | None = answer.readings.get(least_digits)
    if found is None:
        found = answer.readings[least_digits] = prepare(answer, least_digits)
    return found


def prepare(answer: Answer, least_digits: float) -> Written:
    digits, s = answer.digits(), answer.values.ravel()
    unit = padded(digits, s, least_digits)
    return Written(
        values=s,
        size=np.abs(s),
        unit=unit,
        rounded_by=0.5 * unit + SAME * unit,
        cut_by=unit * (1 - SNAP),
        slack=SAME * unit,
        coarsest=unit.max(initial=0.0),
        largest=np.abs(s).max(initial=0.0, where=~np.isnan(s)),
        computed=bool((digits.significant >= COMPUTED_DIGITS).any()),
        least_digits=least_digits,
    )


class Telling(NamedTuple):
    """One entry of an answer, and the range of what it can be right for: a reason not to look at the others."""

    place: int
    least: float
    most: float


def telling_entry(answer: Answer, floor: float) -> Telling:
    """The largest entry, kept with the answer.

    Where all is right, every |s − t| ≤ u + floor·max|T|, so that max|T| itself is at most max(|s| + u)/(1 − floor).
    """
    found: Telling | None = answer.readings.get(("telling", floor))
    if found is None:
        floor = max(floor, SAME)
        size, reach = np.abs(answer.values).ravel(), answer.digits().unit * (1.0 + SAME)
        place = int(np.argmax(size))
        with np.errstate(over="ignore"):
            most = float((size + reach).max()) / (1.0 - floor) if floor < 1.0 else np.inf
        away = float(reach[place]) + floor * most
        s = answer.values.item(place)
        found = answer.readings["telling", floor] = Telling(place, s - away, s + away)
    return found


def magnitude(x: Any) -> Any:
    """10^⌊log10 |x|⌋ of one number, and 0 at 0."""
    return np.power(10.0, np.floor(np.log10(np.abs(x)) + 1e-12)) if x != 0.0 else 0.0


def magnitudes(x: Array) -> Array:
    """The same, entry by entry."""
    size = np.abs(x)
    exponent = np.floor(np.log10(np.where(size == 0.0, 1.0, size)) + 1e-12)
    return np.where(size == 0.0, 0.0, np.power(10.0, exponent))


def padded(digits: Digits, s: Array, least_digits: float) -> Array:
    """The place of the last digit, where a JSON number, which cannot show its zeros, is padded to the digits asked for.

    Beside larger ones it is padded only to the place to which these are written: 0.0006 beside 0.2102 has four decimals.
    """
    unit, json = digits.unit, ~digits.text
    short = json & (digits.significant < least_digits)
    if not short.any():
        return unit
    asked = 10.0 ** (1 - least_digits)
    finest = np.min(unit, where=json & (s != 0.0), initial=np.inf)
    common = np.minimum(finest, asked * (magnitude(np.abs(s).max(initial=0.0)) if s.any() else 1.0))
    return np.where(short, np.minimum(unit, np.maximum(asked * magnitudes(s), common)), unit)
