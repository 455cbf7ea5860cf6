"""Grading a full answer set, against one pass of value and gradient.

    .venv/bin/python benchmarks/grading.py

Gates, in both readings that their words allow: a full answer set of 3-2-1 under 3 ms, all right (`right`) and as the
lecture notes have it, with an error that is diagnosed and followed (`printed`); 784-128-10 with 64 examples, all gradients
right, no more than 8 passes, of the parameters' gradients and of all nodes' gradients. `grade` certifies the key as well;
`again` grades another student by the same key.
"""

from __future__ import annotations

import json
from pathlib import Path

from _timing import best_times, row  # first: it pins BLAS to one thread

import numpy as np

from engine import Key, Policy, grade, read_problem

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parent.parent / "tests/worked_examples.json").read_text())["cases"]
}


def small() -> None:
    case = CASES["mlp-3-2-1"]
    problem = read_problem(case["problem"])
    key = Key(problem)
    right = {name: run.tolist() for name, run in ((name, problem.run()[name]) for name in ("Z1", "A1", "Z2", "A2"))}
    right |= {
        f"d{name}": value.tolist() for name, value in problem.run().gradients.items() if name not in ("X", "losses", "J")
    }
    times = best_times(
        {
            "pass": lambda: problem.run().gradients,
            "right": lambda: grade(problem, right),
            "printed": lambda: grade(problem, case["printed"]),
            "again": lambda: key.grade(case["printed"], Policy()),
        }
    )
    row("3-2-1", times, ", ".join(f"{name} {verdict(times[name] < 3e-3)}" for name in ("right", "printed")) + " (< 3 ms)")


def large() -> None:
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
    times = best_times(
        {
            "parameters": lambda: problem.run().gradients_of(problem.graph.parameters),
            "all nodes": lambda: problem.run().gradients,
            "grade": lambda: grade(problem, answers),
            "again": lambda: key.grade(answers, Policy()),
        }
    )
    passes = {name: times["grade"] / times[name] for name in ("parameters", "all nodes")}
    listed = ", ".join(f"{count:.1f} of {name}: {verdict(count <= 8)}" for name, count in passes.items())
    row("784-128-10 × 64", times, f"passes {listed} (≤ 8)")


def verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


if __name__ == "__main__":
    small()
    large()
