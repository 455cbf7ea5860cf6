"""Cohorts of students for tests of grading: random tasks, random ways of writing, and what counts as one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from engine.grading import Grade, Key, Policy
from engine.problems import read_problem
from tests.student_graphs import draw_graph
from tests.student_networks import NetworkStudent, draw_network
from tests.students import Array, Slip, Stuck, Student, Writing, read

BLAMED = ("wrong", "malformed")


@dataclass
class Task:
    """A problem with its key, a student to copy, and what is right by that student's own formulas."""

    student: Any
    key: Key

    def grade(self, answers: dict[str, Any]) -> Grade:
        return self.key.grade(answers, Policy())

    def handed_in(self, rng: np.random.Generator) -> frozenset[str] | None:
        """Everything, or only what is asked for by default, at times with the updated parameters."""
        if rng.random() < 0.5:
            return None
        asked = frozenset(self.key.problem.asked)
        return asked | {f"{name[1:]}_new" for name in asked} if rng.random() < 0.3 else asked

    def habits(self, rng: np.random.Generator) -> dict[str, bool]:
        """Which of two right ways a student takes."""
        if not isinstance(self.student, NetworkStudent):
            return {}
        return {"shortcut": bool(rng.random() < 0.5), "at_z": bool(rng.random() < 0.3)}


def draw_task(rng: np.random.Generator) -> Task:
    student: Any = NetworkStudent(net=draw_network(rng)) if rng.random() < 0.75 else draw_graph(rng)
    wire = student.net.wire() if isinstance(student, NetworkStudent) else student.wire()
    return Task(student, Key(read_problem(wire)))


def draw_writing(rng: np.random.Generator, *, least: int = 2, computed: float = 0.1) -> Writing:
    if rng.random() < computed:
        return Writing(computed=True)
    return Writing(
        digits=int(rng.integers(least, 7)),
        truncates=bool(rng.random() < 0.5),
        aligned=bool(rng.random() < 0.3),
        text=bool(rng.random() < 0.5),
        general=bool(rng.random() < 0.15),
        carries=bool(rng.random() < 0.5),
    )


def solved(student: Any, **changes: Any) -> Student | None:
    """The student's answers, or None where the numbers lead nowhere."""
    try:
        with np.errstate(all="ignore"):
            found: Student = student.other(**changes).solve()
            return found
    except Stuck:
        return None


def differs(x: Array, y: Array, part: float = 1e-7) -> bool:
    """Whether two answers can be told apart; axes of length 1 are no difference."""
    if [n for n in x.shape if n != 1] != [n for n in y.shape if n != 1]:
        return True
    return bool(np.abs(x - y.reshape(x.shape)).max() > part * max(np.abs(y).max(), 1e-30))


def vanished(student: Student, truth: dict[str, Array]) -> bool:
    """Whether a mistake leaves nothing of a quantity: no numbers are left that anything could follow from."""
    return any(np.abs(value).max() < 1e-9 * np.abs(truth[name]).max() for name, value in student.numbers.items())


def blamed(grade: Grade) -> list[str]:
    return [item.name for item in grade.items if item.verdict in BLAMED]


def describe(student: Any, grade: Grade) -> str:
    """For the message of a test that fails: who, and what was held against them."""
    shown = ", ".join(
        f"{item.name} {item.verdict}: wrote {student.answers.get(item.name)} for {student.numbers.get(item.name)}"
        for item in grade.items
        if item.verdict in BLAMED
    )
    return f"{student.slip or student.blunder or 'no mistake'}; {student.writing}; {shown}"


def honest_students(rng: np.random.Generator, count: int, mistake: str, each: int = 16) -> Iterator[tuple[Task, Student]]:
    """Students without a mistake, with a `slip` of the table of mistakes, or with a `blunder` that nobody can explain."""
    made = 0
    while made < count:
        task = draw_task(rng)
        for _ in range(each):
            more: dict[str, Any] = {**task.habits(rng), "submits": task.handed_in(rng)}
            clean = solved(task.student, **more) if mistake != "none" else None
            if clean is not None and mistake == "slip":
                chances = list(clean.chances)
                more["slip"] = chances[rng.integers(len(chances))]
            elif clean is not None:
                more["blunder"] = str(rng.choice(list(clean.numbers)))
            student = solved(task.student, writing=draw_writing(rng), **more)
            if student is not None and made < count and not (clean and vanished(student, clean.numbers)):
                made += 1
                yield task, student


def twins(task: Task, slip: Slip, first: str, every: dict[Slip, dict[str, Array]], writing: Writing) -> set[str]:
    """The codes of other mistakes that give the same answer where this one first shows, in the digits that are written."""
    written = writing.write(every[slip][first])
    return {
        other.code
        for other, numbers in every.items()
        if other.code != slip.code
        and (not differs(numbers[first], every[slip][first]) or writing.write(numbers[first]) == written)
    }


def place_of(entry: Any) -> float:
    """The place of the last digit that is written."""
    shown = entry if isinstance(entry, str) else repr(entry).removesuffix(".0")
    exponent = Decimal(shown).as_tuple().exponent
    assert isinstance(exponent, int)
    return float(Decimal(1).scaleb(exponent))


def is_far(written: Any, truth: Array) -> bool:
    """Whether an entry is further from the truth than two units of its last digit (and than a float32 from a float64)."""
    entries = np.array(written, dtype=object).ravel().tolist()
    units = np.array([place_of(entry) for entry in entries])
    distance = np.abs(read(written).ravel() - truth.ravel())
    return bool((distance > np.maximum(2.0 * units, 3e-6 * np.abs(truth).max())).any())
