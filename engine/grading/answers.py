"""Answers as they are written: numbers with their digits.

A student's `0.50` says more than 0.5: that the second decimal is 0. So text keeps its zeros, and a JSON number is read
as its shortest decimal. The digits are looked at only where a comparison needs them; until then an answer is an array.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np

from engine.errors import BadNumbers, shorten
from engine.ops.row import Array, Shape
from engine.reading.arrays import MAXIMUM_DEPTH, find_fault, is_plain, read_array

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
ONE_NUMBER = re.compile(NUMBER)
MANY_NUMBERS = re.compile(rf"(?:{NUMBER}\n)*")
LONGEST = 60
FINEST = -300
"""The finest place that is told apart: 1e-9999 is 0."""
MINUS = "\u2212"
MOST_ENTRIES = 1_000_000
COMPUTED_DIGITS = 7
"""An entry with as many significant digits was computed, not written by hand."""


@dataclass(slots=True)
class Digits:
    """How an answer is written, entry by entry, in the order of its flattened entries."""

    unit: Array
    """The place of the last digit written: 0.01 for `0.50`."""
    significant: Array
    """How many significant digits are written; 1 for any zero."""
    text: Array
    """Whether the entry was text, whose zeros count, and not a JSON number."""


@dataclass(slots=True)
class Answer:
    """One answered quantity: its values (NaN where an entry is null, that is not answered) and how they were written."""

    values: Array
    written: Any = field(repr=False)
    answered: Array | None = None
    """Which entries are answered; None when all are. Where none is, the shape says nothing."""
    path: str = ""
    """Where it was read."""
    readings: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    """What was prepared of it for comparisons, by what for."""
    _digits: Digits | None = field(default=None, repr=False)

    @property
    def shape(self) -> Shape:
        return self.values.shape

    @property
    def blank(self) -> bool:
        """Whether nothing at all is answered, in whatever shape."""
        return self.answered is not None and not self.answered.any()

    def digits(self) -> Digits:
        if self._digits is None:
            self._digits = digits_of(self.written, self.values.size)
        return self._digits


def read_answer(value: Any, path: str, most: int = MOST_ENTRIES) -> Answer:
    """Numbers, text that is a number, or null, in rectangular lists. BadNumbers names the first entry that is not.

    Text and null are looked at one by one, which for millions takes seconds: no more than `most` of them are read.
    """
    if isinstance(value, np.ndarray) or is_plain(value, 0):
        return Answer(read_array(value, path), value, path=path)
    if holds_more(value, most):
        raise BadNumbers(f"more than {most:,} entries: no answer here has as many", path=path)
    flat = list(leaves_of(value, path))
    if all(each is None for each, _ in flat):
        return Answer(np.full(len(flat), np.nan), value, np.zeros(len(flat), dtype=bool), path)
    shape = rectangle_of(value, path)
    answered = np.array([each is not None for each, _ in flat])
    texts = [each.strip().replace(MINUS, "-") if isinstance(each, str) else None for each, _ in flat]
    joined = "\n".join(text for text in texts if text is not None) + "\n"
    given = [text for text in texts if text is not None]
    apart = joined.count("\n") == max(1, len(given))  # no text holds a line break of its own
    if given and (max(map(len, given)) > LONGEST or not apart or not MANY_NUMBERS.fullmatch(joined)):
        for text, (each, where) in zip(texts, flat, strict=True):
            if text is not None and (len(text) > LONGEST or not ONE_NUMBER.fullmatch(text)):
                raise BadNumbers(explain_text(each), path=where)
    numbers = [
        np.nan if each is None else text if text is not None else each for text, (each, _) in zip(texts, flat, strict=True)
    ]
    with np.errstate(over="ignore"):
        values = np.array(numbers, dtype=object).astype(np.float64) if numbers else np.zeros(0)
    infinite = np.isinf(values)
    if infinite.any():
        raise BadNumbers("this number is too large for a 64-bit float", path=flat[int(np.argmax(infinite))][1])
    return Answer(values.reshape(shape), value, None if answered.all() else answered.reshape(shape), path)


def holds_more(value: Any, most: int) -> bool:
    """Whether nested lists have more entries than this; no more of them are looked at."""
    level: list[Any] = [value]
    for _ in range(MAXIMUM_DEPTH + 1):
        lists = [each for each in level if isinstance(each, list | tuple)]
        if not lists:
            return False
        if sum(map(len, lists)) + len(level) - len(lists) > most:
            return True
        level = list(chain.from_iterable(lists))
    return False


def leaves_of(value: Any, path: str, depth: int = 0) -> Iterator[tuple[Any, str]]:
    """Every entry with its path; BadNumbers for what can be no entry."""
    if isinstance(value, list | tuple):
        if depth >= MAXIMUM_DEPTH:
            raise BadNumbers(f"lists are nested more than {MAXIMUM_DEPTH} deep", path=path)
        if not value:
            raise BadNumbers("an empty list: expected at least one number", path=path)
        for position, each in enumerate(value):
            yield from leaves_of(each, f"{path}[{position}]", depth + 1)
    elif value is None or isinstance(value, str):
        yield value, path
    else:
        find_fault(value, path)
        if not np.isfinite(value):
            raise BadNumbers("expected a finite number, not NaN or an infinity", path=path)
        yield value, path


def rectangle_of(value: Any, path: str) -> Shape:
    """The shape of nested lists, all alike."""
    if not isinstance(value, list | tuple):
        return ()
    shapes = [rectangle_of(each, f"{path}[{position}]") for position, each in enumerate(value)]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise BadNumbers(f"ragged: this entry is not shaped like {path}[0]", path=f"{path}[{position}]")
    return (len(shapes), *shapes[0])


def explain_text(text: str) -> str:
    """Why this text is not a number, and how to write it."""
    shown = f'"{shorten(text, 20)}"'
    stripped = text.strip().replace(MINUS, "-")
    if not stripped:
        return "an empty text: expected a number"
    if re.fullmatch(r"[+-]?\d+,\d+", stripped):
        return f'{shown} has a decimal comma: write "{shorten(stripped.replace(",", "."), 20)}"'
    if "/" in stripped:
        return f"{shown} is a fraction: write a decimal number"
    if stripped.lower().strip("+-") in ("nan", "inf", "infinity"):
        return f"{shown} is not a finite number"
    return f'{shown} is not a number such as "-0.042", "1.50" or "5e-3"'


def digits_of(written: Any, size: int) -> Digits:
    """The place of the last digit of every entry."""
    entries = written.ravel().tolist() if isinstance(written, np.ndarray) else list(flatten(written))
    unit, significant = np.ones(size), np.ones(size, dtype=int)
    text = np.zeros(size, dtype=bool)
    for position, entry in enumerate(entries):
        if entry is None:
            continue
        text[position] = isinstance(entry, str)
        shown = entry.strip().replace(MINUS, "-") if isinstance(entry, str) else repr(entry)
        unit[position], significant[position] = last_digit(shown, shorten_zero=not text[position])
    return Digits(unit, significant, text)


def last_digit(shown: str, *, shorten_zero: bool) -> tuple[float, int]:
    """(place of the last digit, significant digits) of a decimal; a JSON number's own `.0` is not written by anyone."""
    if shorten_zero and shown.endswith(".0"):
        shown = shown[:-2]
    mantissa, _, exponent = shown.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    if shorten_zero and exponent and fraction == "0":
        fraction = ""
    place = int(exponent or 0) - len(fraction)
    digits = (whole + fraction).lstrip("0")
    return float(Decimal(1).scaleb(max(place, FINEST))), max(len(digits), 1)


def flatten(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from flatten(each)
    else:
        yield value
