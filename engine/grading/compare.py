"""The only place where tolerances act: entry by entry, never one norm over everything.

Each mode has a formula, with s the submitted entry, t the true one, T the whole true tensor:

- `relative`: |s − t| ≤ relative·|t| + absolute
- `significant`: |s − t| ≤ ½·10^(1 − digits + ⌊log10 |t|⌋); where t = 0, of max|T| instead
- `decimals`: |s − t| ≤ ½·10^(−digits)
- `as_written`: |s − t| ≤ u/2 (rounded) or 0 ≤ |t| − |s| < u with the same sign (cut off), where u is the place of the last
  digit written, 0.01 for 0.50; and u ≤ 10^(1 − min_significant + ⌊log10 max|T|⌋) unless s = t; beside it, for an answer
  with an entry of 7 digits or more, |s − t| ≤ floor·max|T|
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.grading.answers import Answer
from engine.grading.written import SAME, magnitude, magnitudes, telling_entry, written
from engine.ops.row import Array, Shape
from engine.reading.arrays import read_number, read_whole
from engine.reading.fields import join, read_choice, read_object

BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A mode with its settings."""

    mode: str = "as_written"
    settings: Mapping[str, float] = field(default_factory=lambda: dict(MODES["as_written"].defaults))

    def right(self, answer: Answer, truth: Array) -> Array:
        """Which entries are right, in the truth's shape; the shapes must be alike (see `alike`)."""
        submitted = answer.values.reshape(truth.shape)
        with np.errstate(all="ignore"):
            if truth.size > BLOCK and all_same(submitted, truth):
                return np.ones(truth.shape, dtype=bool)
            off, size = np.abs(submitted - truth), np.abs(truth)
            same = off <= SAME * size
            if same.all():
                return same
            return same | MODES[self.mode].right(answer, truth, off, size, **self.settings)

    def accepts(self, answer: Answer, truth: Array) -> bool:
        """Whether every entry is right. Remembered, because an answer is held against the same numbers again and again."""
        if not self.may_accept(answer, truth):
            return False
        numbers = (self.mode, *self.settings.values(), truth.tobytes())
        known: bool | None = answer.readings.get(numbers)
        if known is None:
            known = answer.readings[numbers] = bool(self.right(answer, truth).all())
        return known

    def may_accept(self, answer: Answer, truth: Array) -> bool:
        """False where one entry, or the number of them, shows at a glance that not all can be right."""
        if truth.size != answer.values.size:
            return False
        if self.mode != "as_written":
            return True
        telling = telling_entry(answer, self.settings["floor"])
        return telling.least <= truth.item(telling.place) <= telling.most


def all_same(s: Array, t: Array) -> bool:
    """Whether every entry is the same number, for large tensors: block by block, each of which stays in the cache."""
    s, t = s.ravel(), t.ravel()
    for start in range(0, t.size, BLOCK):
        block = slice(start, start + BLOCK)
        off, reach = s[block] - t[block], np.abs(t[block])
        np.abs(off, out=off)
        reach *= SAME
        if not (off <= reach).all():
            return False
    return True


def alike(submitted: Shape, expected: Shape) -> bool:
    """The same shape, axes of length 1 removed. Never broadcast."""
    return [n for n in submitted if n != 1] == [n for n in expected if n != 1]


def relative(answer: Answer, t: Array, off: Array, size: Array, relative: float, absolute: float) -> Array:
    return off <= relative * size + absolute


def significant(answer: Answer, t: Array, off: Array, size: Array, digits: float) -> Array:
    place = np.where(t == 0.0, magnitude(size.max(initial=0.0)), magnitudes(t)) * 10.0 ** (1 - digits)
    return off <= 0.5 * place * (1 + SAME)


def decimals(answer: Answer, t: Array, off: Array, size: Array, digits: float) -> Array:
    return off <= 0.5 * 10.0**-digits * (1 + SAME)


def as_written(answer: Answer, t: Array, off: Array, size: Array, min_significant: float, floor: float) -> Array:
    reading = written(answer, min_significant)
    return reading.right(t.ravel(), off.ravel(), size.ravel(), floor).reshape(t.shape)


@dataclass(frozen=True, slots=True)
class Mode:
    """One row of the table of tolerances."""

    right: Callable[..., Array]
    """From the answer, t, |s − t| and |t|, and the settings."""
    defaults: Mapping[str, float]
    whole: tuple[str, ...] = ()
    """Settings that are counts of digits."""


MODES: dict[str, Mode] = {
    "as_written": Mode(as_written, {"min_significant": 2, "floor": 1e-6}, whole=("min_significant",)),
    "relative": Mode(relative, {"relative": 1e-6, "absolute": 1e-12}),
    "significant": Mode(significant, {"digits": 3}, whole=("digits",)),
    "decimals": Mode(decimals, {"digits": 4}, whole=("digits",)),
}


def read_tolerance(value: Any, path: str) -> Tolerance:
    """{"mode": "relative", "relative": 1e-6, …}; what is left out takes its default."""
    given = read_object(value, path, required=["mode"], optional=value if isinstance(value, Mapping) else ())
    name = read_choice(given["mode"], join(path, "mode"), "mode", MODES)
    mode = MODES[name]
    read_object(value, path, required=["mode"], optional=list(mode.defaults))
    settings: dict[str, float] = {}
    for setting, default in mode.defaults.items():
        here = join(path, setting)
        if setting in mode.whole:
            settings[setting] = float(
                read_whole(given.get(setting, default), here, least=0 if name == "decimals" else 1, most=17)
            )
        else:
            settings[setting] = read_number(given.get(setting, default), here, least=0.0)
    return Tolerance(name, settings)
