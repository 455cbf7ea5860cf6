"""Thousands of students, none of them made by the engine: who is right is marked right, and who errs is told how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from engine.grading import Key, Policy, distinguish
from engine.grading.mistakes import MISTAKES
from engine.grading.world import World
from engine.grading.worlds import Worlds
from engine.problems import Problem, read_problem
from tests.cohorts import (
    Task,
    blamed,
    describe,
    differs,
    draw_task,
    draw_writing,
    honest_students,
    is_far,
    solved,
    twins,
    vanished,
)
from tests.student_networks import Network, NetworkStudent
from tests.students import Array, Slip, Writing

PLANTED = 2000
HONEST = {"none": 8000, "slip": 1000, "blunder": 1000}
RANDOM = 5000
FRESH = (0, 1000)
"""Added to every seed: the thresholds were set by what the first seeds show, and must hold for others as well."""
EACH = 20
"""Students a task, so that a key is made once for several."""


@dataclass
class Case:
    """One planted mistake, and what was made of it."""

    slip: Slip
    twins: set[str]
    named: str | None
    alternatives: list[str]
    blamed: list[str]
    shown: str

    @property
    def found(self) -> bool:
        """Named, or among the alternatives; a mistake of the same family with the same numbers is another word for it."""
        family = MISTAKES[self.slip.code].family
        words = {self.slip.code} | {code for code in self.twins if MISTAKES[code].family == family}
        return bool(words & {self.named, *self.alternatives})


def plant(task: Task, rng: np.random.Generator, planted: Counter[str]) -> list[Case]:
    """Several mistakes on one task, rare ones first; only such that make a difference that can be seen."""
    student = replace(task.student, **task.habits(rng))
    submits = task.handed_in(rng)
    clean = solved(student, submits=submits)
    assert clean is not None
    every: dict[Slip, dict[str, Array]] = {}
    for slip in clean.chances:
        found = solved(student, submits=submits, slip=slip)
        if found is not None and not vanished(found, clean.numbers):
            every[slip] = found.numbers
    shows = {
        slip: numbers
        for slip, numbers in every.items()
        if any(differs(value, clean.numbers[name], 3e-3) for name, value in numbers.items())
    }
    cases = []
    for _ in range(EACH if shows else 0):
        codes = sorted({slip.code for slip in shows})
        rarest = min(codes, key=lambda code: planted[code])
        code = rarest if rng.random() < 0.5 else codes[rng.integers(len(codes))]
        ways = [slip for slip in shows if slip.code == code]
        slip = ways[rng.integers(len(ways))]
        writing = draw_writing(rng, least=4, computed=0.4)
        made = solved(student, submits=submits, slip=slip, writing=writing)
        if made is None:
            continue
        planted[code] += 1
        grade = task.grade(made.answers)
        wrong = blamed(grade)
        first = wrong[0] if wrong else next(iter(made.numbers))
        item = next(item for item in grade.items if item.name == first)
        cases.append(
            Case(
                slip,
                twins(task, slip, first, shows, writing),
                item.named.mistake.code if item.named else None,
                [each.mistake.code for each in item.alternatives],
                wrong,
                describe(made, grade),
            )
        )
    return cases


@pytest.fixture(scope="module", params=FRESH)
def cases(request) -> list[Case]:
    rng = np.random.default_rng(20 + request.param)
    planted: Counter[str] = Counter()
    found: list[Case] = []
    while len(found) < PLANTED:
        found += plant(draw_task(rng), rng, planted)
    return found


def test_planted_mistakes_are_named_or_among_three(cases):
    missed = [case for case in cases if not case.found]
    assert len(missed) <= 0.01 * len(cases), [(case.slip, case.named, case.alternatives, case.shown) for case in missed[:9]]
    assert max(len(case.alternatives) for case in cases) <= 3


def test_what_the_numbers_can_tell_apart_is_named_alone(cases):
    apart = [case for case in cases if not case.twins]
    assert len(apart) > len(cases) / 2
    others = [case for case in apart if case.named != case.slip.code]
    assert len(others) <= 0.05 * len(apart), [(case.slip, case.named, case.alternatives, case.shown) for case in others[:9]]


def test_one_mistake_is_held_against_a_student_once(cases):
    several = [case for case in cases if len(case.blamed) != 1]
    assert len(several) <= 0.002 * len(cases), [(case.slip, case.blamed, case.shown) for case in several[:9]]


def test_every_row_of_the_table_is_planted(cases):
    planted = {case.slip.code for case in cases}
    assert planted <= set(MISTAKES)
    for code in MISTAKES:
        assert code in planted, f"'{code}' is in the table of mistakes, but no student of tests/student_*.py ever makes it"


@pytest.mark.parametrize("fresh", FRESH)
@pytest.mark.parametrize("mistake", HONEST)
def test_nobody_is_marked_wrong_for_how_they_round(mistake, fresh):
    """Rounded or cut off to 2 to 6 digits, carried on or not; after one mistake nothing else is held against them."""
    rng = np.random.default_rng(30 + fresh)
    harmed = []
    for task, student in honest_students(rng, HONEST[mistake], mistake):
        grade = task.grade(student.answers)
        if len(blamed(grade)) > (mistake != "none"):
            harmed.append(describe(student, grade))
    assert harmed == []


@pytest.mark.parametrize("fresh", FRESH)
def test_random_answers_are_neither_right_nor_explained(fresh):
    rng = np.random.default_rng(40 + fresh)
    far = diagnosed = 0
    lucky = []
    while far < RANDOM:
        task = draw_task(rng)
        clean = solved(task.student)
        assert clean is not None
        for _ in range(EACH):
            writing = draw_writing(rng, computed=0.2)
            name = str(rng.choice(list(clean.numbers)))
            truth = clean.numbers[name]
            guess = (
                rng.standard_normal(truth.shape) * np.abs(truth).max(),
                rng.uniform(-1.0, 1.0, truth.shape),
                truth * (1.0 + 0.5 * rng.standard_normal(truth.shape)),
            )[rng.integers(3)]
            written = writing.write(np.asarray(guess))
            if not is_far(written, truth):
                continue
            far += 1
            others = {each: writing.write(value) for each, value in clean.numbers.items()} if rng.random() < 0.1 else {}
            item = next(item for item in task.grade({**others, name: written}).items if item.name == name)
            if item.verdict not in ("wrong", "malformed"):
                lucky.append((name, item.verdict, written, truth.tolist()))
            diagnosed += item.named is not None or bool(item.alternatives)
    assert lucky == []
    assert diagnosed < 0.005 * far


@pytest.mark.parametrize(("reading", "carries"), [("exact", True), ("as written", False)])
def test_follow_through_needs_both_readings(monkeypatch, reading, carries):
    """Without the exact reading, who keeps full precision is marked wrong; without the other, who carries rounded ones."""

    def with_one_reading(worlds: Worlds, problem: Problem) -> None:
        both(worlds, problem)
        worlds.worlds = [World(problem, carries=carries), World(problem, carries=carries)]

    both = Worlds.__init__
    monkeypatch.setattr(Worlds, "__init__", with_one_reading)
    rng = np.random.default_rng(50)
    harmed = 0
    for task, student in honest_students(rng, 300, "slip"):
        if student.writing.carries is not carries:
            harmed += len(blamed(task.grade(student.answers))) > 1
    assert harmed > 5, f"no student needs the {reading} reading"


def square(**changes: Any) -> Network:
    """One layer before the head, everything 2×2, and one example more than that."""
    rng = np.random.default_rng(60)
    network = Network(
        X=rng.standard_normal((3, 2)),
        Y=rng.standard_normal((3, 2)),
        weights=(rng.standard_normal((2, 2)), rng.standard_normal((2, 2))),
        biases=(rng.standard_normal(2), rng.standard_normal(2)),
        activations=("tanh", "identity"),
        loss="squared_error",
    )
    return replace(network, **changes)


ONE = {"X": np.array([[0.3, -0.7]]), "Y": np.array([[1.1, 0.4]])}
SYMMETRIC = np.array([[0.9, -0.4], [-0.4, 0.3]])
SILENT = {
    "one example": (square(**ONE), {"missing_one_over_m", "extra_one_over_m", "summed_not_averaged"}),
    "symmetric weights": (square(weights=(SYMMETRIC, SYMMETRIC)), {"weights_not_transposed"}),
    "dead relu": (
        square(activations=("relu", "identity"), biases=(np.array([-9.0, -9.0]), np.zeros(2))),
        {"derivative_at_a_not_z", "used_updated_weights"},
    ),
    "no bias": (square(biases=(np.zeros(2), np.zeros(2))), {"forgot_bias"}),
}


@pytest.mark.parametrize("case", SILENT)
def test_a_mistake_that_changes_nothing_is_never_named(case):
    network, silent = SILENT[case]
    problem = read_problem(network.wire())
    same_as = {each.code: each.same_as for each in distinguish(problem)}
    student = NetworkStudent(net=network)
    clean = student.other().solve()
    grader = Task(student, Key(problem))
    for code in sorted(silent):
        assert code not in same_as or "truth" in same_as[code], (code, same_as[code])
    for slip in clean.chances:
        if slip.code in silent and (made := solved(student, slip=slip)) and not vanished(made, clean.numbers):
            assert blamed(grader.grade(made.answers)) == [], slip
    for slip in clean.chances:
        made = solved(student, slip=slip, writing=Writing(digits=3))
        if made is not None:
            for item in grader.grade(made.answers).items:
                explanations = [item.named, *item.alternatives]
                assert not silent & {each.mistake.code for each in explanations if each}, (slip, item.name)


def test_the_transpose_of_a_symmetric_matrix_is_no_mistake():
    expressions = ["P = S * S", "r = sum(P, axis=0)", "J = sum(r, axis=0)"]
    problem = read_problem({"graph": {"expressions": expressions}, "values": {"S": SYMMETRIC.tolist()}})
    same_as = {each.code: each.same_as for each in distinguish(problem)}
    assert "truth" in same_as["transposed"]
    assert blamed(Key(problem).grade({"P": (SYMMETRIC**2).T.tolist(), "dS": (2 * SYMMETRIC).T.tolist()}, Policy())) == []
    doubled = Key(problem).grade({"dS": (-2 * SYMMETRIC).T.tolist()}, Policy()).items[0]
    assert doubled.named is not None
    assert doubled.named.mistake.code == "sign_flipped"
