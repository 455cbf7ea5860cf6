"""What the quick check of a dense stack knows before it sees a number; kept with the graph.

Such a stack is one whose layers between the first and the last are straight lines between their kinks (relu and its like),
under a softmax with cross-entropy. See `engine.check.stack_numbers`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from engine.check.differences import STEP
from engine.check.suffix import with_rows
from engine.graph.graph import Graph, bind
from engine.ops.row import Array
from engine.problems import Problem
from engine.problems.network import Layer, Network

UPDOWN = np.array([STEP, -STEP]).reshape(2, 1, 1)
"""The steps of every unit and example."""
MOST_LINES = 4_000_000
"""Numbers of an array: more are left to the full check, which goes through them block by block, or refuses."""
GUARD_STEP = 1e-30
"""Exact increments take any step; so short a one reaches no kink."""


class Part(NamedTuple):
    """One layer: where its values are, how its units move, and along what its tensors are moved to guard the products."""

    source: str
    layer: Layer
    W: int
    Z: int
    A: int
    move: Callable[..., Array]
    """The exact increment of its units, from (Z, ΔZ)."""
    has_kinks: bool
    steps: Array
    """Up and down, for every example and unit."""
    coordinate: tuple[int, int]
    """Of the weights."""
    inputs: Array
    """Random weights, one an input of the layer; and one a unit and one an example, these two GUARD_STEP long."""
    units: Array
    examples: Array


class Stack:
    def __init__(self, graph: Graph, network: Network) -> None:
        self.flipped, self.out_in = network.layout == "columns", network.orientation != "in_out"
        self.weight = 1.0 / network.examples if network.cost.reduction == "mean" else 1.0
        self.examples = network.examples
        self.output = graph.nodes[graph.output].name
        self.labels = graph.position("Y")
        self.loss = with_rows(graph["losses"])[1]
        self.parts: list[Part] = []
        rng = np.random.default_rng(0)
        source = "X"
        for layer in network.layers:
            shape = graph[layer.weights].shape
            op, attributes = with_rows(graph[layer.head])
            fan_in, width = shape[::-1] if self.out_in else shape
            W, Z, A = (graph.position(name) for name in (layer.weights, layer.logits, layer.head))
            steps = np.broadcast_to(UPDOWN, (2, network.examples, width))
            coordinate = int(rng.integers(fan_in)), int(rng.integers(width))
            drawn = (
                weights_of(rng, fan_in),
                GUARD_STEP * weights_of(rng, width),
                GUARD_STEP * weights_of(rng, network.examples),
            )
            move = bind(op.increment, attributes)
            self.parts.append(Part(source, layer, W, Z, A, move, op.kinks is not None, steps, coordinate, *drawn))
            source = layer.head
        self.head = source
        hidden = [with_rows(graph[layer.head]) for layer in network.layers[:-1]]
        fusion = graph.shortcut.fusion if graph.shortcut else None
        self.fits = (
            fusion is not None
            and fusion.classes is not None
            and all("axis" not in attributes for _, attributes in hidden)
            and all(op.straight for op, _ in hidden[1:])
            and self.most_lines() <= MOST_LINES
        )
        if fusion is not None:
            self.terms_move, self.room = partial(fusion.head_increment, **self.loss), fusion.room

    def most_lines(self) -> int:
        """Numbers that the lines of a layer hold, from the first one before whose lines differ from example to example."""
        widths = [part.steps.shape[-1] for part in self.parts]
        return max((width * self.examples * widths[-1] for width in widths[:-2]), default=0)

    @classmethod
    def of(cls, problem: Problem) -> Stack | None:
        """None where this is no such network."""
        network = problem.network
        if network is None:
            return None
        found = problem.graph.kept("stack", lambda: cls(problem.graph, network))
        return found if found.fits else None

    def rows(self, x: Array) -> Array:
        """One example a row; its own inverse."""
        return x.T if self.flipped else x

    def as_in_out(self, W: Array) -> Array:
        """Weights as (fan-in, units); its own inverse."""
        return W.T if self.out_in else W


def weights_of(rng: np.random.Generator, count: int) -> Array:
    """Random numbers from ½ to 1½ of either sign: were they alike, a move of all logits would be none."""
    return (rng.integers(0, 2, count) * 2.0 - 1.0) * rng.uniform(0.5, 1.5, count)
