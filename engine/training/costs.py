"""Losses of the hot loop: the cost and its slope in one go, in place. One row each.

    facts(Y)                                      what is worth knowing of the labels: arrays, an example a row
    learn(out, y, facts, d, scratch, **settings)  d ← ∂(Σ losses)/∂out; returns Σ losses and the right answers; uses up out

A row is told where it starts: from the logits of a fused head, or from the output A. The table of ops has the same
mathematics for any shape; tests hold the two against each other, row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.ops.row import Array
from engine.training.buffers import Scratch, spread

Facts = tuple[Array, ...]


def nothing(Y: Array) -> Facts:
    return ()


@dataclass(frozen=True, slots=True)
class LossKernel:
    name: str
    learn: Callable[..., tuple[float, int]]
    facts: Callable[[Array], Facts] = nothing
    answers: str = ""
    """What accuracy counts: "examples", "outputs", or nothing."""


def squared_error(a: Array, y: Array, facts: Facts, d: Array, scratch: Scratch) -> tuple[float, int]:
    np.subtract(a, y, out=d)
    cost = float(np.vdot(d, d))
    np.multiply(d, 2.0, out=d)
    return cost, 0


def absolute_error(a: Array, y: Array, facts: Facts, d: Array, scratch: Scratch) -> tuple[float, int]:
    np.subtract(a, y, out=scratch.work)
    np.sign(scratch.work, out=d)
    return float(np.vdot(d, scratch.work)), 0


def huber(a: Array, y: Array, facts: Facts, d: Array, scratch: Scratch, *, delta: float) -> tuple[float, int]:
    """k·(r − ½k), where the slope k is r kept within ±δ."""
    np.subtract(a, y, out=scratch.work)
    np.clip(scratch.work, -delta, delta, out=d)
    np.multiply(d, 0.5, out=scratch.spare)
    np.subtract(scratch.work, scratch.spare, out=scratch.work)
    return float(np.vdot(d, scratch.work)), 0


def hinge(a: Array, y: Array, facts: Facts, d: Array, scratch: Scratch) -> tuple[float, int]:
    np.multiply(a, y, out=scratch.work)
    np.greater(scratch.work, 0.0, out=scratch.mask)
    right = int(np.count_nonzero(scratch.mask))
    np.subtract(1.0, scratch.work, out=scratch.work)
    np.greater(scratch.work, 0.0, out=scratch.mask)
    np.copyto(d, scratch.mask)
    cost = float(np.vdot(d, scratch.work))
    np.multiply(d, y, out=d)
    np.negative(d, out=d)
    return cost, right


def which_are_positive(Y: Array) -> Facts:
    return (Y >= 0.5,)


def binary_cross_entropy_with_logits(z: Array, y: Array, facts: Facts, d: Array, scratch: Scratch) -> tuple[float, int]:
    """z·([z≥0] − y) + log(1 + e^{−|z|}); σ(z) − y is [z≥0] − y less or more σ(−|z|)."""
    work, mask = scratch.work, scratch.mask
    np.greater_equal(z, 0.0, out=mask)
    np.copyto(d, mask)
    np.equal(mask, facts[0], out=mask)
    right = int(np.count_nonzero(mask))
    np.subtract(d, y, out=d)
    cost = float(np.vdot(d, z))
    np.abs(z, out=work)
    np.negative(work, out=work)
    np.exp(work, out=work)
    np.log1p(work, out=scratch.spare)
    cost += float(scratch.spare.sum())
    np.add(work, 1.0, out=scratch.spare)
    np.divide(work, scratch.spare, out=work)
    np.add(z, 0.0, out=z)  # −0 becomes 0
    np.copysign(work, z, out=work)
    np.subtract(d, work, out=d)
    return cost, right


def totals_and_classes(Y: Array) -> Facts:
    return Y.sum(axis=1), Y.argmax(axis=1)


def cross_entropy_with_logits(z: Array, y: Array, facts: Facts, d: Array, scratch: Scratch) -> tuple[float, int]:
    """Σy·log Σe^z − y·z, with z seen from the largest of its row, the top.

    The slope is p·Σy − y; at the top, where p may be next to 1, it is what the others leave, since a row sums to 0.
    """
    total, classes = facts
    rest, top, flat = scratch.row, scratch.top, d.reshape(-1)
    np.argmax(z, axis=1, out=top)
    np.equal(top, classes, out=scratch.row_mask)
    right = int(np.count_nonzero(scratch.row_mask))
    np.add(top, scratch.start, out=top)
    np.take(z.reshape(-1), top, out=rest, mode="clip")
    np.subtract(z, spread(scratch.column, scratch.work), out=z)
    np.exp(z, out=d)
    flat[top] = 0.0
    d.dot(scratch.ones, out=rest)  # Σ e^{z − z_top} of all but the top
    cost = -float(np.vdot(y, z))
    np.add(rest, 1.0, out=scratch.growth)
    np.log1p(rest, out=rest)
    cost += float(np.vdot(rest, total))
    np.divide(total, scratch.growth, out=rest)
    np.multiply(d, spread(scratch.column, scratch.work), out=d)
    np.subtract(d, y, out=d)
    flat[top] = 0.0
    d.dot(scratch.ones, out=rest)
    np.negative(rest, out=rest)
    flat[top] = rest
    return cost, right


KERNELS: dict[str, LossKernel] = {
    row.name: row
    for row in (
        LossKernel("squared_error", squared_error),
        LossKernel("absolute_error", absolute_error),
        LossKernel("huber", huber),
        LossKernel("hinge", hinge, answers="outputs"),
        LossKernel("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits, which_are_positive, "outputs"),
        LossKernel("cross_entropy_with_logits", cross_entropy_with_logits, totals_and_classes, "examples"),
    )
}
