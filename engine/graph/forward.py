"""Forward: first a plan, in which every special case is settled, then a walk, which has none. As in `engine.graph.backward`.

A plan has a step for every node that is not given. It writes the node's value; that of a fused head also what it prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from engine.graph.backward import PREPARED
from engine.graph.graph import Changes, Graph, Node, Shortcut, bind
from engine.ops.row import Array

Values = list[Any]
Step = Callable[[Values], None]


class Forward(NamedTuple):
    """The names of what is given, at its positions, and nothing at those of others; and then the steps, in order."""

    given: list[str]
    steps: list[Step]


def compute_values(graph: Graph, leaves: Mapping[str, Array], changes: Changes) -> Values:
    """One value a node, and last what the fused head prepared, or None. What is pinned is as good as a leaf."""
    key = ("forward", frozenset(changes.values))
    plan = graph.kept(key, lambda: plan_values(graph, changes, range(len(graph.nodes))), changes.forwards)
    with np.errstate(all="ignore"):
        return follow(graph, plan, leaves, changes)


def follow(graph: Graph, plan: Forward, leaves: Mapping[str, Array], changes: Changes) -> Values:
    """The values of the nodes that are planned; None for the others."""
    given = {**leaves, **changes.values} if changes.values else leaves
    values: Values = [*map(given.get, plan.given)]
    for step in plan.steps:
        step(values)
    return values


def plan_values(graph: Graph, changes: Changes, positions: Iterable[int]) -> Forward:
    """A forward run of some nodes, in order."""
    plan = Forward([""] * (len(graph.nodes) + 1), [])
    for position in positions:
        node = graph.nodes[position]
        if node.number is None and (node.op is None or node.name in changes.values):
            plan.given[position] = node.name
        else:
            plan.steps.append(plan_step(graph, position, node, changes))
    return plan


def plan_step(graph: Graph, position: int, node: Node, changes: Changes) -> Step:
    if node.number is not None:
        return fixed_value(position, np.asarray(node.number))
    if node.name in changes.forwards:
        return computed_value(position, changes.forwards[node.name], node.inputs)
    shortcut = graph.shortcut
    if shortcut and not is_moved(graph.nodes[shortcut.head].name, changes):
        if position == shortcut.head:
            return prepared_head(shortcut)
        if node.shortcut:
            return losses_of_head(position, node.inputs[1], node.attributes["scale"])
    assert node.op is not None
    return computed_value(position, bind(node.op.forward, node.attributes), node.inputs)


def is_moved(name: str, changes: Changes) -> bool:
    """Whether a node's value is another than its op makes of its inputs."""
    return name in changes.values or name in changes.forwards


def fixed_value(position: int, value: Array) -> Step:
    def step(values: Values) -> None:
        values[position] = value

    return step


def computed_value(position: int, forward: Callable[..., Array], inputs: tuple[int, ...]) -> Step:
    if len(inputs) == 1:
        (only,) = inputs

        def of_one(values: Values) -> None:
            values[position] = forward(values[only])

        return of_one
    arguments = itemgetter(*inputs)  # half of the time of a comprehension

    def of_several(values: Values) -> None:
        values[position] = forward(*arguments(values))

    return of_several


def prepared_head(shortcut: Shortcut) -> Step:
    def step(values: Values) -> None:
        head = shortcut.fusion.prepare(values[shortcut.logits], shortcut.axis)
        values[PREPARED] = head
        values[shortcut.head] = head.value()

    return step


def losses_of_head(position: int, labels: int, scale: float) -> Step:
    def step(values: Values) -> None:
        values[position] = values[PREPARED].losses(values[labels], scale)

    return step
