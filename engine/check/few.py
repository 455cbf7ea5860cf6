"""The numbers of a small problem: its few coordinates are moved one by one, all in one batch."""

from __future__ import annotations

from itertools import accumulate
from math import prod

import numpy as np

from engine.check.differences import STEP, TINY, VANISHING
from engine.check.increments import Kinks, propagate
from engine.graph.graph import Graph
from engine.graph.run import Run
from engine.ops.row import Array

MOST = 150
"""Coordinates."""


class Coordinates:
    """Where those of some nodes stand in one vector; kept with the graph."""

    def __init__(self, graph: Graph, names: tuple[str, ...]) -> None:
        self.positions = [graph.position(name) for name in names]
        self.shapes = [graph.nodes[position].shape for position in self.positions]
        sizes = [prod(shape) for shape in self.shapes]
        ends = list(accumulate(sizes))
        self.parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        self.each = np.arange(ends[-1])
        self.factors = np.repeat([graph.factors.get(name, 1.0) for name in names], sizes)
        self.head = None
        if graph.shortcut and graph.shortcut.head in self.positions:
            self.head = self.parts[self.positions.index(graph.shortcut.head)]

    @classmethod
    def of(cls, graph: Graph, names: tuple[str, ...]) -> Coordinates:
        return graph.kept(("coordinates", names), lambda: cls(graph, names))


def numbers_of_few(run: Run, names: tuple[str, ...]) -> Array | None:
    """As the problem's conventions report them, side by side; None at a kink.

    One length of steps will do: if they are too coarse for a gradient, what they give is not near it. So they are chosen
    with less care than those of `engine.check.differences`.
    """
    graph, own = run.graph, Coordinates.of(run.graph, names)
    count = len(own.each)
    h = np.abs(np.concatenate([run.values[each].ravel() for each in own.positions]))
    step = STEP / max(1.0, float(h.max()))
    np.minimum(h, 1.0, out=h)  # in proportion to entries below 1, so that they never change sign
    h[h < TINY] = 1.0
    if own.head and graph.shortcut:  # never out of the domain of the loss
        room = graph.shortcut.fusion.room(run.values[graph.shortcut.logits], graph.shortcut.axis).ravel()
        h[own.head] = np.where(room < VANISHING, 1.0, room)
    h *= step
    moved = np.zeros((2, count, count))
    moved[0, own.each, own.each] = h
    np.negative(moved[0], out=moved[1])
    seeds = {
        position: moved[:, :, part].reshape(-1, *shape)
        for position, part, shape in zip(own.positions, own.parts, own.shapes, strict=True)
    }
    kinks = Kinks(np.zeros((2, count), dtype=bool))
    up, down = propagate(graph, run.values, seeds, kinks=kinks).reshape(2, count)
    if kinks.rows.any():
        return None
    numeric: Array = (up - down) / (2.0 * h)
    numeric *= own.factors
    return numeric
