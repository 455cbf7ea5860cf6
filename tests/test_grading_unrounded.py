"""After an error that nobody can explain: who keeps full precision earns what follows, and who guesses does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from engine import Key, Policy, grade, read_policy, read_problem
from engine.grading import unrounded
from tests.cohorts import Task, blamed, describe, draw_task, draw_writing, is_far, solved, vanished
from tests.students import BLUNDERS, Array, Stuck, Student

BLUNDERERS = 1500
GUESSES = 700
EACH = 16
NEURON = {"weights": [[0.01], [-0.01]], "bias": [0.0], "activation": "sigmoid"}
LOGISTIC = {
    "network": {"layers": [NEURON], "loss": "binary_cross_entropy"},
    "inputs": [[35, 120], [60, 80], [15, 200]],
    "labels": [[1], [1], [0]],
}
SCALARS = {
    "graph": {"expressions": ["v1 = x1 * x2", "v2 = exp(x1)", "v3 = v1 + v2", "f = log(v3)"]},
    "values": {"x1": 2, "x2": 3},
}


def verdicts(wire: dict[str, Any], answers: dict[str, Any], **policy: Any) -> dict[str, str]:
    problem = read_problem(wire)
    return {item.name: item.verdict for item in grade(problem, answers, read_policy(policy, problem)).items}


def squared_residual(shown: int) -> tuple[list[list[str]], Array]:
    """dZ1 = (A − Y)²/m as it is written, and the dW1 of who carries all digits of it."""
    X, Y = np.array(LOGISTIC["inputs"]), np.array(LOGISTIC["labels"])
    A = 1.0 / (1.0 + np.exp(-X @ np.array(NEURON["weights"])))
    dZ = (A - Y) ** 2 / len(X)
    return [[f"{each:.{shown}f}"] for each in dZ.ravel()], X.T @ dZ


@pytest.mark.parametrize("shown", [2, 3, 4, 6])
def test_full_precision_after_an_unexplained_error_is_follow_through(shown: int) -> None:
    dZ1, dW1 = squared_residual(shown)
    answers = {"dZ1": dZ1, "dW1": [[f"{each:.4f}"] for each in dW1.ravel()]}
    assert verdicts(LOGISTIC, answers, ask=["dZ1", "dW1"]) == {"dZ1": "wrong", "dW1": "follow_through"}


@pytest.mark.parametrize("shown", [3, 4])
def test_a_derivative_that_was_not_inverted_is_carried_on(shown: int) -> None:
    v3 = 6.0 + np.exp(2.0)  # for 1/v3
    answers = {"dv3": f"{v3:.{shown}f}", "dx1": f"{v3 * (3.0 + np.exp(2.0)):.{shown}f}"}
    assert verdicts(SCALARS, answers, ask=["dv3", "dx1"]) == {"dv3": "wrong", "dx1": "follow_through"}


def test_what_lies_outside_of_the_rounding_does_not_follow() -> None:
    dZ1, dW1 = squared_residual(4)
    for off in (0.02, -0.02, 0.5):
        answers = {"dZ1": dZ1, "dW1": [[f"{each + off:.4f}"] for each in dW1.ravel()]}
        assert verdicts(LOGISTIC, answers, ask=["dZ1", "dW1"])["dW1"] == "wrong", off


def test_only_digits_as_they_are_written_leave_anything_open() -> None:
    dZ1, dW1 = squared_residual(4)
    answers = {"dZ1": dZ1, "dW1": [[f"{each:.4f}"] for each in dW1.ravel()]}
    for tolerance in ({"mode": "relative"}, {"mode": "decimals", "digits": 4}):
        assert verdicts(LOGISTIC, answers, ask=["dZ1", "dW1"], tolerance=tolerance)["dW1"] == "wrong"


def test_too_few_digits_follow_from_nothing() -> None:
    answers = {"dZ1": squared_residual(4)[0], "dW1": [["20"], ["70"]]}
    assert verdicts(LOGISTIC, answers, ask=["dZ1", "dW1"])["dW1"] == "wrong"


def test_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand uncertain numbers are not moved one by one."""
    rng = np.random.default_rng(0)
    trials, moved = [], unrounded.Unrounded.moved

    def counted(*each: Any) -> list[Array]:
        trials.append(each)
        return moved(*each)

    monkeypatch.setattr(unrounded.Unrounded, "moved", counted)
    X = rng.standard_normal((400, 5))
    wire = {
        "network": {"layers": [{"weights": rng.standard_normal((5, 5)), "activation": "tanh"}], "loss": "squared_error"},
        "inputs": X,
        "labels": rng.standard_normal((400, 5)),
    }
    dZ = rng.standard_normal((400, 5))
    key = Key(read_problem(wire))
    found = key.grade({"dZ1": np.round(dZ, 3).tolist(), "dW1": np.round(X.T @ dZ, 4).tolist()}, Policy())
    assert {item.name: item.verdict for item in found.items} == {"dZ1": "wrong", "dW1": "wrong"}
    assert len(trials) <= 2


def blunderers(rng: np.random.Generator, count: int) -> Iterator[tuple[Task, Student]]:
    """Students with one error that is in no table, who carry on with all digits or with rounded ones."""
    made = 0
    while made < count:
        task = draw_task(rng)
        for _ in range(EACH):
            more: dict[str, Any] = {**task.habits(rng), "submits": task.handed_in(rng)}
            clean = solved(task.student, **more)
            assert clean is not None
            error = {"blunder": str(rng.choice(list(clean.numbers))), "blunders": str(rng.choice(list(BLUNDERS)))}
            student = solved(task.student, writing=draw_writing(rng), calculates=True, **error, **more)
            if student is not None and made < count and not vanished(student, clean.numbers):
                made += 1
                yield task, student


def test_one_unexplained_error_is_held_against_a_student_once() -> None:
    """But for a few who write two or three digits of numbers that nearly cancel: of those nothing can be told."""
    harmed = []
    for task, student in blunderers(np.random.default_rng(70), BLUNDERERS):
        found = task.grade(student.answers)
        if len(blamed(found)) > 1:
            harmed.append((student, describe(student, found)))
    assert [shown for student, shown in harmed if student.writing.carries or student.writing.digits > 3] == []
    assert len(harmed) <= 0.005 * BLUNDERERS, [shown for _, shown in harmed]


def test_random_answers_after_an_unexplained_error_do_not_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """At random, or near what follows, or with an error of their own: what lies two units and more away."""
    rng = np.random.default_rng(80)
    consistent, taken = unrounded.Unrounded.consistent, []

    def noted(self: Any, world: Any, quantity: Any, *rest: Any, **settings: Any) -> bool:
        found = consistent(self, world, quantity, *rest, **settings)
        taken.extend([quantity.name] if found else [])
        return found

    monkeypatch.setattr(unrounded.Unrounded, "consistent", noted)
    guesses, lucky = 0, []
    for task, student in blunderers(rng, GUESSES):
        order = [item.name for item in task.grade(student.answers).items if item.name in student.numbers]
        after = order[order.index(student.blunder) + 1 :]
        for _ in range(3 if after else 0):
            name = str(rng.choice(after))
            try:
                written = student.writing.write(guess(rng, student.numbers[name]))
            except Stuck:
                continue
            if is_far(written, student.numbers[name]):
                guesses += 1
                taken.clear()
                task.grade({**student.answers, name: written})
                lucky += [(student.writing, written, student.numbers[name])] if name in taken else []
    assert guesses > GUESSES
    assert len(lucky) <= 0.001 * guesses, lucky


def guess(rng: np.random.Generator, right: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(
            (
                rng.standard_normal(right.shape) * np.abs(right).max(),
                rng.uniform(-1.0, 1.0, right.shape),
                right * (1.0 + 0.5 * rng.standard_normal(right.shape)),
                BLUNDERS[str(rng.choice(list(BLUNDERS)))](right),
            )[rng.integers(4)]
        )
