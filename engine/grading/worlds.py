"""What a student computed so far, read in several ways.

Each answered quantity has two readings: *as written*, and *exact*, which is the truth where it is correct, what follows
where it follows, and the mistaken value where a mistake is known. Both are needed: some carry on with the rounded numbers
that they wrote down, others keep full precision and round in writing; either rule alone does thousands of them wrong.

A world is one such reading of all answers. There are two to begin with, and one more for every mistake that might explain
a wrong answer: at two digits several may, and what the student computes next tells which it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.grading.answers import Answer
from engine.grading.candidates import Explanation, same
from engine.grading.compare import Tolerance
from engine.grading.mistakes.scene import Scene
from engine.grading.unrounded import Unrounded
from engine.grading.world import World
from engine.ops.row import Array
from engine.problems import Problem
from engine.quantities import Quantity, pin

MOST_WORLDS = 10
EXACT = 1
"""The place of the world of who keeps full precision, behind that of who carries on with what was written."""
NOTHING = 1e-6
"""The part of a true entry that is no more than 0 would be: no digit that anyone writes of a sum shows it, and a computed
answer is not told from 0 there (the floor of `as_written`). Slips change numbers by factors of the problem, not by this."""


@dataclass(slots=True)
class Match:
    """How well an answer matches what follows in the worlds."""

    follows: bool
    cells: Array | None = None
    """Which entries match where most do, if it does not follow."""
    trivial: bool = False
    """Whether it would follow, but from an answer that trivialises it."""


class Worlds:
    """All readings of one submission. Quantities are marked in the order of computation, and pinned as they are."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.worlds = [World(problem, carries=True), World(problem, carries=False)]
        self.erred = False
        """Whether an earlier answer was wrong."""
        self.unexplained = False
        """Whether one was, and no mistake of the table explains it."""
        self.unrounded = Unrounded()
        """The answers of which only the written digits are known: wrong ones, and what follows from them."""
        self.doubtful = False
        """Whether an answer after an error was right as far as it is written, which may still not be what was carried on."""
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
            exact = matched[EXACT]
            self.doubtful |= exact is None
            if exact is None or self.doubtful or not same(exact, truth):
                self.unrounded.add(quantity, answer)
        else:
            matched = [truth] * len(self.worlds)
        self._pin(quantity, answer, matched, truth)

    def match(self, quantity: Quantity, answer: Answer, truth: Array, tolerance: Tolerance) -> Match:
        """Whether an answer follows from the earlier ones in any world; if so, it is pinned."""
        tried: dict[bytes, Array] = {}
        matched: list[Array | None] = []
        trivial = False
        for world in self.worlds:
            found = None
            for value in world.readings(quantity):
                if self.trivialised(value, truth):
                    trivial |= not np.isfinite(value).all() or tolerance.accepts(answer, value)
                else:
                    tried[value.tobytes()] = value
                    if tolerance.accepts(answer, value):
                        found = value
                        break
            matched.append(found)
        first = next((value for value in matched if value is not None), None)
        if first is None and self._follows_unrounded(quantity, answer, truth, tolerance):
            first = answer.values.reshape(truth.shape)
            matched[EXACT] = first
        if first is None:
            cells = (tolerance.right(answer, value) for value in tried.values())
            return Match(False, max(cells, key=np.count_nonzero, default=None), trivial)
        if self.erred:
            self.unrounded.add(quantity, answer)
        self._pin(quantity, answer, matched, first if self.erred else truth)
        return Match(True)

    def take_wrong(self, quantity: Quantity, answer: Answer, truth: Array, explanations: Sequence[Explanation]) -> None:
        """Pin a wrong answer as it stands, and in a world of its own for every mistake that may explain it."""
        written = answer.values.reshape(truth.shape)
        # A slip of the pen: who carried on with the right number.
        supposed = [replace(each, supposed=True) for each in self.worlds[:2]]
        for explanation in explanations:
            scene, pins = explanation.scene, explanation.pins
            world = World(self.problem, scene.carries, pins, pin(self.problem, pins), scene.confirmed, supposed=True)
            world.pin(quantity, answer, explanation.value.reshape(truth.shape), right=False)
            supposed.append(world)
        self.erred = True
        self.unrounded.add(quantity, answer)
        if not explanations:
            self.unexplained = True
            self.emptied |= bool(vanished(written, truth).sum() > 0.5 * np.count_nonzero(truth))
        self._pin(quantity, answer, [None] * len(self.worlds), written)
        self.worlds = [*self.worlds[:2], *supposed, *self.worlds[2:]][:MOST_WORLDS]

    def trivialised(self, follows: Array, truth: Array) -> bool:
        """What follows from an earlier answer is not taken where that made it overflow, or vanish for no known reason."""
        if not np.isfinite(follows).all():
            return True
        if self.emptied:
            return bool(vanished(follows, truth).any())
        return self.unexplained and not follows.any() and bool(truth.any())

    def _follows_unrounded(self, quantity: Quantity, answer: Answer, truth: Array, tolerance: Tolerance) -> bool:
        """Whether an answer follows from numbers that are only known to the digits in which they were written."""
        world = self.worlds[EXACT]
        if not self.unrounded.answers or world.carries or tolerance.mode != "as_written":
            return False
        follows = list(world.readings(quantity))
        if any(self.trivialised(value, truth) for value in follows):
            return False
        return self.unrounded.consistent(world, quantity, answer, follows, **tolerance.settings)

    def _reading(self, world: World, quantity: Quantity, answer: Answer, truth: Array, tolerance: Tolerance) -> Array | None:
        for value in world.readings(quantity):
            if np.isfinite(value).all() and tolerance.accepts(answer, value):
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


def vanished(x: Array, truth: Array) -> Array:
    """Where there is nothing beside the truth's entry: as they are, or each in relation to its largest.

    Entry by entry, as an honest tail of a sigmoid is small in both.
    """
    size, true = np.abs(x), np.abs(truth)
    largest, most = size.max(initial=0.0) or 1.0, true.max(initial=0.0) or 1.0
    return (true != 0.0) & ((size <= NOTHING * true) | (size / largest <= NOTHING * (true / most)))


def same_pins(written: Mapping[str, Array], exact: Mapping[str, Array]) -> bool:
    return all(
        np.array_equal(value, exact[name]) or np.allclose(value, exact[name], rtol=1e-9, atol=0.0)
        for name, value in written.items()
        if name in exact
    )
