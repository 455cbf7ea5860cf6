"""What a student computed so far, read in several ways.

Each answered quantity has two readings: *as written*, and *exact*, which is the truth where it is correct, what follows
where it follows, and the mistaken value where a mistake is known. Both are needed: some carry on with the rounded numbers
that they wrote down, others keep full precision and round in writing; either rule alone does thousands of them wrong.

A world is one such reading of all answers. There are two to begin with, and one more for every mistake that might explain
a wrong answer: at two digits several may, and what the student computes next tells which it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.grading.answers import Answer
from engine.grading.candidates import Explanation, at_input
from engine.grading.compare import Tolerance
from engine.grading.mistakes.scene import Scene
from engine.graph.graph import Changes
from engine.ops.row import Array, Rule
from engine.problems import Problem
from engine.quantities import Quantity, pin

MOST_WORLDS = 10
PINNED = ("value", "gradient", "local")
"""The kinds of quantities that others follow from."""


@dataclass(slots=True)
class World:
    """One reading of what was answered, as pinned quantities."""

    problem: Problem
    carries: bool
    """Whether the student carries on with the numbers as written."""
    pins: Mapping[str, Array] = field(default_factory=dict)
    confirmed: Mapping[str, Answer] = field(default_factory=dict)
    """The answers that were right, or followed."""
    supposed: bool = False
    """Whether it supposes a mistake."""
    _scenes: list[Scene] | None = None
    _at_z: Scene | None = None

    def pin(self, quantity: Quantity, answer: Answer, exact: Array, *, right: bool) -> None:
        """From here on, what follows from this quantity follows from the given numbers."""
        if quantity.kind in PINNED:
            if right:
                self.confirmed = {**self.confirmed, quantity.name: answer}
            written = answer.values.reshape(exact.shape)
            self.pins = {**self.pins, quantity.name: written if self.carries else exact}
            self._scenes = self._at_z = None

    def scenes(self) -> list[Scene]:
        """The runs in which an answer may be right, or wrong by one mistake.

        dZ of a fused head has two right rules, from A and through dA: where dA was answered, both are tried.
        """
        if self._scenes is None:
            self._scenes = [self._scene(self.pins)]
            shortcut = self.problem.graph.shortcut
            head = f"d{self.problem.graph.nodes[shortcut.head].name}" if shortcut else ""
            if head in self.pins:
                self._scenes.append(self._scene({name: value for name, value in self.pins.items() if name != head}))
        return self._scenes

    def _scene(self, pins: Mapping[str, Array], rules: Mapping[tuple[str, int], Rule] | None = None) -> Scene:
        changes = pin(self.problem, pins)
        if rules:
            changes = Changes(changes.values, changes.gradients, changes.locals, rules=rules)
        return Scene(self.problem, self.problem.run(changes), pins, carries=self.carries, confirmed=self.confirmed)

    def readings(self, quantity: Quantity) -> Iterator[Array]:
        """What follows by every right rule. Where a was answered, f′ may be taken from it or at z."""
        for scene in self.scenes():
            yield scene.right(quantity)
        if quantity.kind not in ("gradient", "update"):
            return
        if self._at_z is None:
            rules = {}
            for name in self.pins:
                node = self.problem.graph[name] if name in self.problem.graph.names else None
                if node is not None and node.op is not None and node.op.from_output is not None:
                    rules[name, 0] = at_input(node, node.op)
            self._at_z = self._scene(self.pins, rules) if rules else self.scenes()[0]
        if self._at_z is not self.scenes()[0]:
            yield self._at_z.right(quantity)


@dataclass(slots=True)
class Match:
    """How well an answer matches what follows in the worlds."""

    follows: bool
    cells: Array
    """Which entries match, where most do."""


class Worlds:
    """All readings of one submission. Quantities are marked in the order of computation, and pinned as they are."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.worlds = [World(problem, carries=True), World(problem, carries=False)]
        self.erred = False
        """Whether an earlier answer was wrong."""
        self.unexplained = False
        """Whether one was, and no mistake of the table explains it."""
        self.emptied = False
        """Whether such an answer is mostly zeros where there are none: what follows from it is no work."""

    def scenes(self) -> list[Scene]:
        """Where mistakes are looked for. Nothing was rounded by who answered with all digits: one reading is enough."""
        worlds = self.worlds
        if same_pins(worlds[0].pins, worlds[1].pins):
            worlds = worlds[1:]
        return [scene for world in worlds for scene in world.scenes()]

    def take_correct(self, quantity: Quantity, answer: Answer, truth: Array, tolerance: Tolerance) -> None:
        """Pin a correct answer: as the truth, but after an error as what follows from it, if that reads the same."""
        if self.erred:
            matched = [self._reading(world, quantity, answer, truth, tolerance) for world in self.worlds]
        else:
            matched = [truth] * len(self.worlds)
        self._pin(quantity, answer, matched, truth)

    def match(self, quantity: Quantity, answer: Answer, truth: Array, tolerance: Tolerance) -> Match:
        """Whether an answer follows from the earlier ones in any world; if so, it is pinned."""
        cells = np.zeros(truth.shape, dtype=bool)
        matched: list[Array | None] = []
        for world in self.worlds:
            found = None
            for value in world.readings(quantity):
                if self.trivialised(value, truth):
                    continue
                right = tolerance.right(answer, value)
                if right.sum() > cells.sum():
                    cells = right
                if right.all():
                    found = value
                    break
            matched.append(found)
        first = next((value for value in matched if value is not None), None)
        if first is not None:
            self._pin(quantity, answer, matched, first if self.erred else truth)
        return Match(first is not None, cells)

    def take_wrong(self, quantity: Quantity, answer: Answer, truth: Array, explanations: Sequence[Explanation]) -> None:
        """Pin a wrong answer as it stands, and in a world of its own for every mistake that may explain it."""
        written = answer.values.reshape(truth.shape)
        # A slip of the pen: who carried on with the right number.
        supposed = [World(self.problem, each.carries, each.pins, each.confirmed, supposed=True) for each in self.worlds[:2]]
        for explanation in explanations:
            scene = explanation.scene
            world = World(self.problem, scene.carries, explanation.pins, scene.confirmed, supposed=True)
            world.pin(quantity, answer, explanation.value.reshape(truth.shape), right=False)
            supposed.append(world)
        self.erred = True
        if not explanations:
            self.unexplained = True
            telling = truth != 0.0
            self.emptied |= bool((written[telling] == 0.0).sum() > 0.5 * telling.sum())
        self._pin(quantity, answer, [None] * len(self.worlds), written)
        self.worlds = [*self.worlds[:2], *supposed, *self.worlds[2:]][:MOST_WORLDS]

    def trivialised(self, follows: Array, truth: Array) -> bool:
        """What follows from an earlier answer is not taken where that made it overflow, or vanish for no known reason."""
        if not np.isfinite(follows).all():
            return True
        if self.emptied:
            return bool(((follows == 0.0) & (truth != 0.0)).any())
        return self.unexplained and not follows.any() and bool(truth.any())

    def _reading(self, world: World, quantity: Quantity, answer: Answer, truth: Array, tolerance: Tolerance) -> Array | None:
        for value in world.readings(quantity):
            if np.isfinite(value).all() and tolerance.right(answer, value).all():
                return value
        return None

    def _pin(self, quantity: Quantity, answer: Answer, matched: Sequence[Array | None], otherwise: Array) -> None:
        """Pin in every world what matched there; a supposed mistake that did not match where others did is dropped."""
        right = any(value is not None for value in matched)
        kept = []
        for world, value in zip(self.worlds, matched, strict=True):
            if world.supposed and value is None and right:
                continue
            world.pin(quantity, answer, otherwise if value is None else value, right=right)
            kept.append(world)
        self.worlds = kept


def same_pins(written: Mapping[str, Array], exact: Mapping[str, Array]) -> bool:
    return all(
        np.array_equal(value, exact[name]) or np.allclose(value, exact[name], rtol=1e-9, atol=0.0)
        for name, value in written.items()
        if name in exact
    )
