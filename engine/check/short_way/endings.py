"""What follows the last pre-activations of a dense network: how its cost answers to short moves of them.

Steps are so short that no digit of a difference depends on their length, and increments lose none to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.check.differences import VANISHING
from engine.check.estimates import largest
from engine.check.increments import STILL
from engine.graph.heads import FUSIONS, Fusion
from engine.ops.constants import ones
from engine.ops.row import Array, Op
from engine.ops.stable import exclusive_sums, sigmoid, softmax

SHORT = np.float64(2.0**-100)
LONG = np.array(2.0**100)
"""1 / SHORT, for products, which round nothing. NumPy multiplies by an array sooner than by a number."""
LONG.flags.writeable = False
SHORTEST = np.float64(2.0**-300)
"""Where what is squared may be as near to 0 as any that makes sense."""
SHORT_OF_ROOM = 2.0**-60
"""As short as it must be, and no shorter: room may be next to nothing itself."""
SOME_ROOM = 1e-280
"""Where there is less, such steps have lost digits, or are none."""
DEPENDS = 1e10
"""Times the scale: derivatives by an A without room are far smaller if nothing depends on it, and far larger else."""
MOST, MOST_SHARE = 1e50**2, 1e10**2
"""Of squares of sums of e^x, and of one over them."""
REACH = 1e-9
"""What is so near a kink is left to the full check, which tells where it lies."""
OF_CLASSES, BINARY = (FUSIONS[name].op for name in ("cross_entropy", "binary_cross_entropy"))


class LossForm(NamedTuple):
    """A loss, and the head before it."""

    op: Op
    attributes: Mapping[str, Any]
    weight: float
    """Of an example in the cost."""
    scale: float
    """The weight times the loss's own scale."""
    fusion: Fusion | None
    head: Callable[..., Array]
    """The increment of A, from (Z, ΔZ)."""


class Ending(ABC):
    """Of one run, one example a row. All numbers are changes of the cost J, so the weight of an example is in them.

    What moves is x: what the loss is computed from, which is Z where the head is fused with it; or, `BehindHead`, Z again.
    """

    form: LossForm
    x: Array

    @abstractmethod
    def slopes(self) -> Array | None:
        """The differences by every x; None at a kink."""

    @abstractmethod
    def moved(self, moves: Array) -> list[float]:
        """The exact change of the cost when x makes short moves: of each that stand in a row."""

    @abstractmethod
    def by_head(self) -> Array | None:
        """The differences by every A, once there are slopes; None where there are none."""


def ending_of(form: LossForm, Z: Array, A: Array | None, Y: Array, places: Array | None) -> Ending:
    """A is None with a fused head. `places` are those of the classes, if labels are one-hot."""
    x = Z if A is None else A
    ending: Ending
    if form.op is BINARY:
        ending = BinaryEnding(form, x, Y)
    elif form.op is not OF_CLASSES:
        ending = TermEnding(form, x, Y)
    elif places is None:
        ending = SoftEnding(form, x, Y)
    else:
        ending = OneHotEnding(form, x, places)
    return ending if form.fusion else BehindHead(form, Z, ending)


def by_fused_head(form: LossForm, Z: Array, Y: Array) -> Array | None:
    """The differences by every A of a fused head, by steps that never leave its domain; None where there are none."""
    fusion = form.fusion
    assert fusion is not None
    room = fusion.room(Z, -1)
    without = room < SOME_ROOM  # there the derivative is infinite, or nothing depends on it
    steps = np.where(without, 1.0, room) * SHORT_OF_ROOM
    found = np.asarray(fusion.head_increment(Z, steps, Y, **form.attributes) * (form.weight / steps))
    return found if largest(found[without]) < DEPENDS * form.scale else None


class BehindHead(Ending):
    """The same by Z, where what follows the head is the loss of its A."""

    def __init__(self, form: LossForm, Z: Array, ending: Ending) -> None:
        self.form, self.x, self.ending = form, Z, ending
        self.by_A: Array | None = None

    def slopes(self) -> Array | None:
        self.by_A = self.ending.slopes()
        return None if self.by_A is None else self.by_A * (self.form.head((self.x, SHORT)) * LONG)

    def moved(self, moves: Array) -> list[float]:
        return self.ending.moved(self.form.head((self.x, moves)))

    def by_head(self) -> Array | None:
        return self.by_A


class OneHotEnding(Ending):
    """Cross-entropy with one-hot labels: log(1 + Σ_{k≠y} p_k·(e^{Δ_k − Δ_y} − 1)) for every example, with p = softmax(x).

    In the slopes, a step so short leaves e^Δ − 1 = Δ and log(1 + x) = x to the last digit.
    """

    def __init__(self, form: LossForm, x: Array, places: Array) -> None:
        self.form, self.x, self.at = form, x, places
        if not self.takes(np.exp(x, order="C")):
            self.takes(np.exp(x - np.maximum.reduce(x, axis=1, keepdims=True), order="C"))

    def takes(self, powers: Array) -> bool:
        """Whether these e^x, or multiples of them, will do: not where an example's sum is so large or so small that digits
        of its parts, or of what is computed from them, might be lost."""
        self.own = powers.take(self.at)
        powers.put(self.at, 0.0)
        rest = powers.dot(ones[powers.shape[1]])  # as `row_sums` has it, without another call
        powers.put(self.at, -rest)
        self.others = powers
        """For the class of an example less all others: what moves together moves nothing."""
        self.whole = rest + self.own
        self.shares = self.form.scale / self.whole
        scale, whole, shares = self.form.scale, self.whole, self.shares
        return bool(whole.dot(whole) < MOST and shares.dot(shares) < MOST_SHARE * scale * scale)

    def slopes(self) -> Array:
        """A logit that moves alone."""
        slopes: Array = self.others * self.shares[:, None]
        return slopes

    def by_head(self) -> Array | None:
        """Where one entry an example takes part, and is at hand.

        The probability of the class moves alone, by a part of itself: −log(1 + ΔA/A). None if one is as good as 0.
        """
        A = self.own / self.whole
        if not np.minimum.reduce(A) > VANISHING:
            return None
        slopes = np.zeros(self.others.shape)
        slopes.put(self.at, -self.form.scale * (np.log1p(SHORT) * LONG) / A)
        return slopes

    def moved(self, moves: Array) -> list[float]:
        count, examples, units = moves.shape
        growth = moves.reshape(-1, units) - moves.reshape(count, -1).take(self.at, axis=1).reshape(-1, 1)
        np.expm1(growth, out=growth)
        growths = growth.reshape(moves.shape)
        growths *= self.others
        changes = growth.dot(ones[units]).reshape(count, examples)  # of rows at once, which takes half of the time
        changes /= self.whole
        np.log1p(changes, out=changes)
        return [self.form.scale * each for each in changes.dot(ones[examples]).tolist()]


class SoftEnding(Ending):
    """Cross-entropy with labels of any kind: Σ_j y_j·log(1 + Σ_k p_k·(e^{Δ_k − Δ_j} − 1)), for so short a step again."""

    def __init__(self, form: LossForm, x: Array, Y: Array) -> None:
        self.form, self.x, self.Y = form, x, Y
        self.p, self.scale = softmax(x, -1), form.scale

    def slopes(self) -> Array:
        """p_k·Σ_{j≠k} y_j − y_k·Σ_{j≠k} p_j, where nothing has cancelled before."""
        return self.scale * (self.p * exclusive_sums(self.Y, -1) - self.Y * exclusive_sums(self.p, -1))

    def by_head(self) -> Array | None:
        return by_fused_head(self.form, self.x, self.Y)

    def moved(self, moves: Array) -> list[float]:
        return by_increments(self.form, self.x, moves, self.Y)


class BinaryEnding(Ending):
    """Cross-entropy of sigmoids: (1−y)·log(1 + σ(z)·(e^Δ − 1)) + y·log(1 + σ(−z)·(e^{−Δ} − 1)) for every output.

    The same holds in its slopes.
    """

    def __init__(self, form: LossForm, x: Array, Y: Array) -> None:
        self.form, self.x, self.Y = form, x, Y
        self.scale, self.p, self.q = form.scale, sigmoid(x), sigmoid(-x)
        self.no = 1.0 - Y

    def slopes(self) -> Array:
        return self.scale * (self.no * self.p - self.Y * self.q)

    def by_head(self) -> Array | None:
        return by_fused_head(self.form, self.x, self.Y)

    def moved(self, moves: Array) -> list[float]:
        terms = self.no * np.log1p(self.p * np.expm1(moves)) + self.Y * np.log1p(self.q * np.expm1(-moves))
        return (np.add.reduce(terms, axis=(1, 2)) * self.scale).tolist()


class TermEnding(Ending):
    """Losses that are sums over outputs, each of which answers to its own entry alone."""

    def __init__(self, form: LossForm, x: Array, Y: Array) -> None:
        self.form, self.x, self.Y = form, x, Y

    def slopes(self) -> Array | None:
        op, attributes = self.form.op, self.form.attributes
        if op.kinks is not None and np.asarray(op.kinks((self.x, REACH), (self.Y, STILL), **attributes)).any():
            return None
        x, y = self.x[..., None], (self.Y[..., None], STILL)  # as if every output were an example of its own
        up, down = (op.increment((x, step), y, **attributes) for step in (SHORTEST, -SHORTEST))
        return np.asarray((up - down) * (0.5 * self.form.weight / SHORTEST))  # both, for some losses bend next to their 0

    def by_head(self) -> Array | None:
        return self.slopes()  # they are not fused with any: x is A

    def moved(self, moves: Array) -> list[float]:
        return by_increments(self.form, self.x, moves, self.Y)


def by_increments(form: LossForm, x: Array, moves: Array, Y: Array) -> list[float]:
    """The changes of the cost by the increment of the loss."""
    losses = form.op.increment((x, moves), (Y, STILL), **form.attributes)
    return (np.add.reduce(losses, axis=1) * form.weight).tolist()
