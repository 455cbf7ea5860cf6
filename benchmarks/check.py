"""A full check of all gradients by exact increments, against one forward-backward pass and against central differences.

    python benchmarks/check.py

Central differences are timed on 40 coordinates and multiplied up.
"""

from __future__ import annotations

from _timing import best_times, row  # first: it pins BLAS to one thread

import numpy as np

from engine import certify, check, read_problem
from engine.check.methods import central


def contest(widths: list[int], examples: int, activation: str) -> None:
    rng = np.random.default_rng(0)
    heads = [activation] * (len(widths) - 2) + ["softmax"]
    layers = [
        {
            "weights": rng.standard_normal((i, o)) * np.sqrt(2 / i),
            "bias": rng.standard_normal(o) * 0.1,
            "activation": head,
        }
        for i, o, head in zip(widths, widths[1:], heads, strict=False)
    ]
    X, y = rng.standard_normal((examples, widths[0])), rng.integers(0, widths[-1], examples)
    problem = read_problem({"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": X, "labels": y})
    tail = read_problem(
        {"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": X, "labels": y}
    )  # the same, for the bias of the last layer alone
    coordinates = sum(problem.run()[name].size for name in problem.graph.parameters)
    last = problem.graph.parameters[-1]
    times = best_times(
        {
            "pass": lambda: problem.run().gradients,
            "check": lambda: check(problem),
            "certify": lambda: certify(problem),
            "central": lambda: central(tail, tail.run(), [last], None, 0),
        },
        seconds=3.0,
    )
    times["central"] *= coordinates / problem.run()[last].size
    title = "-".join(map(str, widths)) + f" × {examples} {activation}"
    row(title, times, f"certify = {times['certify'] / times['pass']:.1f} passes")


if __name__ == "__main__":
    contest([8, 16, 16, 4], 32, "relu")
    contest([784, 128, 10], 64, "relu")
    contest([784, 128, 10], 64, "sigmoid")
