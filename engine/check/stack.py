"""What the quick check of a dense network knows before it sees a number; kept with the graph.

Such a network answers entry by entry between its layers, so that a unit moves in an example on its own. See
`engine.check.stack_numbers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.check.endings import LossForm
from engine.check.suffix import with_rows
from engine.graph.forward import Values
from engine.graph.graph import Graph, bind
from engine.graph.partial import values_of
from engine.ops.row import Array
from engine.problems import Problem
from engine.problems.network import Layer, Network


class StackLayer(NamedTuple):
    """Where a layer's values are, how its units move, and along what its tensors are moved to guard the products."""

    source: str
    names: Layer
    X: int
    """Its inputs."""
    W: int
    Z: int
    A: int
    move: Callable[..., Array]
    """The exact increment of its units, from (Z, ΔZ)."""
    has_kinks: bool
    along_inputs: Array
    along_units: Array
    along_examples: Array


class Stack:
    def __init__(self, graph: Graph, network: Network) -> None:
        self.network = network
        self.output = graph.nodes[graph.output].name
        self.labels = graph.position("Y")
        self.layers: list[StackLayer] = []
        rng = np.random.default_rng(0)
        source, elementwise = "X", []
        for layer in network.layers:
            op, attributes = with_rows(graph[layer.head])
            X, W, Z, A = (graph.position(name) for name in (source, layer.weights, layer.logits, layer.head))
            shape = graph[layer.weights].shape
            sizes = *(shape if network.orientation == "in_out" else shape[::-1]), network.examples
            along = (random_direction(rng, size) for size in sizes)
            move = bind(op.increment, attributes)
            self.layers.append(StackLayer(source, layer, X, W, Z, A, move, op.kinks is not None, *along))
            elementwise.append("axis" not in attributes)
            source = layer.head
        self.head = source
        self.weight = weight_of_example(graph, network.examples)
        loss, attributes = with_rows(graph["losses"])
        fusion = graph.shortcut.fusion if graph.shortcut else None
        self.form = LossForm(fusion.op if fusion else loss, attributes, self.weight, fusion, self.layers[-1].move)
        self.fits = all(elementwise if fusion is None else elementwise[:-1])
        read = {self.labels, *(place for layer in self.layers for place in (layer.X, layer.W, layer.Z))}
        self.read = frozenset(read if fusion else read | {self.layers[-1].A})
        """The nodes whose values are read."""

    @classmethod
    def of(cls, problem: Problem) -> Stack | None:
        """None where this is no such network."""
        network = problem.network
        if network is None:
            return None
        found = problem.graph.kept("stack", lambda: cls(problem.graph, network))
        return found if found.fits else None

    def values(self, problem: Problem) -> Values:
        """All that are read, and no others."""
        return values_of(problem.graph, problem.leaves, self.read)


def random_direction(rng: np.random.Generator, size: int) -> Array:
    """Numbers from ½ to 1½ of either sign: were they alike, a move of all logits would be none."""
    direction = (rng.integers(0, 2, size) * 2.0 - 1.0) * rng.uniform(0.5, 1.5, size)
    direction.flags.writeable = False  # all checks share it
    return direction


def weight_of_example(graph: Graph, examples: int) -> float:
    """How far the cost moves with the loss of one: by the increment of what makes it of them."""
    node = graph.nodes[graph.output]
    assert node.op is not None
    losses, step = np.zeros(examples), np.zeros(examples)
    step[0] = 1.0
    return float(node.op.increment((losses, step), **node.attributes))
