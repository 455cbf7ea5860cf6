"""The short way to a certificate, for what is plain: smooth where it is, of ordinary size, and right.

The gradients of all nodes are compared side by side, as one vector, because on small problems what takes time is going from
node to node. This can only agree. Whatever is not plain is left to `engine.check.certificate`: kinks, infinite derivatives,
and every difference between the two methods, to be excused or to be an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from math import prod

import numpy as np

from engine.check.differences import STEP, TINY, VANISHING
from engine.check.estimates import BEYOND_SENSE, LEEWAY, apart
from engine.check.increments import Kinks, propagate
from engine.check.short_way import numbers_of_stack
from engine.graph.graph import UNCHANGED, Graph
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

FEW = 150
"""Coordinates that are moved one by one, all in one batch."""
SMALL = 25_000
"""Numbers of a tensor that are compared together with those of others."""


def plain_error(problem: Problem, run: Run | None, gradients: Mapping[str, Array]) -> float | None:
    """How far all gradients are from their differences, relative to the largest; None where it is not plain that they are
    right. Without a run, no more of it is computed than is needed."""
    names = tuple(gradients)
    if not names or (run and run.changes is not UNCHANGED):
        return None
    sides = SideBySide.of(problem.graph, names)
    with np.errstate(all="ignore"):
        found = numbers_of_stack(problem, run, names)
        if found is not None:
            for name, factor in sides.scaled:
                found[name] = found[name] * factor
            errors, sizes = one_by_one(found, gradients, sides)
        elif sides.count <= FEW:
            numeric = numbers_of_coordinates(run or problem.run(), sides.coordinates)
            if numeric is None:
                return None
            errors, sizes = by_parts([numeric], gradients.values(), twice(sides.starts, sides.count))
        else:
            return None
    largest = max(sizes)
    if not largest < BEYOND_SENSE:
        return None
    for error, size in zip(errors, sizes, strict=True):
        if not error <= LEEWAY * size:
            return None
    return max(errors) / (largest or 1.0)


def by_parts(numeric: Iterable[Array], claims: Iterable[Array], starts: Array) -> tuple[list[float], list[float]]:
    """max|claim − numeric| and max|numeric| of each part, all of them side by side in one vector."""
    both = np.concatenate([*numeric, *claims], axis=None)
    half = both.size // 2
    both[half:] -= both[:half]
    largest = np.maximum.reduceat(np.abs(both, out=both), starts).tolist()
    parts = len(starts) // 2
    return largest[parts:], largest[:parts]


def one_by_one(
    found: Mapping[str, Array], gradients: Mapping[str, Array], sides: SideBySide
) -> tuple[list[float], list[float]]:
    """The same of large tensors each for itself, and of all others together."""
    errors: list[float] = []
    sizes: list[float] = []
    if sides.small:
        numeric, claims = ([each[name] for name in sides.small] for each in (found, gradients))
        errors, sizes = by_parts(numeric, claims, sides.small_starts)
    for name in sides.large:
        error, size = apart(found[name], gradients[name])
        errors.append(error)
        sizes.append(size)
    return errors, sizes


class SideBySide:
    """Where the numbers of some nodes stand in one vector; kept with the graph."""

    def __init__(self, graph: Graph, names: tuple[str, ...]) -> None:
        self.graph, self.names = graph, names
        self.sizes = [prod(graph[name].shape) for name in names]
        self.count = sum(self.sizes)
        self.starts = starts(self.sizes)
        self.small = tuple(name for name, size in zip(names, self.sizes, strict=True) if size <= SMALL)
        self.large = tuple(name for name in names if name not in self.small)
        small = [size for size in self.sizes if size <= SMALL]
        self.small_starts = twice(starts(small), sum(small))
        self.scaled = [(name, factor) for name, factor in graph.factors.items() if name in names]

    @classmethod
    def of(cls, graph: Graph, names: tuple[str, ...]) -> SideBySide:
        return graph.kept(("side by side", names), lambda: cls(graph, names))

    @cached_property
    def coordinates(self) -> Coordinates:
        return Coordinates(self)


class Coordinates:
    """What moving them one by one needs beside: for the few that are so moved."""

    def __init__(self, sides: SideBySide) -> None:
        graph = sides.graph
        self.positions = [graph.position(name) for name in sides.names]
        self.shapes = [graph.nodes[position].shape for position in self.positions]
        self.parts = [slice(start, start + size) for start, size in zip(sides.starts, sides.sizes, strict=True)]
        self.each = np.arange(sides.count)
        self.factors = np.repeat([graph.factors.get(name, 1.0) for name in sides.names], sides.sizes)
        self.head = None
        if graph.shortcut and graph.shortcut.head in self.positions:
            self.head = self.parts[self.positions.index(graph.shortcut.head)]


def starts(sizes: Sequence[int]) -> Array:
    return np.array(list(accumulate(sizes[:-1], initial=0)))


def twice(starts: Array, count: int) -> Array:
    """Of a vector, and of another behind it."""
    return np.concatenate([starts, starts + count])


def numbers_of_coordinates(run: Run, sides: Coordinates) -> Array | None:
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
