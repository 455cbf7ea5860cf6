"""Some quantities of a run without the rest: only what lies between it and what is given is computed.

Grading asks what one answer should be, given all the answers before it: mostly one step. These steps, forward and backward,
are kept by the names of what is given, so that many readings of the same answers share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from engine.graph.backward import PREPARED, Plan, given_gradients, plan_gradients, walk
from engine.graph.forward import Forward, follow, plan_values
from engine.graph.graph import Changes, Graph
from engine.graph.run import ONE
from engine.ops.row import Array


def value_of(graph: Graph, leaves: Mapping[str, Array], changes: Changes, name: str) -> Array:
    """The value of one node."""
    position = graph.position(name)
    key = ("value", position, frozenset(changes.values))
    plan = graph.kept(key, lambda: plan_towards(graph, changes, {position}), changes.forwards)
    with np.errstate(all="ignore"):
        return np.asarray(follow(graph, plan, leaves, changes)[position])


class Route(NamedTuple):
    """The way to one gradient: values forward, then the walk backward."""

    forward: Forward
    backward: Plan


def gradient_of(graph: Graph, leaves: Mapping[str, Array], changes: Changes, name: str) -> Array:
    """∂J/∂node of one node."""
    position = graph.position(name)

    def route() -> Route:
        plan = plan_gradients(graph, (name,), changes)
        return Route(plan_towards(graph, changes, values_read(graph, plan)), plan)

    given = given_gradients(graph, changes)
    key = ("gradient", position, frozenset(changes.values), frozenset(given), *changes.rules.items())
    kept = graph.kept(key, route, changes.forwards, changes.locals)
    found: list[Array | None] = [None] * len(graph.nodes)
    found[graph.output] = ONE
    with np.errstate(all="ignore"):
        walk(kept.backward, follow(graph, kept.forward, leaves, changes), found, given)
    gradient = found[position]
    return np.zeros(graph.nodes[position].shape) if gradient is None else gradient


def values_read(graph: Graph, plan: Plan) -> set[int]:
    """The nodes whose values a walk backward may read."""
    read: set[int] = set()
    for position, contributions in plan:
        if contributions:
            read.add(position)
            read.update(*(each.arguments for each in contributions))
    if PREPARED in read:
        assert graph.shortcut is not None
        read = read - {PREPARED} | {graph.shortcut.head}
    return read


def plan_towards(graph: Graph, changes: Changes, wanted: set[int]) -> Forward:
    """What of a forward run these nodes need. What is given needs nothing before it."""
    needed = set(wanted)
    for position in range(max(needed, default=-1), -1, -1):
        node = graph.nodes[position]
        if position in needed and node.name not in changes.values:
            needed.update(node.inputs)
    return plan_values(graph, changes, sorted(needed))
