"""The graph: named nodes, each made by one op from nodes before it, with one scalar output.

A graph is built once and never changes. What differs from run to run (numbers pinned by a student's answers, a rule
replaced to see what a mistake leads to) is a `Changes`, given to the run.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from typing import Any, Literal, TypeVar

import numpy as np

from engine.errors import ShapeMismatch, UnknownName, shape_text
from engine.graph.heads import Fusion
from engine.ops.row import Array, Op, Rule, Shape

MOST_PLANS = 500
T = TypeVar("T")
Kind = Literal["input", "parameter", "constant", "value"]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A loss computed from the logits below its head, because softmax or sigmoid followed by a logarithm cancels.

    The graph still says logits → head → losses, and dA is still reported; the shortcut only changes how losses, dA and dZ
    are computed while nobody has pinned or changed what lies between.
    """

    head: int
    logits: int
    axis: int
    """Along which the units of an example lie."""
    fusion: Fusion


@dataclass(frozen=True, slots=True)
class Node:
    """One quantity of the graph. `owner` names the expression that an unnamed intermediate is a part of."""

    name: str
    kind: Kind
    shape: Shape
    op: Op | None = None
    inputs: tuple[int, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    shares: Mapping[int, float] = field(default_factory=dict)
    """By position of the input, what a convention multiplies the op's rule by (1/m for a layer's parameters)."""
    shortcut: Shortcut | None = None
    """On the losses of a fused head."""
    number: float | None = None
    """The value of a number written inside an expression."""

    @property
    def hidden(self) -> bool:
        """A number, or an unnamed part of an expression, is not a quantity that anyone can ask for."""
        return self.number is not None or bool(self.owner)

    @property
    def differentiable(self) -> bool:
        return self.kind != "constant"


@dataclass(frozen=True, slots=True)
class Changes:
    """What one run does differently: quantities given instead of computed, and rules replaced."""

    values: Mapping[str, Array] = field(default_factory=dict)
    gradients: Mapping[str, Array] = field(default_factory=dict)
    """∂J/∂node by the node's name."""
    locals: Mapping[tuple[str, str], Array] = field(default_factory=dict)
    """Local derivatives by (node, input)."""
    forwards: Mapping[str, Callable[..., Array]] = field(default_factory=dict)
    rules: Mapping[tuple[str, int], Rule] = field(default_factory=dict)
    """Backward rules by (node, position of the input)."""


UNCHANGED = Changes()


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of computation."""

    nodes: tuple[Node, ...]
    output: int
    starts: Mapping[str, Array] = field(default_factory=dict)
    """Gradients that a convention gives instead of computing them, by name (the losses of `average_in: parameters`)."""
    factors: Mapping[str, float] = field(default_factory=dict)
    """Where a convention so reports a multiple of ∂J/∂node, that multiple, by name."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Of all nodes but numbers; unnamed parts have a place too, though nobody can ask for them."""
        return {node.name: position for position, node in enumerate(self.nodes) if node.number is None}

    def __getitem__(self, name: str) -> Node:
        return self.nodes[self.position(name)]

    def position(self, name: str) -> int:
        if name not in self.index:
            raise UnknownName("node", name, self.names)
        return self.index[name]

    @cached_property
    def shortcut(self) -> Shortcut | None:
        """A graph has one loss, and so at most one fused head."""
        return next((node.shortcut for node in self.nodes if node.shortcut), None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What a person can ask for, in the order of computation."""
        return tuple(node.name for node in self.nodes if not node.hidden)

    @cached_property
    def widest(self) -> int:
        """Entries of the largest node."""
        return max(prod(node.shape) for node in self.nodes)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes if node.kind == "parameter")

    @cached_property
    def differentiable(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes if node.differentiable and not node.hidden)

    @cached_property
    def plans(self) -> dict[Hashable, Any]:
        return {}

    def kept(self, key: Hashable, plan: Callable[[], T], *special: object) -> T:
        """A plan made once and kept by its key; one for anything special is made for its run alone."""
        if special and any(special):
            return plan()
        found: T | None = self.plans.get(key)
        if found is None:
            if len(self.plans) >= MOST_PLANS:
                self.plans.clear()
            found = self.plans[key] = plan()
        return found

    def ancestors(self, position: int) -> set[int]:
        """The nodes on which this one depends, itself included."""
        reached = {position}
        for each in range(position, -1, -1):
            if each in reached:
                reached.update(self.nodes[each].inputs)
        return reached

    def descendants(self, position: int) -> set[int]:
        """The nodes that depend on this one, itself included."""
        reached = {position}
        for each in range(position + 1, len(self.nodes)):
            if not reached.isdisjoint(self.nodes[each].inputs):
                reached.add(each)
        return reached

    def direct_inputs(self, name: str) -> tuple[str, ...]:
        """The named nodes that a node's own expression reads, in order, without repetition."""
        found: dict[str, None] = {}
        waiting = [*reversed(self[name].inputs)]
        while waiting:  # no function that calls itself: its closure would keep the graph until the next garbage collection
            node = self.nodes[waiting.pop()]
            if node.owner == name:
                waiting += reversed(node.inputs)
            elif not node.hidden:
                found[node.name] = None
        return tuple(found)

    @cached_property
    def work(self) -> list[int]:
        """Elementary operations of one forward pass through each node, roughly: what limits and estimates count in."""
        work = []
        for node in self.nodes:
            sizes = [prod(self.nodes[each].shape) for each in node.inputs]
            inner = self.nodes[node.inputs[0]].shape[-1:] if node.op and node.op.name in ("matmul", "dense") else ()
            work.append(10 * prod(node.shape) + 2 * prod(node.shape) * (inner[0] if inner else 0) + sum(sizes))
        return work


def bind(function: Callable[..., Array], attributes: Mapping[str, Any]) -> Callable[..., Array]:
    return partial(function, **attributes) if attributes else function


def check_value(node: Node, value: Array, path: str = "") -> None:
    """A given value has exactly the shape that the graph was built for."""
    if np.shape(value) != node.shape:
        raise ShapeMismatch(
            f"'{node.name}' is {shape_text(node.shape)}, but {shape_text(np.shape(value))} was given", path=path
        )
