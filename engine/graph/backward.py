"""Reverse mode: first a plan, in which every special case is settled, then a walk, which has none.

A plan lists, from the last node to the first, the contributions that flow from ∂J/∂node to its inputs. Conventions, fused
heads, pinned numbers and replaced rules all are choices of which rule a contribution uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from engine.graph.graph import UNCHANGED, Changes, Graph, Node, bind
from engine.ops.row import Array, Rule, Shape


class Contribution(NamedTuple):
    """What ∂J/∂node adds to ∂J/∂source: rule(d, value of node, values of the arguments)."""

    source: int
    rule: Rule
    arguments: tuple[int, ...]
    shape: Shape


PREPARED = -1
"""Where a run keeps its prepared head: after the values of all nodes."""
Plan = list[tuple[int, list[Contribution]]]


def fit(gradient: Array, shape: Shape) -> Array:
    """Undo broadcasting: sum over the axes along which an input was repeated. The only place where this is done."""
    extra = gradient.ndim - len(shape)
    if extra > 0:
        gradient = gradient.sum(axis=tuple(range(extra)))
    repeated = tuple(axis for axis in range(gradient.ndim) if shape[axis - gradient.ndim] == 1 < gradient.shape[axis])
    if repeated:
        gradient = gradient.sum(axis=repeated, keepdims=True)
    if gradient.size == prod(shape):
        return gradient.reshape(shape)
    return np.full(shape, gradient) if gradient.ndim == 0 else np.broadcast_to(gradient, shape)  # quicker, for what is small


def walk(plan: Plan, values: Sequence[Array], found: list[Array | None], given: dict[int, Array]) -> None:
    """Add up what reaches every node; `found` holds the seed, `given` what is not computed but given.

    What overflows on the way is for the caller to see, who silences NumPy.
    """
    for position, contributions in plan:
        if position in given:
            found[position] = given[position]
        d = found[position]
        if d is None:
            continue
        out = values[position]
        for source, rule, arguments, shape in contributions:
            gradient = rule(d, out, *[values[each] for each in arguments])
            if gradient.shape != shape:
                gradient = fit(gradient, shape)
            known = found[source]
            found[source] = gradient if known is None else known + gradient


def given_gradients(graph: Graph, changes: Changes) -> dict[int, Array]:
    """Gradients that a convention or a run gives instead of computing them, by position."""
    if not (graph.starts or changes.gradients):
        return {}
    by_name = {**graph.starts, **changes.gradients}
    return {graph.position(name): np.asarray(value) for name, value in by_name.items()}


def plan_gradients(graph: Graph, wanted: Iterable[str], changes: Changes = UNCHANGED) -> Plan:
    """The walk from the output to the wanted nodes, kept by their names and by the names of what is pinned."""
    names = tuple(wanted)

    def plan() -> Plan:
        return Planner(graph, changes).plan(graph.output, {graph.position(name) for name in names})

    key = ("backward", names, frozenset(changes.values), frozenset(changes.gradients))
    return graph.kept(key, plan, changes.forwards, changes.rules, changes.locals)


class Planner:
    """Chooses the rule of every contribution."""

    def __init__(self, graph: Graph, changes: Changes = UNCHANGED, *, plain: bool = False) -> None:
        self.graph = graph
        self.changes = changes
        self.plain = plain
        """With plain, the mathematical rules of the ops alone, without conventions: what a Jacobian means."""

    def plan(self, start: int, wanted: set[int], through: set[int] | None = None) -> Plan:
        """From `start` down to the wanted nodes, and only through some nodes if these are given."""
        useful = self._leads_to(wanted)
        given = self._given()
        bypassed: set[int] = set()
        plan: Plan = []
        for position in range(start, -1, -1):
            node = self.graph.nodes[position]
            passable = through is None or position in through
            contributions: list[Contribution] = []
            if passable and node.op is not None and position not in bypassed:
                if node.shortcut and self._is_open(node):
                    contributions += self._shortcut(node)
                    bypassed.add(node.shortcut.head)
                    useful -= {node.shortcut.head} - wanted
                pinned = [] if self.plain else list(self._pinned_locals(node))
                contributions += pinned
                taken = {each.source for each in contributions}
                contributions += [
                    self._contribution(node, place)
                    for place, source in enumerate(node.inputs)
                    if source not in taken and not self._is_cut(node, source)
                ]
            contributions = [each for each in contributions if each.source in useful and each.source not in given]
            if contributions or position in wanted:
                plan.append((position, contributions))
        return plan

    def _leads_to(self, wanted: set[int]) -> set[int]:
        """The wanted nodes, and all that take part in their gradients: what lies above a given gradient does not."""
        useful = set(wanted)
        given = self._given()
        for position, node in enumerate(self.graph.nodes):
            if any(each in useful and each not in given for each in node.inputs):
                useful.add(position)
        return useful

    def _given(self) -> set[int]:
        """The nodes whose gradients are not computed."""
        return set() if self.plain else set(given_gradients(self.graph, self.changes))

    def _contribution(self, node: Node, place: int) -> Contribution:
        assert node.op is not None
        source = node.inputs[place]
        rule = bind(node.op.rule(place), node.attributes)
        if node.name in self.changes.values and node.op.from_output:
            rule = given_output(bind(node.op.from_output, node.attributes))
        rule = self.changes.rules.get((node.name, place), rule)
        if not self.plain and place in node.shares:
            rule = shared(rule, node.shares[place])
        return Contribution(source, rule, node.inputs, self.graph.nodes[source].shape)

    def _is_open(self, node: Node) -> bool:
        """A fused head is left as soon as anyone pins or changes what lies between the logits and the losses."""
        assert node.shortcut is not None
        head = self.graph.nodes[node.shortcut.head].name
        between = {(node.name, 0), (head, 0)}
        logits = self.graph.nodes[node.shortcut.logits].name
        changes = self.changes
        return not (
            head in changes.gradients
            or head in changes.forwards
            or node.name in changes.forwards
            or between & set(changes.rules)
            or {(node.name, head), (head, logits)} & set(changes.locals)
        )

    def _shortcut(self, node: Node) -> list[Contribution]:
        """dA and dZ straight from the losses; from a given A where it is pinned, which then no longer follows from Z."""
        shortcut = node.shortcut
        assert shortcut is not None
        shapes = [each.shape for each in self.graph.nodes]
        labels = node.inputs[1:]
        if self.graph.nodes[shortcut.head].name in self.changes.values:
            rule = bind(shortcut.fusion.from_head, node.attributes)
            given = (shortcut.head, *labels)
            return [self._contribution(node, 0), Contribution(shortcut.logits, rule, given, shapes[shortcut.logits])]
        scale = node.attributes["scale"]
        prepared = (PREPARED, *labels)
        return [
            Contribution(shortcut.head, lambda d, out, head, y: head.by_head(d, y, scale), prepared, shapes[shortcut.head]),
            Contribution(
                shortcut.logits, lambda d, out, head, y: head.by_logits(d, y, scale), prepared, shapes[shortcut.logits]
            ),
        ]

    def _pinned_locals(self, node: Node) -> Iterator[Contribution]:
        """∂J/∂input = ∂J/∂node · (node/input) where that local derivative was given."""
        for (name, of), local in self.changes.locals.items():
            if name == node.name:
                source = self.graph.position(of)
                rule = given_local(np.asarray(local))
                places = [place for place, each in enumerate(node.inputs) if each == source and place in node.shares]
                if places:
                    rule = shared(rule, node.shares[places[0]])
                yield Contribution(source, rule, (), self.graph.nodes[source].shape)

    def _is_cut(self, node: Node, source: int) -> bool:
        """A given local derivative also replaces the way through the unnamed parts of its expression."""
        if self.plain or not self.changes.locals:
            return False
        return (node.owner or node.name, self.graph.nodes[source].name) in self.changes.locals


def given_output(from_output: Rule) -> Rule:
    """A rule from the output alone, called like any other."""
    return lambda d, out, *inputs: from_output(d, out)


def shared(rule: Rule, share: float) -> Rule:
    return lambda d, out, *inputs: rule(d, out, *inputs) * share


def given_local(local: Array) -> Rule:
    """Σ over the node's entries of ∂J/∂node · ∂node/∂input."""
    return lambda d, out, *inputs: np.asarray(np.tensordot(d, local, axes=np.ndim(d)))
