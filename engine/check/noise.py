"""What rounding alone does to gradients: an excuse where nothing else is left of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from engine.check.estimates import EPSILON, largest
from engine.check.increments import kinks_between
from engine.graph.backward import plan_gradients
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

NUDGE, LAST_PLACES = 2.0**-40, 2.0**-50
PRODUCTS = ("dense", "matmul", "dot")
"""Ops whose contributions are sums of products, which may cancel within."""
EVERYWHERE = np.ones(1, dtype=bool)
Noise = Callable[[Array], float]
"""What rounding does to the entries of a gradient that are smooth."""


def silent(smooth: Array) -> float:
    """For who wants no excuse by rounding."""
    return 0.0


class Rounding:
    """How gradients differ when every leaf moves by a few units in the last place; looked at once for all of a run.

    A small nudge shows how the computation itself rounds; a larger one, in proportion, how it answers to rounded inputs.
    Constants and single zeros are as they are: a label of 1 is no rounded number. A nudge across a kink shows nothing of
    rounding. A gradient that depends on no other leaf moves with none, but still is a sum, whose parts may be
    larger than what is left.
    """

    def __init__(self, problem: Problem, run: Run) -> None:
        self.problem, self.run = problem, run

    def of(self, name: str) -> Noise:
        """Of one gradient. Only entries that have no kink may be asked for: across one, a gradient leaps."""

        def noise(smooth: Array) -> float:
            found = EPSILON * self.parts.get(self.run.graph.position(name), 0.0)
            for nudge, gradients in self.nudged:
                with np.errstate(all="ignore"):
                    leap = np.atleast_1d(gradients[name] - self.base[name])
                found = max(found, largest(leap[np.broadcast_to(smooth, leap.shape)]) * min(1.0, LAST_PLACES / nudge))
            return found

        return noise

    @cached_property
    def base(self) -> dict[str, Array]:
        """Computed anew: those that are looked at may have been tampered with."""
        return self.run.gradients_of(self.run.graph.differentiable)

    @cached_property
    def nudged(self) -> list[tuple[float, dict[str, Array]]]:
        """The gradients of all nodes, by how far the leaves were nudged."""
        rng = np.random.default_rng(0)
        found = []
        for nudge in (LAST_PLACES, LAST_PLACES, NUDGE):
            for still in (False, True):
                run = self.nudge(nudge, rng, still)
                with np.errstate(all="ignore"):
                    leaps = kinks_between(self.run, run)
                if not leaps:
                    found.append((nudge, run.gradients))
                    break
        return found

    def nudge(self, nudge: float, rng: np.random.Generator, still: bool) -> Run:
        """A run with other leaves. Those that are all 0 move as if they were as large as what is made of them, unless they
        are to be `still`."""
        moved = dict(self.problem.leaves)
        for leaf, value in moved.items():
            if self.run.graph[leaf].differentiable:
                size = value if still or value.any() else self.size_beside(leaf)
                moved[leaf] = value + nudge * rng.standard_normal(value.shape) * size
        return Run(self.problem.graph, moved, self.run.changes)

    def size_beside(self, leaf: str) -> float:
        """Of the numbers that are made of it, if they are smaller than 1 and not 0 themselves."""
        graph = self.run.graph
        position = graph.position(leaf)
        made = [self.run.values[each] for each, node in enumerate(graph.nodes) if position in node.inputs]
        return min(1.0, largest(*made) or 1.0)

    @cached_property
    def parts(self) -> dict[int, float]:
        """The size of the largest contribution to each gradient, before anything cancels, by position."""
        graph, values = self.run.graph, self.run.values
        plan = plan_gradients(graph, graph.differentiable, self.run.changes)
        found = self.run.pull_back(plan)
        sizes: dict[int, float] = {}
        with np.errstate(all="ignore"):
            for position, contributions in plan:
                d = found[position]
                op = graph.nodes[position].op
                product = op is not None and op.name in PRODUCTS
                for source, rule, arguments, shape in contributions:
                    if d is not None:
                        given = (d, values[position], *[values[each] for each in arguments])
                        part = rule(*map(np.abs, given) if product else given)
                        share = max(1.0, np.size(part) / max(1, int(np.prod(shape))))
                        sizes[source] = max(sizes.get(source, 0.0), largest(np.asarray(part)) * share)
        return sizes
