"""One wrong entry of one gradient, by a thousandth of the largest, is found in every network."""

import numpy as np
import pytest

from engine import certify, check, read_problem
from engine.errors import KeyRefuted
from tests.problems import random_network

NETWORKS = 300
PLANTED = 1e-3
SHAPES = ([2, 3, 3, 2], [4, 8, 3], [20, 30, 8, 5], [30, 40, 6])


def network(seed):
    """Small ones are checked entry by entry, large ones in the factored form, with classes or soft labels."""
    widths = SHAPES[seed % len(SHAPES)]
    activation = ["relu", "leaky_relu", "tanh"][seed % 3]
    heads = [activation] * (len(widths) - 2) + ["softmax"]
    layout, loss = "columns" if seed % 5 == 0 else "rows", {"kind": "cross_entropy"}
    # Weights so small that no head is all but certain: its dA would be 1e20, and other gradients nothing beside it.
    rng = np.random.default_rng(seed)
    return read_problem(random_network(rng, widths, heads, loss, examples=6, spread=0.3, layout=layout))


def test_a_single_wrong_entry_is_found_and_named():
    for seed in range(NETWORKS):
        problem, rng = network(seed), np.random.default_rng(seed)
        gradients = problem.run().gradients
        right = {f"d{name}": gradients[name] for name in problem.graph.parameters}
        size = max(float(np.abs(each).max()) for each in right.values())
        name = str(rng.choice(list(right)))
        wrong = right[name].copy()
        at = tuple(int(rng.integers(count)) for count in wrong.shape)
        wrong[at] += PLANTED * size * rng.choice([-1.0, 1.0])
        report = check(problem, {**right, name: wrong})
        told = {each.name: each.status for each in report.gradients}
        assert told == {each: "disagrees" if each == name else "agrees" for each in right}, seed
        (verdict,) = [each for each in report.gradients if each.name == name]
        assert verdict.worst is not None
        assert verdict.worst.index == at, seed
        assert check(problem, right).status == "agrees", seed
        with pytest.raises(KeyRefuted, match=name):
            certify(problem, gradients={name[1:]: wrong})
