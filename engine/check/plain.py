"""The short way to a certificate, for what is plain: smooth where it is, of ordinary size, and right.

The gradients of all nodes are compared side by side, as one vector, because on small problems what takes time is going from
node to node. This can only agree. Whatever is not plain is left to `engine.check.certificate`: kinks, infinite derivatives,
and every difference between the two methods, to be excused or to be an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from engine.check.differences import STEP, TINY, VANISHING
from engine.check.estimates import BEYOND_SENSE, LEEWAY, apart
from engine.check.increments import Kinks, propagate
from engine.check.stack_numbers import numbers_of_stack
from engine.graph.graph import UNCHANGED, Graph
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

FEW = 150
"""Coordinates that are moved one by one, all in one batch."""
SMALL = 25_000
"""Numbers of a tensor that are compared together with those of others."""


def plain_error(problem: Problem, run: Run, gradients: Mapping[str, Array]) -> float | None:
    """How far all gradients are from their differences, relative to the largest; None where it is not plain that they are
    right."""
    names = tuple(gradients)
    if not names or run.changes is not UNCHANGED:
        return None
    with np.errstate(all="ignore"):
        found = numbers_of_stack(problem, run, names)
        if found is not None:
            for name, factor in problem.graph.factors.items():
                if name in found:
                    found[name] = found[name] * factor
            errors, sizes = one_by_one(found, gradients)
        elif sum(gradient.size for gradient in gradients.values()) <= FEW:
            sides = SideBySide.of(problem.graph, names)
            numeric = numbers_of_coordinates(run, sides)
            if numeric is None:
                return None
            errors, sizes = by_parts(numeric, np.concatenate([each.ravel() for each in gradients.values()]), sides.starts)
        else:
            return None
    largest = max(sizes)
    if not largest < BEYOND_SENSE or not all(error <= LEEWAY * size for error, size in zip(errors, sizes, strict=True)):
        return None
    return max(errors) / (largest or 1.0)


def by_parts(numeric: Array, claims: Array, starts: Sequence[int]) -> tuple[list[float], list[float]]:
    """max|claim − numeric| and max|numeric| of every part of two vectors. The first of them is lost."""
    sizes = np.maximum.reduceat(np.abs(numeric), starts).tolist()
    np.subtract(numeric, claims, out=numeric)
    np.abs(numeric, out=numeric)
    return np.maximum.reduceat(numeric, starts).tolist(), sizes


def one_by_one(found: Mapping[str, Array], gradients: Mapping[str, Array]) -> tuple[list[float], list[float]]:
    """The same of large tensors each for itself, and of all others together."""
    errors: list[float] = []
    sizes: list[float] = []
    if small := [name for name in gradients if found[name].size <= SMALL]:
        starts = list(accumulate((found[name].size for name in small[:-1]), initial=0))
        numeric, claims = (np.concatenate([each[name].ravel() for name in small]) for each in (found, gradients))
        errors, sizes = by_parts(numeric, claims, starts)
    for name, gradient in gradients.items():
        if gradient.size > SMALL:
            error, size = apart(found[name], gradient)
            errors.append(error)
            sizes.append(size)
    return errors, sizes


class SideBySide:
    """Where the numbers of some nodes stand in one vector; kept with the graph."""

    def __init__(self, graph: Graph, names: tuple[str, ...]) -> None:
        self.positions = [graph.position(name) for name in names]
        self.shapes = [graph.nodes[position].shape for position in self.positions]
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        ends = list(accumulate(sizes))
        self.starts = [end - size for end, size in zip(ends, sizes, strict=True)]
        self.parts = [slice(start, end) for start, end in zip(self.starts, ends, strict=True)]
        self.each = np.arange(ends[-1])
        self.factors = np.repeat([graph.factors.get(name, 1.0) for name in names], sizes)
        self.head = None
        if graph.shortcut and graph.shortcut.head in self.positions:
            self.head = self.parts[self.positions.index(graph.shortcut.head)]

    @classmethod
    def of(cls, graph: Graph, names: tuple[str, ...]) -> SideBySide:
        return graph.kept(("side by side", names), lambda: cls(graph, names))


def numbers_of_coordinates(run: Run, sides: SideBySide) -> Array | None:
    """Every coordinate moved alone, all in one batch; None at a kink.

    One length of steps will do: if they are too coarse for a gradient, what they give is not near it.
    """
    graph, count = run.graph, len(sides.each)
    h = np.abs(np.concatenate([run.values[each].ravel() for each in sides.positions]))
    step = STEP / max(1.0, float(h.max()))
    np.minimum(h, 1.0, out=h)  # in proportion to entries below 1, so that they never change sign
    h[h < TINY] = 1.0
    if sides.head and graph.shortcut:  # never out of the domain of the loss
        room = graph.shortcut.fusion.room(run.values[graph.shortcut.logits], graph.shortcut.axis).ravel()
        h[sides.head] = np.where(room < VANISHING, 1.0, room)
    h *= step
    moved = np.zeros((2, count, count))
    moved[0, sides.each, sides.each] = h
    np.negative(moved[0], out=moved[1])
    seeds = {
        position: moved[:, :, part].reshape(-1, *shape)
        for position, part, shape in zip(sides.positions, sides.parts, sides.shapes, strict=True)
    }
    kinks = Kinks(np.zeros((2, count), dtype=bool))
    up, down = propagate(graph, run.values, seeds, kinks=kinks).reshape(2, count)
    if kinks.rows.any():
        return None
    numeric: Array = (up - down) / (2.0 * h)
    numeric *= sides.factors
    return numeric
