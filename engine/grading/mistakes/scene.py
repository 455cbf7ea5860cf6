"""Where a mistake is played out: a run of the problem with what a student computed before, and words to ask it things."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from engine.grading.answers import Answer
from engine.grading.budget import UNLIMITED
from engine.graph.backward import fit
from engine.graph.graph import Graph, Node
from engine.graph.run import Run
from engine.ops import ACTIVATIONS, LOSSES
from engine.ops.row import Array, Op
from engine.problems import Problem
from engine.quantities import Quantity, compute


class Use(NamedTuple):
    """A node that uses another one: the node, its op, and the place of the input."""

    node: Node
    op: Op
    place: int


class Scene:
    """One run, seen by the rows of the table of mistakes."""

    def __init__(
        self,
        problem: Problem,
        run: Run,
        pins: Mapping[str, Array] | None = None,
        *,
        carries: bool = False,
        confirmed: Mapping[str, Answer] | None = None,
    ) -> None:
        self.problem = problem
        self.run = run
        self.pins: Mapping[str, Array] = pins or {}
        """What was answered before, by name: as written if the student carries that on, else exact."""
        self.carries = carries
        self.confirmed: Mapping[str, Answer] = confirmed or {}
        """The answers before that were right, or followed."""
        self.budget = UNLIMITED
        """Of the submission that is looked into."""
        self.graph: Graph = problem.graph
        self._right: dict[Quantity, Array] = {}

    def right(self, quantity: Quantity) -> Array:
        """What follows by the right rule from what was computed before."""
        found = self._right.get(quantity)
        if found is None:
            found = self._right[quantity] = self._compute(quantity)
        return found

    def _compute(self, quantity: Quantity) -> Array:
        if quantity.kind == "gradient" and quantity.node in self.run.gradients:
            return self.run.gradients[quantity.node]
        return np.asarray(compute(self.problem, [quantity.name], self.run)[quantity.name])

    def value(self, name: str) -> Array:
        return self.run[name]

    def gradient(self, name: str) -> Array:
        return self.run.gradients[name] if name in self.run.gradients else np.asarray(self.parts[name])

    @cached_property
    def parts(self) -> dict[str, Array]:
        """The gradients of the unnamed parts of expressions."""
        names = [node.name for node in self.graph.nodes if node.owner]
        return self.run.gradients_of(names)

    def inputs(self, node: Node) -> list[Array]:
        return [self.run.values[each] for each in node.inputs]

    def uses(self, name: str) -> tuple[Use, ...]:
        """The nodes through which the output depends on this one."""
        return self._uses.get(self.graph.position(name), ())

    @cached_property
    def _uses(self) -> dict[int, tuple[Use, ...]]:
        return self.graph.kept("uses", lambda: uses_by_source(self.graph))

    @cached_property
    def reaching(self) -> set[int]:
        return self.graph.ancestors(self.graph.output)

    def pull(self, use: Use, d: Array | None = None, *, inputs: list[Array] | None = None, op: Op | None = None) -> Array:
        """What ∂J/∂use adds to the gradient of its input, by the rule of its op, or with something changed."""
        d = self.gradient(use.node.name) if d is None else d
        given = inputs or self.inputs(use.node)
        attributes: Any = use.node.attributes
        out = self.value(use.node.name)
        if use.node.name in self.pins and use.op.from_output is not None and op is None:
            found = use.op.from_output(d, out, **attributes)  # a was answered: f′ follows from it
        else:
            found = (op or use.op).rule(use.place)(d, out, *given, **attributes)
        found = fit(np.asarray(found), self.graph.nodes[use.node.inputs[use.place]].shape)
        return found * use.node.shares.get(use.place, 1.0)

    def activation_of(self, name: str) -> Use | None:
        """The activation that this pre-activation goes into, if that is all it goes into."""
        uses = [use for use in self.uses(name) if use.op.name in ACTIVATIONS and use.op.name != "identity"]
        return uses[0] if len(uses) == 1 and len(list(self.uses(name))) == 1 else None

    def loss_of(self, name: str) -> Use | None:
        """The loss that takes this node as its predictions."""
        return next((use for use in self.uses(name) if use.op.name in LOSSES and use.place == 0), None)

    def is_after_loss(self, quantity: Quantity) -> bool:
        """Whether it is the gradient of the predictions, or of the logits of a head that is fused with the loss."""
        if quantity.kind != "gradient":
            return False
        shortcut = self.graph.shortcut
        fused = shortcut is not None and self.graph.position(quantity.node) == shortcut.logits
        return fused or self.loss_of(quantity.node) is not None

    @cached_property
    def examples(self) -> int:
        """How many examples the cost averages over; 1 where it does not."""
        means = [
            int(np.prod(self.graph.nodes[node.inputs[0]].shape)) // max(1, int(np.prod(node.shape)))
            for node in self.graph.nodes
            if node.op is not None and node.op.name == "mean"
        ]
        return means[0] if len(means) == 1 else 1


def uses_by_source(graph: Graph) -> dict[int, tuple[Use, ...]]:
    """By position, the nodes through which the output depends on each node, in order."""
    found: dict[int, tuple[Use, ...]] = {}
    for user in sorted(graph.ancestors(graph.output)):
        node = graph.nodes[user]
        for place, source in enumerate(node.inputs if node.op else ()):
            assert node.op is not None
            found[source] = (*found.get(source, ()), Use(node, node.op, place))
    return found
