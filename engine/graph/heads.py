"""Fused heads: sigmoid and softmax with the loss that takes their logarithm, computed together from the logits.

Apart, they cancel: log(1 − σ(z)) is −∞ long before the loss is, and A·(1 − A) is 0 long before the gradient is. A head is
prepared once a run; values, losses and both gradients are read off it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.ops import OPS
from engine.ops.losses import logistic_slope, logistic_value, rows_slope, weighted_log_increment, weighted_ratio
from engine.ops.row import Array, Op, Rule
from engine.ops.shapes import insert_axis
from engine.ops.stable import SoftmaxRows, as_rows, from_rows, log_softmax, row_sums, sigmoid


class Head(Protocol):
    """What is prepared from the logits Z of one run. All of a loss's examples share the factor ∂J/∂losses = d."""

    def value(self) -> Array:
        """A."""

    def losses(self, y: Array, scale: float) -> Array: ...

    def by_logits(self, d: Array, y: Array, scale: float) -> Array:
        """dZ."""

    def by_head(self, d: Array, y: Array, scale: float) -> Array:
        """dA, exact also where A is next to 0 or 1; infinite only where it has no finite value."""


class SigmoidHead:
    def __init__(self, z: Array, axis: int) -> None:
        self.z, self.axis = z, axis

    def value(self) -> Array:
        return sigmoid(self.z)

    def losses(self, y: Array, scale: float) -> Array:
        return np.asarray(scale * logistic_value(self.z, y).sum(axis=self.axis))

    def by_logits(self, d: Array, y: Array, scale: float) -> Array:
        return insert_axis(d * scale, self.axis) * logistic_slope(self.z, y)

    def by_head(self, d: Array, y: Array, scale: float) -> Array:
        """(1−y)/(1−A) − y/A with A = σ(z) and 1 − A = σ(−z)."""
        slope = weighted_ratio(1.0 - y, sigmoid(-self.z)) - weighted_ratio(y, sigmoid(self.z))
        return insert_axis(d * scale, self.axis) * slope


class SoftmaxHead:
    def __init__(self, z: Array, axis: int) -> None:
        self.z, self.axis = z, axis
        self.rows = SoftmaxRows(as_rows(z, axis))

    def value(self) -> Array:
        return from_rows(self.rows.p, self.z, self.axis)

    def losses(self, y: Array, scale: float) -> Array:
        return -scale * row_sums(as_rows(y, self.axis) * self.rows.log())

    def by_logits(self, d: Array, y: Array, scale: float) -> Array:
        slope = rows_slope(self.rows, as_rows(y, self.axis))
        slope *= (d * scale)[:, None]
        return from_rows(slope, self.z, self.axis)

    def by_head(self, d: Array, y: Array, scale: float) -> Array:
        """−y/A with A = e^{log A}."""
        head = from_rows(np.exp(self.rows.log()), self.z, self.axis)
        return -insert_axis(d * scale, self.axis) * weighted_ratio(y, head)


@dataclass(frozen=True, slots=True)
class Fusion:
    """One row for each pair of an activation and its loss."""

    activation: str
    prepare: Callable[[Array, int], Head]
    op: Op
    """The same loss on logits."""
    from_head: Rule
    """dZ from a given A: rule(d, out, head, labels, axis, scale)."""
    head_increment: Callable[..., Array]
    """The exact change of the losses by every entry of A when A alone moves: (logits, ΔA, labels, axis, scale)."""
    room: Callable[[Array, int], Array]
    """How far each entry of A is from the edge of the loss's domain: no step may be longer. (logits, axis)"""


def sigmoid_moved(z: Array, dA: Array, y: Array, axis: int, scale: float) -> Array:
    """The changes of −y·log A − (1−y)·log(1−A), with 1 − A = σ(−z)."""
    rise = weighted_log_increment(y, np.zeros(()), sigmoid(z), dA)
    fall = weighted_log_increment(1.0 - y, np.zeros(()), sigmoid(-z), -dA)
    return np.asarray(-scale * (rise + fall))


def softmax_moved(z: Array, dA: Array, y: Array, axis: int, scale: float) -> Array:
    """The changes of −y·log A."""
    head = np.exp(log_softmax(z, axis))
    return np.asarray(-scale * weighted_log_increment(y, np.zeros(()), head, dA))


FUSIONS: dict[str, Fusion] = {
    "binary_cross_entropy": Fusion(
        "sigmoid",
        SigmoidHead,
        OPS["binary_cross_entropy_with_logits"],
        lambda d, out, a, y, axis, scale: insert_axis(d * scale, axis) * (a - y),
        sigmoid_moved,
        lambda z, axis: np.minimum(sigmoid(z), sigmoid(-z)),
    ),
    "cross_entropy": Fusion(
        "softmax",
        SoftmaxHead,
        OPS["cross_entropy_with_logits"],
        lambda d, out, a, y, axis, scale: insert_axis(d * scale, axis) * (a * y.sum(axis=axis, keepdims=True) - y),
        softmax_moved,
        lambda z, axis: np.exp(log_softmax(z, axis)),
    ),
}
"""By the name of the loss."""
