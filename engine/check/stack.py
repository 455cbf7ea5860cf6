"""What the quick check of a dense network knows before it sees a number; kept with the graph.

Such a network answers entry by entry between its layers, so that a unit moves in an example on its own. See
`engine.check.stack_numbers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.check.endings import Form
from engine.check.suffix import with_rows
from engine.graph.graph import Graph, bind
from engine.graph.partial import values_of
from engine.ops.row import Array
from engine.problems import Problem
from engine.problems.network import Layer, Network


class Part(NamedTuple):
    """One layer: where its values are, how its units move, and along what its tensors are moved to guard the products."""

    source: str
    layer: Layer
    X: int
    W: int
    Z: int
    A: int
    move: Callable[..., Array]
    """The exact increment of its units, from (Z, ΔZ)."""
    has_kinks: bool
    inputs: Array
    """Random weights: one an input of the layer, one a unit, one an example."""
    units: Array
    examples: Array


class Stack:
    def __init__(self, graph: Graph, network: Network) -> None:
        self.flipped, self.out_in = network.layout == "columns", network.orientation != "in_out"
        self.examples = network.examples
        self.weight = 1.0 / network.examples if network.cost.reduction == "mean" else 1.0
        self.output = graph.nodes[graph.output].name
        self.labels = graph.position("Y")
        self.parts: list[Part] = []
        rng = np.random.default_rng(0)
        source, elementwise = "X", []
        for layer in network.layers:
            shape = graph[layer.weights].shape
            op, attributes = with_rows(graph[layer.head])
            fan_in, width = shape[::-1] if self.out_in else shape
            X, W, Z, A = (graph.position(name) for name in (source, layer.weights, layer.logits, layer.head))
            drawn = (weights_of(rng, count) for count in (fan_in, width, network.examples))
            self.parts.append(Part(source, layer, X, W, Z, A, bind(op.increment, attributes), op.kinks is not None, *drawn))
            elementwise.append("axis" not in attributes)
            source = layer.head
        self.head = source
        loss, attributes = with_rows(graph["losses"])
        fusion = graph.shortcut.fusion if graph.shortcut else None
        self.form = Form(fusion.op if fusion else loss, attributes, self.weight, fusion, self.parts[-1].move)
        read = {self.labels, *(place for part in self.parts for place in (part.X, part.W, part.Z))}
        self.values = values_of(graph, read if fusion else read | {self.parts[-1].A})
        """All values that are read, from those of the leaves."""
        self.fits = all(elementwise if fusion is None else elementwise[:-1])

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
