"""Grading a full answer set, against one pass of value and gradient.

    .venv/bin/python benchmarks/grading.py

Gates, in both readings that their words allow: a full answer set of 3-2-1 under 3 ms, all right (`right`) and as the
lecture notes have it, with an error that is diagnosed and followed (`printed`); 784-128-10 with 64 examples, all gradients
right, no more than 8 passes, of the parameters' gradients and of all nodes' gradients. `grade` certifies the key as well;
`again` grades another student by the same key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from _timing import Time, timed  # first: it pins BLAS to one thread

import numpy as np
from _report import Reading, Wanted, number, run

from engine import Key, Policy, grade, read_problem

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parent.parent / "tests/worked_examples.json").read_text())["cases"]
}

SOON = Wanted("<", 3, of="ours")
FEW = Wanted("≤", 8)
LARGE = "784-128-10 × 64"

reading = partial(Reading, "grading")


def small(share: float) -> Iterator[Reading]:
    case = CASES["mlp-3-2-1"]
    problem = read_problem(case["problem"])
    key = Key(problem)
    right = {name: run.tolist() for name, run in ((name, problem.run()[name]) for name in ("Z1", "A1", "Z2", "A2"))}
    right |= {
        f"d{name}": value.tolist() for name, value in problem.run().gradients.items() if name not in ("X", "losses", "J")
    }
    times = timed(
        {
            "pass": lambda: problem.run().gradients,
            "right": lambda: grade(problem, right),
            "printed": lambda: grade(problem, case["printed"]),
            "again": lambda: key.grade(case["printed"], Policy()),
        },
        share=share,
    )
    for what, time in times.items():
        asked = SOON if what in ("right", "printed") else None
        yield reading("3-2-1", what, time.median, wanted=asked, note=best(time))


def large(share: float) -> Iterator[Reading]:
    rng = np.random.default_rng(0)
    layers = [
        {"weights": rng.standard_normal((784, 128)) * 0.05, "bias": rng.standard_normal(128) * 0.1, "activation": "relu"},
        {"weights": rng.standard_normal((128, 10)) * 0.1, "bias": rng.standard_normal(10) * 0.1, "activation": "softmax"},
    ]
    network = {"layers": layers, "loss": "cross_entropy"}
    problem = read_problem({"network": network, "inputs": rng.random((64, 784)), "labels": rng.integers(0, 10, 64)})
    gradients = problem.run().gradients
    answers = {f"d{name}": gradients[name] for name in ("W1", "b1", "Z1", "A1", "W2", "b2", "Z2")}
    key = Key(problem)
    times = timed(
        {
            "parameters": lambda: problem.run().gradients_of(problem.graph.parameters),
            "all nodes": lambda: problem.run().gradients,
            "grade": lambda: grade(problem, answers),
            "again": lambda: key.grade(answers, Policy()),
        },
        share=share,
    )
    passes = {f"pass, {name}": times.pop(name) for name in ("parameters", "all nodes")}
    for name, time in passes.items():
        yield reading(LARGE, name, time.median, note=best(time))
    for name, time in passes.items():
        least = f"{number(times['grade'].best / time.best)}× it by best times"
        yield reading(LARGE, "grade", times["grade"].median).beside(name, time.median, wanted=FEW, note=least)
    yield reading(LARGE, "again", times["again"].median, note=best(times["again"]))


def best(time: Time) -> str:
    return f"best {number(time.best)} ms"


def readings(share: float) -> Iterator[Reading]:
    yield from small(share)
    yield from large(share)


if __name__ == "__main__":
    run(readings, __doc__)
