"""What follows the last pre-activations of a dense network: how its cost answers to short moves of them.

Steps are so short that no digit of a difference depends on their length, and increments lose none to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine.check.differences import VANISHING
from engine.check.increments import STILL
from engine.graph.heads import FUSIONS, Fusion
from engine.ops.row import Array, Op
from engine.ops.stable import exclusive_sums, ones, row_sums, sigmoid, softmax

SHORT = np.float64(2.0**-100)
"""A power of two: to divide by it rounds nothing."""
MOST, MOST_SHARE = 1e50, 1e10
"""Of sums of e^x, and of one over them."""
REACH = np.float64(1e-9)
"""What is so near a kink is left to the full check, which tells where it lies."""
OF_CLASSES, BINARY = (FUSIONS[name].op for name in ("cross_entropy", "binary_cross_entropy"))


class LossForm(NamedTuple):
    """A loss and what it is computed from: the output A of the last layer, or with a fused head its logits Z."""

    op: Op
    attributes: Mapping[str, Any]
    weight: float
    """Of an example in the cost."""
    fusion: Fusion | None
    head: Callable[..., Array]
    """The increment of A, from (Z, ΔZ)."""


class Losses(Protocol):
    def slopes(self) -> Array | None:
        """The differences by every entry of what the loss is computed from; None at a kink."""

    def moved(self, moves: Array) -> float:
        """The exact change of the cost when these entries make short moves."""


class Ending:
    """Of one run, one example a row. All numbers are changes of the cost J, so the weight of an example is in them."""

    def __init__(self, form: LossForm, Z: Array, Y: Array, losses: Losses) -> None:
        self.form, self.Z, self.Y, self.losses = form, Z, Y, losses
        self.slopes = losses.slopes()

    @classmethod
    def of(cls, form: LossForm, Z: Array, A: Array | None, Y: Array, places: Array | None) -> Ending:
        """A is not looked at with a fused head; `places` are those of the classes, if labels are one-hot."""
        x = Z if A is None else A
        if form.op is OF_CLASSES and places is not None:
            return cls(form, Z, Y, OneHotLosses(form, x, places))
        losses = SoftLosses if form.op is OF_CLASSES else BinaryLosses if form.op is BINARY else TermLosses
        return cls(form, Z, Y, losses(form, x, Y))

    def by_logits(self) -> Array | None:
        """The differences by every Z; None at a kink."""
        if self.form.fusion or self.slopes is None:
            return self.slopes
        return self.slopes * (self.form.head((self.Z, SHORT)) / SHORT)

    def by_head(self) -> Array | None:
        """The differences by every A, in a fused head by steps that never leave its domain; None where there are none."""
        fusion = self.form.fusion
        if fusion is None:
            return self.slopes
        if isinstance(self.losses, OneHotLosses):  # where one entry an example takes part, and is at hand
            return self.losses.by_head()
        room = fusion.room(self.Z, -1)  # without any, the derivative is infinite, or nothing depends on it
        steps = np.where(room < VANISHING, 1.0, room) * SHORT
        return np.asarray(fusion.head_increment(self.Z, steps, self.Y, **self.form.attributes) * (self.form.weight / steps))

    def moved(self, moves: Array) -> float:
        """The exact change of the cost when the logits make short moves."""
        return self.losses.moved(moves if self.form.fusion else self.form.head((self.Z, moves)))


class OneHotLosses:
    """Cross-entropy with one-hot labels: log(1 + Σ_{k≠y} p_k·(e^{Δ_k − Δ_y} − 1)) for every example, with p = softmax(x).

    In the slopes, a step so short leaves e^Δ − 1 = Δ and log(1 + x) = x to the last digit.
    """

    def __init__(self, form: LossForm, x: Array, places: Array) -> None:
        self.scale, self.at = form.attributes["scale"] * form.weight, places
        if not self.takes(np.exp(x, order="C")):
            self.takes(np.exp(x - np.maximum.reduce(x, axis=1, keepdims=True), order="C"))

    def takes(self, powers: Array) -> bool:
        """Whether these e^x, or multiples of them, will do: not where an example's sum is so large or so small that digits
        of its parts, or of what is computed from them, might be lost."""
        self.own = powers.take(self.at)
        powers.put(self.at, 0.0)
        self.others = powers
        """But 0 for the class of the example."""
        self.rest = row_sums(powers)
        whole = self.rest + self.own
        self.shares = 1.0 / whole
        return bool(whole.dot(whole) < MOST**2 and self.shares.dot(self.shares) < MOST_SHARE**2)

    def slopes(self) -> Array:
        """A logit that moves alone."""
        scaled = self.shares * self.scale
        slopes = self.others * scaled[:, None]
        slopes.put(self.at, -self.rest * scaled)
        return slopes

    def by_head(self) -> Array | None:
        """The probability of the class moves alone, by a part of itself: −log(1 + ΔA/A). None if one is as good as 0."""
        A = self.own * self.shares
        if not np.minimum.reduce(A) > VANISHING:
            return None
        slopes = np.zeros(self.others.shape)
        slopes.put(self.at, -self.scale * (np.log1p(SHORT) / SHORT) / A)
        return slopes

    def moved(self, moves: Array) -> float:
        growth = moves - moves.take(self.at)[:, None]
        np.expm1(growth, out=growth)
        growth *= self.others
        changes = np.log1p(row_sums(growth) * self.shares)
        return self.scale * float(changes.dot(ones(len(changes))))


class SoftLosses:
    """Cross-entropy with labels of any kind: Σ_j y_j·log(1 + Σ_k p_k·(e^{Δ_k − Δ_j} − 1)), for so short a step again."""

    def __init__(self, form: LossForm, z: Array, Y: Array) -> None:
        self.form, self.z, self.p, self.Y = form, z, softmax(z, -1), Y
        self.scale = form.attributes["scale"] * form.weight

    def slopes(self) -> Array:
        """p_k·Σ_{j≠k} y_j − y_k·Σ_{j≠k} p_j, where nothing has cancelled before."""
        return self.scale * (self.p * exclusive_sums(self.Y, -1) - self.Y * exclusive_sums(self.p, -1))

    def moved(self, moves: Array) -> float:
        return by_increments(self.form, self.z, moves, self.Y)


class BinaryLosses:
    """Cross-entropy of sigmoids: (1−y)·log(1 + σ(z)·(e^Δ − 1)) + y·log(1 + σ(−z)·(e^{−Δ} − 1)) for every output.

    The same holds in its slopes.
    """

    def __init__(self, form: LossForm, z: Array, Y: Array) -> None:
        self.scale, self.p, self.q = form.attributes["scale"] * form.weight, sigmoid(z), sigmoid(-z)
        self.yes, self.no = Y, 1.0 - Y

    def slopes(self) -> Array:
        return self.scale * (self.no * self.p - self.yes * self.q)

    def moved(self, moves: Array) -> float:
        terms = self.no * np.log1p(self.p * np.expm1(moves)) + self.yes * np.log1p(self.q * np.expm1(-moves))
        return self.scale * float(np.add.reduce(terms, axis=None))


class TermLosses:
    """Losses that are sums over outputs, each of which answers to its own entry alone."""

    def __init__(self, form: LossForm, x: Array, Y: Array) -> None:
        self.form, self.x, self.Y = form, x, Y

    def slopes(self) -> Array | None:
        op, attributes = self.form.op, self.form.attributes
        if op.kinks is not None and np.asarray(op.kinks((self.x, REACH), (self.Y, STILL), **attributes)).any():
            return None
        x, y = self.x[..., None], (self.Y[..., None], STILL)  # as if every output were an example of its own
        up, down = (op.increment((x, step), y, **attributes) for step in (SHORT, -SHORT))
        return np.asarray((up - down) * (0.5 * self.form.weight / SHORT))  # both, for some losses bend next to their 0

    def moved(self, moves: Array) -> float:
        return by_increments(self.form, self.x, moves, self.Y)


def by_increments(form: LossForm, x: Array, moves: Array, Y: Array) -> float:
    """The change of the cost by the increment of the loss."""
    return form.weight * float(np.add.reduce(form.op.increment((x, moves), (Y, STILL), **form.attributes)))
