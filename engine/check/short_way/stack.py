"""What the quick check of a dense network knows before it sees a number: every special case is settled here.

Such a network answers entry by entry between its layers, so that a unit moves in an example on its own. See
`numbers`.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from engine.check.short_way.directions import directions
from engine.check.short_way.endings import LossForm
from engine.check.short_way.layer import StackLayer, stack_layer
from engine.check.short_way.sample import random_sample
from engine.check.suffix import with_rows
from engine.graph.forward import Forward, Values, follow
from engine.graph.graph import UNCHANGED, Graph
from engine.graph.partial import plan_towards
from engine.ops.row import Array
from engine.problems import Problem
from engine.problems.network import Network


class Stack:
    """A network, and the names of the gradients that are asked for; kept with the graph."""

    def __init__(self, graph: Graph, network: Network, names: tuple[str, ...]) -> None:
        fusion = graph.shortcut.fusion if graph.shortcut else None
        heads = [graph[layer.head].attributes for layer in network.layers]
        self.fits = not any("axis" in attributes for attributes in (heads[:-1] if fusion else heads))
        """Whether a unit answers to its own logit alone, but for a softmax that is fused with the loss."""
        if not self.fits:
            return
        self.network, self.names = network, names
        self.output = graph.nodes[graph.output].name
        self.labels = graph.position("Y")
        self.head = network.layers[-1].head
        self.layers: list[StackLayer] = []
        source, before = "X", None
        for layer in network.layers:
            before = stack_layer(graph, network, layer, source, before, names)
            self.layers.append(before)
            source = layer.head
        self.backward = self.layers[::-1]
        self.guarded = [(layer, [*directions(graph, layer)]) for layer in self.layers]
        """Every layer with the directions of its tensors."""
        self.behind = not {self.head, "losses", self.output}.isdisjoint(names)
        """Whether anything behind the layers is asked for."""
        self.weight = weight_of_example(graph, network.examples)
        loss, attributes = with_rows(graph["losses"])
        op, scale = fusion.op if fusion else loss, attributes["scale"] * self.weight
        self.form = LossForm(op, attributes, self.weight, scale, fusion, self.layers[-1].move)
        self.forward: Forward | None = None
        self.as_it_is = network.layout == "rows" and network.orientation == "in_out"
        by_example = [self.head, *(name for layer in self.layers for name in (layer.inputs, layer.logits))]
        views = dict.fromkeys([layer.weights for layer in self.layers], network.as_in_out)
        self.views = {} if self.as_it_is else views | dict.fromkeys(by_example, network.rows)
        """From gradients as they are here to those that the problem has, by name."""
        self.sample = lru_cache(4)(partial(random_sample, self.layers))
        """The coordinates that a seed draws, of so many tensors."""

    @classmethod
    def of(cls, problem: Problem, names: tuple[str, ...]) -> Stack | None:
        """None where this is no such network."""
        network = problem.network
        if network is None:
            return None
        found = problem.graph.kept(("stack", names), lambda: cls(problem.graph, network, names))
        return found if found.fits else None

    @staticmethod
    def tensors(problem: Problem) -> tuple[str, ...]:
        """The names of all gradients of layers: what lies behind them is left out."""
        behind = {"losses", problem.graph.nodes[problem.graph.output].name}
        if problem.network is not None:
            behind.add(problem.network.layers[-1].head)
        return tuple(name for name in problem.graph.differentiable if name not in behind)

    def values(self, problem: Problem) -> Values:
        """All that are read, and no others."""
        if self.forward is None:
            read = {self.labels, *(place for layer in self.layers for place in (layer.X, layer.W, layer.Z))}
            head = set() if self.form.fusion else {self.layers[-1].A}
            self.forward = plan_towards(problem.graph, UNCHANGED, read | head)
        return follow(problem.graph, self.forward, problem.leaves, UNCHANGED)

    def in_rows(self, values: Values, examples: Array | None) -> Values:
        """The same with one example a row, and weights in_out; of all examples or of some."""
        viewed = [*values]
        for place in {self.labels, *(place for layer in self.layers for place in (layer.X, layer.Z, layer.A))}:
            if values[place] is not None:
                rows = self.network.rows(values[place])
                viewed[place] = rows if examples is None else rows[examples]
        for layer in self.layers:
            viewed[layer.W] = self.network.as_in_out(values[layer.W])
        return viewed

    def laid_out(self, found: dict[str, Array]) -> dict[str, Array]:
        """Gradients as the problem has them."""
        if not self.views:
            return found
        return {name: self.views[name](each) if name in self.views else each for name, each in found.items()}


def weight_of_example(graph: Graph, examples: int) -> float:
    """How far the cost moves with the loss of one: by the increment of what makes it of them."""
    node = graph.nodes[graph.output]
    assert node.op is not None
    losses, step = np.zeros(examples), np.zeros(examples)
    step[0] = 1.0
    return float(node.op.increment((losses, step), **node.attributes))
