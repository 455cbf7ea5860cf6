"""Students for tests of grading: they compute by hand-written formulas, make one mistake, and write as people write.

Nothing here uses the engine. A student keeps a notebook: every quantity passes through `keep`, which notes it and hands
back the number to carry on with. Every place where a mistake can be made asks `slips(code, place)`; a student without a
mistake so also finds out which mistakes could be made where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

Array = np.ndarray


class Stuck(Exception):
    """The numbers that were carried on lead to no number: 1/A where A was written as 0.00."""


@dataclass(frozen=True)
class Slip:
    """One mistake: its code in the table of mistakes, the quantity where it is made, and which way to make it."""

    code: str
    place: str
    variant: int = 0


@dataclass(frozen=True)
class Writing:
    """How numbers are written down: digits, rounded or truncated, each entry alone or a whole tensor to one place."""

    digits: int = 4
    truncates: bool = False
    aligned: bool = False
    text: bool = True
    general: bool = False
    """Written as a calculator set to so many digits does: 1.0 for 0.998, 1.2e+02 for 118."""
    computed: bool = False
    """All digits of a float, as a program prints them."""
    carries: bool = False
    """Carries on with what was written and submitted, not with what was computed."""

    def write(self, value: Array) -> Any:
        if not (np.abs(value) < 1e15).all():
            raise Stuck  # nobody writes such a number out
        if self.computed:
            return value.tolist()
        largest = float(np.abs(value).max()) if self.aligned else 0.0
        return self._write(value.tolist(), largest)

    def _write(self, value: Any, largest: float) -> Any:
        if isinstance(value, list):
            return [self._write(each, largest) for each in value]
        if self.general:
            return f"{value:#.{self.digits}g}"
        shown = Decimal(f"{value:.12g}")  # as a calculator shows it
        leading = Decimal(f"{largest:.12g}").adjusted() if largest else shown.adjusted() if shown else 0
        # Whole numbers are written in full: the 118 of 118.4 is not shortened to 120.
        place = Decimal(1).scaleb(min(leading - self.digits + 1, 0))
        written = shown.quantize(place, rounding=ROUND_DOWN if self.truncates else ROUND_HALF_EVEN)
        return format(written, "f") if self.text else float(written)


def read(written: Any) -> Array:
    """The numbers that a student reads back from their own notes."""
    return np.array(written, dtype=float)


BLUNDERS: dict[str, Callable[[Array], Array]] = {
    "one number": lambda x: np.where(np.abs(x) == np.abs(x).max(), 1.5 * x, x),
    "squared": np.square,
    "inverted": lambda x: 1.0 / x,
    "cosine": np.cos,
    "one more": lambda x: x + 1.0,
    "reversed": lambda x: x.ravel()[::-1].reshape(x.shape) + 0.37 * x,
    "logarithm": lambda x: np.log1p(np.abs(x)),
}
"""Errors that are in no table of mistakes."""


@dataclass
class Student:
    """A notebook. Subclasses solve a task in it."""

    writing: Writing = field(default_factory=lambda: Writing(computed=True))
    submits: frozenset[str] | None = None
    """Which quantities are handed in; None for all."""
    slip: Slip | None = None
    blunder: str = ""
    """A quantity that is simply wrong."""
    blunders: str = "one number"
    """How it is."""
    calculates: bool = False
    """A wrong number too was calculated, and has more digits than are written."""
    answers: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, Array] = field(default_factory=dict)
    """What was written down, before it was rounded."""
    chances: dict[Slip, None] = field(default_factory=dict)
    """Every mistake that could have been made."""
    flipped: bool = False
    """Matrices are handed in transposed: one example a column."""

    def slips(self, code: str, place: str, variants: int = 1) -> int:
        """0, or which way to make this mistake here, from 1."""
        for variant in range(variants):
            self.chances[Slip(code, place, variant)] = None
        slip = self.slip
        return slip.variant + 1 if slip and (slip.code, slip.place) == (code, place) else 0

    def keep(self, name: str, value: Array, wrote: Array | None = None) -> Array:
        """Note a quantity (or, with `wrote`, something of another shape in its place) and carry on."""
        value = np.asarray(value, dtype=float)
        if name.startswith("d") and "/" not in name:
            if self.slips("sign_flipped", name):
                value = -value
            if self.slips("extra_factor_two", name):
                value = 2.0 * value
        if value.ndim == 2 and min(value.shape) > 1 and not name.endswith("_new") and self.slips("transposed", name):
            wrote = value.T
        if name == self.blunder:
            value = BLUNDERS[self.blunders](value)
            if not self.calculates:
                value = read(self.writing.write(value))  # there is nothing behind it but what is written
        if wrote is not None and wrote.size == value.size and np.array_equal(wrote.ravel(), value.ravel()):
            wrote = None
        noted = value if wrote is None else wrote
        if self.flipped and noted.ndim == 2:
            noted = noted.T
        if self.submits is not None and name not in self.submits:
            return value
        written = self.writing.write(noted)
        self.numbers[name] = noted
        self.answers[name] = written
        if not self.writing.carries or wrote is not None:
            return value
        carried = read(written)
        return carried.T if self.flipped and carried.ndim == 2 else carried

    def solve(self) -> Student:
        raise NotImplementedError

    def other(self, **changes: Any) -> Student:
        """Another student with the same task."""
        raise NotImplementedError


def blank() -> dict[str, Any]:
    """An empty notebook."""
    return {
        "answers": {},
        "numbers": {},
        "chances": {},
        "slip": None,
        "blunder": "",
        "calculates": False,
        "writing": Writing(computed=True),
    }


def sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


def softmax(z: Array, axis: int = 1) -> Array:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


FORWARD: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "softmax": softmax,
}
BY_OUTPUT: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda a: a * (1.0 - a),
    "tanh": lambda a: 1.0 - a * a,
    "relu": lambda a: (a > 0.0).astype(float),
}
"""f′ as a function of a = f(z)."""


def slope_at(activation: str, z: Array) -> Array:
    return BY_OUTPUT[activation](FORWARD[activation](z))
