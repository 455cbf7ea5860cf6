"""The only place where tolerances act: entry by entry, never one norm over everything.

Each mode has a formula, with s the submitted entry, t the true one, T the whole true tensor:

- `relative`: |s − t| ≤ relative·|t| + absolute
- `significant`: |s − t| ≤ ½·10^(1 − digits + ⌊log10 |t|⌋); where t = 0, of max|T| instead
- `decimals`: |s − t| ≤ ½·10^(−digits)
- `as_written`, with u the place of the last digit written: rounded, |s − t| ≤ u/2, or truncated toward zero,
  0 ≤ |t| − |s| < u with the same sign; and with enough digits, u ≤ 10^(1 − min_significant + ⌊log10 max|T|⌋), unless s is t
  itself. A computed answer (an entry of 7 significant digits or more) is right within floor·max|T| as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.grading.answers import COMPUTED_DIGITS, Answer, Digits
from engine.ops.row import Array, Shape
from engine.reading.arrays import read_number, read_whole
from engine.reading.fields import join, read_choice, read_object

SAME = 1e-9
"""Two numbers this close in relation to their size are one number."""
SNAP = 1e-13
"""A number this close to one of few digits is that one, but for the error of the arithmetic: 0.29999999999999993 is 0.3."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A mode with its settings."""

    mode: str = "as_written"
    settings: Mapping[str, float] = field(default_factory=lambda: dict(MODES["as_written"].defaults))

    def right(self, answer: Answer, truth: Array) -> Array:
        """Which entries are right, in the truth's shape; the shapes must be alike (see `alike`)."""
        submitted = answer.values.reshape(truth.shape)
        with np.errstate(all="ignore"):
            same = np.abs(submitted - truth) <= SAME * np.abs(truth)
            if same.all():
                return same
            return same | MODES[self.mode].right(answer, submitted, truth, **self.settings)

    def is_near(self, answer: Answer, truth: Array) -> bool:
        """Whether it is worth looking closer: False only where some entry cannot be right, seen at a glance."""
        if self.mode != "as_written":
            return True
        off = np.abs(answer.values.reshape(truth.shape) - truth)
        reach = answer.digits().unit.reshape(truth.shape) * (1.0 + SAME)
        return bool((off <= reach + max(self.settings["floor"], SAME) * largest(truth)).all())


def alike(submitted: Shape, expected: Shape) -> bool:
    """The same shape, axes of length 1 removed. Never broadcast."""
    return [n for n in submitted if n != 1] == [n for n in expected if n != 1]


def magnitude(x: Array) -> Array:
    """10^⌊log10 |x|⌋, and 0 at 0."""
    size = np.abs(x)
    exponent = np.floor(np.log10(np.where(size == 0.0, 1.0, size)) + 1e-12)
    return np.where(size == 0.0, 0.0, np.power(10.0, exponent))


def largest(truth: Array) -> Array:
    return np.asarray(np.abs(truth).max(initial=0.0))


def relative(answer: Answer, s: Array, t: Array, relative: float, absolute: float) -> Array:
    return np.abs(s - t) <= relative * np.abs(t) + absolute


def significant(answer: Answer, s: Array, t: Array, digits: float) -> Array:
    place = np.where(t == 0.0, magnitude(largest(t)), magnitude(t)) * 10.0 ** (1 - digits)
    return np.abs(s - t) <= 0.5 * place * (1 + SAME)


def decimals(answer: Answer, s: Array, t: Array, digits: float) -> Array:
    return np.abs(s - t) <= 0.5 * 10.0**-digits * (1 + SAME)


def as_written(answer: Answer, s: Array, t: Array, min_significant: float, floor: float) -> Array:
    digits = answer.digits()
    unit = digits.unit.reshape(t.shape)
    unit = padded(unit, digits, s, min_significant)

    multiple = np.round(t / unit) * unit
    snapped = np.where(np.abs(t - multiple) <= SNAP * np.abs(t), multiple, t)
    slack = SAME * unit
    rounded = np.abs(s - snapped) <= 0.5 * unit + slack
    cut_off = np.abs(snapped) - np.abs(s)
    truncated = (s * snapped >= 0.0) & (cut_off >= -slack) & (cut_off < unit * (1 - SNAP))
    # 0.998 is 1.0 in two digits, but only for who writes 1.0 and not 0.9.
    most = largest(t)
    shown = np.maximum(largest(np.nan_to_num(s)), most)
    needed = np.minimum(magnitude(most / (1 - 0.5 * 10.0**-min_significant)), magnitude(shown))
    enough = unit <= 10.0 ** (1 - min_significant) * needed * (1 + SAME)
    found = (rounded | truncated) & (enough | (s == snapped))
    found |= np.abs(s - t) <= SAME * largest(t)  # 1 − a² beside larger entries: these digits are lost in 64 bits
    if (digits.significant >= COMPUTED_DIGITS).any():
        found |= np.abs(s - t) <= floor * largest(t)
    return found


def padded(unit: Array, digits: Digits, s: Array, min_significant: float) -> Array:
    """The place of the last digit, where a JSON number, which cannot show its zeros, is padded to the digits asked for.

    Beside larger ones it is padded only to the place to which these are written: 0.0006 beside 0.2102 has four decimals.
    """
    json = ~digits.text.reshape(s.shape)
    short = json & (digits.significant < min_significant).reshape(s.shape)
    if not short.any():
        return unit
    asked = 10.0 ** (1 - min_significant)
    finest = np.min(unit, where=json & (s != 0.0), initial=np.inf)
    common = np.minimum(finest, asked * (magnitude(largest(s)) if s.any() else 1.0))
    return np.where(short, np.minimum(unit, np.maximum(asked * magnitude(s), common)), unit)


@dataclass(frozen=True, slots=True)
class Mode:
    """One row of the table of tolerances."""

    right: Callable[..., Array]
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
    given = read_object(value, path, required=["mode"], optional=list(value) if isinstance(value, Mapping) else [])
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
