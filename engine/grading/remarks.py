"""What is said of a wrong answer that no known mistake explains."""

from __future__ import annotations

import numpy as np

from engine.grading.answers import Answer
from engine.grading.compare import Tolerance
from engine.grading.written import SAME, written
from engine.ops.row import Array

FEW = 4
"""One entry in so many, or fewer, are few."""
CLOSE = 0.05
"""Of the largest entry."""
UNEXPLAINED = "No known mistake explains these numbers: compare them with the formula."
NEAR = "Near the right numbers, but no known mistake explains them: was something rounded on the way? Keep more digits."
UNDECIDED = "These numbers do not tell which mistake was made: compare them with the formula."
TRIVIAL = "An earlier answer leaves nothing to compute here (zeros, or no finite number), so this earns nothing."
NEEDED = {"as_written": ("min_significant", "significant digit"), "significant": ("digits", "significant digit")}
NEEDED["decimals"] = ("digits", "decimal")


def unexplained(
    name: str, answer: Answer, truth: Array, tolerance: Tolerance, cells: Array, *, trivial: bool, undecided: bool
) -> str:
    """Rounded too coarsely; or following from nothing; or of too few digits to tell; or wrong in a few places; or none."""
    with np.errstate(all="ignore"):
        coarse = tolerance.mode in NEEDED and too_coarse(answer, truth, tolerance)
    if coarse:
        setting, digit = NEEDED[tolerance.mode]
        count = int(tolerance.settings[setting])
        return f"Right as far as it goes, but rounded too coarsely: give at least {count} {digit}{'s' * (count != 1)}."
    if trivial or undecided:
        return TRIVIAL if trivial else UNDECIDED
    return few_wrong(name, cells) or (NEAR if is_near(answer, truth) else UNEXPLAINED)


def few_wrong(name: str, cells: Array) -> str:
    """Where a mistake is, if it is in few places: rounding, or a wrong rule, would be in most."""
    wrong = np.argwhere(~cells)
    if not len(wrong) or FEW * len(wrong) > cells.size:
        return ""
    first = name + "".join(f"[{place}]" for place in wrong[0])
    if len(wrong) == 1:
        return f"One of {cells.size:,} entries is wrong: {first}."
    return f"{len(wrong):,} of {cells.size:,} entries are wrong; the first is {first}."


def is_near(answer: Answer, truth: Array) -> bool:
    """As near as numbers are that were computed from ones of two digits."""
    s, t = answer.values.ravel(), truth.ravel()
    return bool((np.abs(s - t) <= CLOSE * np.abs(t).max(initial=0.0)).all())


def too_coarse(answer: Answer, truth: Array, tolerance: Tolerance) -> bool:
    """Whether every entry is the true one in the digits that it has, or right as it is, so that only digits are missing."""
    as_written = tolerance.mode == "as_written"
    reading = written(answer, tolerance.settings["min_significant"] if as_written else 1)
    s, t = reading.values, truth.ravel()
    if not s.any() and not answer.digits().text.all():
        return False  # a 0 that stands for no answer
    shown = np.abs(s - t) <= 0.5 * reading.unit * (1.0 + SAME)
    if as_written:  # cut off is as right as rounded
        cut_off = np.abs(t) - np.abs(s)
        shown |= (np.sign(s) * np.sign(t) >= 0.0) & (cut_off >= -SAME * np.abs(t)) & (cut_off < reading.unit)
    return bool((shown | tolerance.right(answer, truth).ravel()).all())
