"""For a task's author: which mistakes a problem cannot tell apart from the truth, or from each other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from engine.errors import TooLarge
from engine.grading.candidates import same
from engine.grading.grade import Key
from engine.grading.mistakes import MISTAKES, Mistake, Scene
from engine.ops.row import Array
from engine.problems import Problem
from engine.quantities import Quantity, computed_names, in_order, shape_of

READABLE = 10_000
"""A local derivative with more entries than this is asked of nobody."""


@dataclass(frozen=True, slots=True)
class Distinction:
    """One mistake on one problem."""

    code: str
    family: str
    message: str
    at: tuple[str, ...]
    """The quantities where it can be made."""
    same_as: tuple[str, ...]
    """"truth" if it changes nothing anywhere, and the other mistakes that lead to the same answers everywhere."""

    @property
    def tells_apart(self) -> bool:
        return not self.same_as


def distinguish(problem: Problem) -> tuple[Distinction, ...]:
    """Every row of the table that makes sense on this problem, played out at every quantity that can be asked for."""
    with np.errstate(all="ignore"):  # mistakes may overflow
        return _distinguish(problem)


def _distinguish(problem: Problem) -> tuple[Distinction, ...]:
    trivial = f"d{problem.graph.nodes[problem.graph.output].name}"  # the output by itself: 1
    quantities = in_order(problem, [name for name in computed_names(problem) if name != trivial])
    quantities = [each for each in quantities if each.kind != "local" or prod(shape_of(problem, each)) <= READABLE]
    numbers = len(MISTAKES) * sum(prod(shape_of(problem, each)) for each in quantities)
    if numbers > (most := problem.limits.played_numbers):
        raise TooLarge(
            f"to play out all mistakes would take {numbers:,} numbers; {most:,} is the most: take fewer examples or units"
        )
    key = Key(problem)
    scene = Scene(problem, key.run)
    effects: dict[str, dict[str, list[Array]]] = {}
    for mistake in MISTAKES.values():
        at = {quantity.name: played(mistake, scene, quantity) for quantity in quantities}
        at = {name: answers for name, answers in at.items() if answers}
        if at:
            effects[mistake.code] = at
    truths = {quantity.name: [key.truth(quantity)] for quantity in quantities}
    found = []
    for code, at in effects.items():
        twins = [other for other, theirs in effects.items() if other != code and covers(theirs, at)]
        if covers(truths, at):
            twins.insert(0, "truth")
        mistake = MISTAKES[code]
        found.append(Distinction(code, mistake.family, mistake.message, tuple(at), tuple(twins)))
    return tuple(found)


def played(mistake: Mistake, scene: Scene, quantity: Quantity) -> list[Array]:
    return list(mistake.answers(scene, quantity))


def covers(others: dict[str, list[Array]], at: dict[str, list[Array]]) -> bool:
    """Whether every answer of a mistake is also one of the others at the same quantity."""
    return all(
        any(same(answer, other) for other in others.get(name, [])) for name, answers in at.items() for answer in answers
    )
