"""One world: what a student computed so far, read in one way, and what follows from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.grading.answers import Answer
from engine.grading.candidates import at_input
from engine.grading.mistakes.scene import Scene
from engine.graph.backward import plan_gradients
from engine.graph.graph import UNCHANGED, Changes, Graph
from engine.ops.row import Array, Rule
from engine.problems import Problem
from engine.quantities import Quantity, recompute, with_pin

Rules = Mapping[tuple[str, int], Rule]
PINNED = ("value", "gradient", "local")
"""The kinds of quantities that others follow from."""


@dataclass(slots=True)
class World:
    """One reading of what was answered, as pinned quantities."""

    problem: Problem
    carries: bool
    """Whether the student carries on with the numbers as written."""
    pins: Mapping[str, Array] = field(default_factory=dict)
    changes: Changes = UNCHANGED
    """The run with these pins."""
    confirmed: Mapping[str, Answer] = field(default_factory=dict)
    """The answers that were right, or followed."""
    supposed: bool = False
    """Whether it supposes a mistake."""

    def pin(self, quantity: Quantity, answer: Answer, exact: Array, *, right: bool) -> None:
        """From here on, what follows from this quantity follows from the given numbers."""
        if quantity.kind in PINNED:
            if right:
                self.confirmed = {**self.confirmed, quantity.name: answer}
            value = answer.values.reshape(exact.shape) if self.carries else exact
            self.pins = {**self.pins, quantity.name: value}
            self.changes = with_pin(self.problem, self.changes, quantity, value)

    def scenes(self) -> list[Scene]:
        """The runs in which an answer may be wrong by one mistake."""
        return [
            Scene(self.problem, self.problem.run(changes), pins, carries=self.carries, confirmed=self.confirmed)
            for pins, changes in self.ways()
        ]

    def ways(self) -> Iterator[tuple[Mapping[str, Array], Changes]]:
        """The pins with which an answer may be right.

        dZ of a fused head has two right rules, from A and through dA: where dA was answered, both are tried.
        """
        yield self.pins, self.changes
        shortcut = self.problem.graph.shortcut
        head = self.problem.graph.nodes[shortcut.head].name if shortcut else ""
        if head in self.changes.gradients:
            kept = {name: value for name, value in self.changes.gradients.items() if name != head}
            without = {name: value for name, value in self.pins.items() if name != f"d{head}"}
            yield without, replace(self.changes, gradients=kept)

    def readings(self, quantity: Quantity) -> Iterator[Array]:
        """What follows by every right rule. Where a was answered, f′ may be taken from it or at z."""
        for _, changes in self.ways():
            yield recompute(self.problem, quantity, changes)
        if quantity.kind in ("gradient", "update"):
            rules = rules_at_z(self.problem.graph, quantity, self.changes)
            if rules:
                yield recompute(self.problem, quantity, replace(self.changes, rules=rules))


def rules_at_z(graph: Graph, quantity: Quantity, changes: Changes) -> Rules:
    """The rules that take f′ at z where a was answered; none where no f′ lies between the quantity and what is given."""

    def rules() -> Rules:
        answered = [graph[name] for name in changes.values]
        found = {(each.name, 0): at_input(graph, each, each.op) for each in answered if each.op and each.op.from_output}
        plan = plan_gradients(graph, (quantity.node,), replace(changes, rules=found))
        passed = {graph.nodes[position].name for position, contributions in plan if contributions}
        return found if any(name in passed for name, _ in found) else {}

    key = ("at z", quantity.node, frozenset(changes.values), frozenset(changes.gradients))
    return graph.kept(key, rules, changes.locals)
