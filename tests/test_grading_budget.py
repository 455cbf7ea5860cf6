"""However much is wrong with a submission, looking into it comes to an end; what is right and what is wrong stays."""

import sys
from collections import Counter

import numpy as np
import pytest

from engine import Key, Policy, read_problem
from engine.grading.budget import MOST, NOT_LOOKED_INTO, Budget
from tests.cohorts import draw_task
from tests.test_grading_simulation import plant
from tests.timing import quickest

grading = sys.modules["engine.grading.grade"]  # as an attribute of its package it is the function


def deep(layers):
    made = [{"units": 4, "activation": "tanh"} for _ in range(layers)]
    made[-1]["activation"] = "softmax"
    network = {"layers": made, "loss": "cross_entropy"}
    return read_problem({"network": network, "inputs": [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]], "labels": [0, 1]})


def nonsense(layers):
    return {f"{what}{layer}": [[1, 2], [3, 4]] for layer in range(1, layers + 1) for what in ("Z", "A", "dZ", "dW", "db")}


@pytest.fixture
def budgets(monkeypatch):
    """Those that were used."""
    made = []

    def budget(left=MOST):
        made.append(Budget(left))
        return made[-1]

    monkeypatch.setattr(grading, "Budget", budget)
    return made


def test_one_hostile_submission_is_graded_soon():
    key = Key(deep(40))
    grades = []
    taken = quickest(lambda: grades.append(key.grade(nonsense(40), Policy())), enough=5, tries=3)
    assert taken < 5  # 8 s to 30 s without an end to it
    grade = grades[0]
    messages = [item.message for item in grade.items]
    assert any(message.endswith(NOT_LOOKED_INTO) for message in messages)
    assert messages[0] == "expected 2×4, not 2×2"
    assert grade == key.grade(nonsense(40), Policy())


@pytest.mark.parametrize("seed", range(3))
def test_verdicts_do_not_depend_on_it(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    problem = deep(3)
    answers = {f"d{name}": np.round(value * rng.choice([1, 1, -1, 2]), 2) for name, value in problem.run().gradients.items()}
    key = Key(problem)
    graded = []
    for most in (1, MOST, 10**9):
        monkeypatch.setattr(grading, "Budget", lambda most=most: Budget(most))
        graded.append(key.grade({name: value.tolist() for name, value in answers.items()}, Policy()))
    assert "wrong" in [item.verdict for item in graded[0].items]
    assert NOT_LOOKED_INTO in [item.message for item in graded[0].items]
    first = [(item.verdict, item.points) for item in graded[1].items]
    assert first == [(item.verdict, item.points) for item in graded[2].items]
    assert len(first) == len(graded[0].items)


def test_students_do_not_meet_it(budgets):
    rng = np.random.default_rng(0)
    for _ in range(12):
        plant(draw_task(rng), rng, Counter())
    assert len(budgets) > 100
    assert min(each.left for each in budgets) > 0.5 * MOST
