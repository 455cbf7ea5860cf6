"""Coordinates differenced one by one, in batches: small nodes together, the entries of large ones in several batches.

A row of a batch moves one entry of one node. On small problems what takes time is not the arithmetic but going from node to
node, so that one walk with the coordinates of all nodes costs hardly more than one with those of a single node.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from engine.check.differences import (
    COLUMNS,
    MULTIPLES,
    Differences,
    Moves,
    difference,
    difference_smooth,
    natural_step,
    steps_for,
)
from engine.check.estimates import largest
from engine.check.increments import Kinks, propagate
from engine.graph.run import Run
from engine.ops.row import Array, Side
from engine.problems import Problem

BATCH_ELEMENTS = 500_000
"""Numbers that the largest node of a batch of perturbations may hold."""
TOGETHER_ELEMENTS = 20_000
"""The same for a batch of several nodes: beyond, it costs more to move all rows through nodes that few of them reach."""


class Part(NamedTuple):
    """Some entries of one node."""

    name: str
    entries: Array
    elements: int = 0
    """What the largest node of a batch would hold for them."""


def by_coordinates(problem: Problem, run: Run, names: Sequence[str], step: float | None) -> dict[str, list[Differences]]:
    """The differences of every entry of the named nodes, by name, in order."""
    natural = step or natural_step(run)
    found: dict[str, list[Differences]] = {name: [] for name in names}
    scale = 0.0
    for batch in batches(parts_of(problem, names)):
        h = [steps_for(run, part.name, natural).ravel()[part.entries] for part in batch]
        firsts = together(problem, run, batch, h)
        for part, steps, first in zip(batch, h, firsts, strict=True):
            moves = coordinate_moves(problem, run, [part])
            differences = difference(moves, steps, adapt=step is None, scale=scale, first=first)
            scale = max(scale, largest(differences.columns["numeric"]))
            found[part.name].append(differences)
    return found


def together(problem: Problem, run: Run, batch: list[Part], h: list[Array]) -> list[Differences] | list[None]:
    """A first try at all parts of a batch at once; nothing where it reaches a kink, which asks for a closer look."""
    joint = difference_smooth(coordinate_moves(problem, run, batch), np.concatenate(h)) if len(batch) > 1 else None
    if joint is None:
        return [None] * len(batch)
    apart = []
    start = 0
    for each in h:
        columns = {column: joint.columns[column][start : start + len(each)] for column in COLUMNS}
        apart.append(Differences(columns, set(), len(MULTIPLES) * len(each)))
        start += len(each)
    return apart


def parts_of(problem: Problem, names: Sequence[str]) -> Iterator[Part]:
    """The coordinates of the named nodes, in parts that fit in memory."""
    graph = problem.graph
    for name in names:
        size = prod(graph[name].shape)
        widest = len(MULTIPLES) * max(prod(graph.nodes[each].shape) for each in graph.descendants(graph.position(name)))
        rows = max(1, BATCH_ELEMENTS // widest)
        for start in range(0, size, rows):
            entries = np.arange(start, min(start + rows, size))
            yield Part(name, entries, widest * len(entries))


def batches(parts: Iterator[Part]) -> Iterator[list[Part]]:
    """Neighbouring parts in one batch, as long as they are small."""
    batch: list[Part] = []
    elements = 0
    for part in parts:
        elements += part.elements
        if batch and elements > TOGETHER_ELEMENTS:
            yield batch
            batch, elements = [], part.elements
        batch.append(part)
    if batch:
        yield batch


def coordinate_moves(problem: Problem, run: Run, parts: Sequence[Part]) -> Moves:
    """Single entries of some nodes, each moved alone."""
    count = sum(len(part.entries) for part in parts)

    def moves(steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
        seeds = {}
        start = 0
        for name, entries, _ in parts:
            position, shape = problem.graph.position(name), problem.graph[name].shape
            end = start + len(entries)
            seed = np.zeros((len(steps), count, prod(shape)))
            seed[:, np.arange(start, end), entries] = steps[:, start:end]
            seeds[position] = seed.reshape(-1, *shape)
            start = end
        moved = propagate(problem.graph, run.values, seeds, side=side, kinks=kinks)
        return moved.reshape(steps.shape)

    return moves
