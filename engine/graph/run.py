"""One run of a graph: values forward, gradients backward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from math import isfinite

import numpy as np

from engine.errors import NotFinite
from engine.graph.backward import Plan, given_gradients, plan_gradients, walk
from engine.graph.forward import Values, compute_values
from engine.graph.graph import UNCHANGED, Changes, Graph, check_value
from engine.ops.row import Array

ONE = np.ones(())
ONE.flags.writeable = False  # the gradient of every cost by itself: all share it


class Run:
    """The values of a graph for given leaves, and from them any gradient."""

    def __init__(self, graph: Graph, leaves: Mapping[str, Array], changes: Changes = UNCHANGED) -> None:
        self.graph = graph
        self.changes = changes
        if changes is not UNCHANGED:
            for name, value in (*changes.values.items(), *changes.gradients.items()):
                check_value(graph[name], value)
        self.values: Values = compute_values(graph, leaves, changes)

    def __getitem__(self, name: str) -> Array:
        """The value of a node."""
        return self.values[self.graph.position(name)]

    def refuse_overflow(self, paths: Mapping[str, str]) -> None:
        """Finite numbers in, finite numbers out: name the first node where that fails, and the path of its expression."""
        for node, value in zip(self.graph.nodes, self.values, strict=False):
            if not np.isfinite(value).all():
                made = f" = {node.op.name}(…)" if node.op else ""
                raise NotFinite(
                    f"'{node.name}'{made} is not finite: the computation overflows, divides by zero or leaves the"
                    " domain of a function there",
                    path=paths.get(node.owner or node.name, ""),
                )

    @cached_property
    def extents(self) -> list[tuple[float, float]]:
        """The least and the largest entry of every node's value and 0, by position."""
        values = self.values[: len(self.graph.nodes)]
        least, most = np.minimum.reduce, np.maximum.reduce
        return [(float(least(x, axis=None, initial=0.0)), float(most(x, axis=None, initial=0.0))) for x in values]

    @cached_property
    def largest_value(self) -> float:
        """max|x| over the finite values of all nodes."""
        return max((abs(end) for extent in self.extents for end in extent if isfinite(end)), default=0.0)

    def size_of(self, name: str) -> float:
        """max|x| of a node's value; not finite where an entry is not."""
        least, most = self.extents[self.graph.position(name)]
        return max(most, -least)

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """∂J/∂node of every differentiable node, by name; zeros where the output does not depend on it."""
        return self.gradients_of(self.graph.differentiable)

    def gradients_of(self, names: Iterable[str]) -> dict[str, Array]:
        names = tuple(names)
        return self.named(names, self.pull_back(plan_gradients(self.graph, names, self.changes)))

    def named(self, names: Iterable[str], found: list[Array | None]) -> dict[str, Array]:
        """Gradients by name, from those by position."""
        gradients = {}
        for name in names:
            gradient = found[self.graph.position(name)]
            gradients[name] = np.zeros(self.graph[name].shape) if gradient is None else gradient
        return gradients

    def pull_back(self, plan: Plan) -> list[Array | None]:
        """Walk backward from the output; the result is by position."""
        found: list[Array | None] = [None] * len(self.graph.nodes)
        found[self.graph.output] = ONE
        with np.errstate(all="ignore"):
            walk(plan, self.values, found, given_gradients(self.graph, self.changes))
        return found
