"""Which mistake explains an answer.

Every row of the table of mistakes is played out where it makes sense: at the asked quantity, and, for mistakes that
travel, at quantities before it that were not answered. A row explains an answer if its numbers match and a chance match
is unlikely.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.grading.answers import COMPUTED_DIGITS, Answer
from engine.grading.budget import SCENE, UNLIMITED, Budget, Exhausted
from engine.grading.candidates import EQUAL, Explanation, candidates, same, supposed_pins, unseen
from engine.grading.compare import Tolerance, alike
from engine.grading.mistakes import Scene
from engine.grading.written import written
from engine.ops.row import Array
from engine.quantities import Quantity

MOST_ALTERNATIVES = 3
LEAST_DIGITS = 2
"""A JSON number is evidence of as many digits, though it does not show its zeros."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The mistake that explains an answer, or the few that might."""

    named: Explanation | None = None
    alternatives: tuple[Explanation, ...] = ()
    at: Quantity | None = None
    """Where the named mistake was made, if that was before the asked quantity, and its family explains it nowhere else."""
    possible: tuple[Explanation, ...] = ()
    """All that lead to these numbers, by chance or not: where a student may have carried on from."""


def diagnose(
    answer: Answer, quantity: Quantity, truth: Array, scenes: list[Scene], tolerance: Tolerance, budget: Budget = UNLIMITED
) -> Diagnosis:
    """Name a mistake if all rows that explain the answer are of one family, else offer at most three."""
    for scene in scenes:
        scene.budget = budget
    try:
        budget.spend(SCENE * len(scenes))
        with np.errstate(all="ignore"):  # mistakes may overflow; what is not finite explains nothing
            return _diagnose(answer, quantity, truth, scenes, tolerance)
    except Exhausted:
        return Diagnosis()


def _diagnose(answer: Answer, quantity: Quantity, truth: Array, scenes: list[Scene], tolerance: Tolerance) -> Diagnosis:
    matching = [
        known
        for scene in scenes
        for each in candidates(quantity, truth, scene, lambda value: tolerance.may_accept(answer, value))
        if (known := confirmed(each, answer, quantity, tolerance)) is not None
    ]
    best: dict[str, Explanation] = {}
    for explanation in matching:
        mistake = explanation.mistake
        if evidence(answer, explanation.value, truth) < mistake.evidence:
            continue
        if mistake.family not in best or mistake.special > best[mistake.family].mistake.special:
            best[mistake.family] = explanation
    if not matching:
        matching = [
            known
            for scene in scenes
            if not scene.carries
            for each in unseen(quantity, scene, tolerance)
            if (known := confirmed(each, answer, quantity, tolerance)) is not None
        ]
    possible = distinct(matching)
    if len(best) == 1:
        (named,) = best.values()
        return Diagnosis(named, at=place_of(named, matching, quantity), possible=possible)
    if 1 < len(best) <= MOST_ALTERNATIVES:
        return Diagnosis(None, tuple(best.values()), possible=possible)
    return Diagnosis(possible=possible)


def place_of(named: Explanation, matching: list[Explanation], quantity: Quantity) -> Quantity | None:
    places = {each.site.name for each in matching if each.mistake.family == named.mistake.family}
    return named.site if len(places) == 1 and named.site.name != quantity.name else None


def confirmed(each: Explanation, answer: Answer, quantity: Quantity, tolerance: Tolerance) -> Explanation | None:
    """The explanation, if it leads to this answer and does not contradict the ones before."""
    if not explains(answer, each.value, tolerance):
        return None
    pins = supposed_pins(each, quantity, tolerance)
    return None if pins is None else replace(each, pins=pins)


def distinct(explanations: list[Explanation]) -> tuple[Explanation, ...]:
    """One explanation for all that leave the student with the same numbers."""
    found: list[Explanation] = []
    for each in explanations:
        for other in found:
            alike_in_name = each.site.name == other.site.name and each.scene.carries == other.scene.carries
            if alike_in_name and same(each.at_site, other.at_site):
                break
        else:
            found.append(each)
    return tuple(found)


def explains(answer: Answer, value: Array, tolerance: Tolerance) -> bool:
    return alike(answer.shape, value.shape) and tolerance.accepts(answer, value)


def evidence(answer: Answer, value: Array, truth: Array) -> float:
    """How unlikely it is to meet this value by chance, in decades: digits written, over the entries that tell something.

    An entry that is 0 tells nothing. One that is the value itself, as whole numbers are, tells all.
    """
    submitted, expected = answer.values.ravel(), value.ravel()
    telling = np.ones(expected.shape, dtype=bool)
    if alike(value.shape, truth.shape):
        telling &= np.abs(expected - truth.ravel()) > EQUAL * np.abs(truth).max(initial=0.0)
    if not telling.any():
        return 0.0
    size = np.abs(expected).max()
    unit = np.where(answer.digits().significant >= COMPUTED_DIGITS, 1e-6 * size, written(answer, LEAST_DIGITS).unit)
    if (np.abs(submitted - expected) <= EQUAL * np.abs(expected))[telling].all():
        return np.inf
    chance = np.minimum(1.0, 1.5 * unit / size)
    return float(-np.log10(chance[telling]).sum())
