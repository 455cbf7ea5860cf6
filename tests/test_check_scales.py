"""What a gradient is measured by: the size of what it is computed from, and of nothing else."""

import numpy as np
import pytest

from engine import read_problem
from engine.check.scales import gradients_and_scales, scales_of
from tests.problems import CASES


def largest(run, *names):
    return max(float(np.abs(run.gradients[name]).max()) for name in names)


def deep():
    layers = [{"units": 4, "init": {"kind": "he"}, "activation": "tanh"} for _ in range(2)]
    layers.append({"units": 3, "init": {"kind": "he", "seed": 5}, "activation": "softmax"})
    inputs = np.random.default_rng(0).standard_normal((6, 5))
    return read_problem(
        {"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": inputs, "labels": [0, 1, 2, 0, 1, 2]}
    )


def test_it_is_what_lies_between_it_and_the_cost():
    run = deep().run()
    _, scales = gradients_and_scales(run, ("W1", "W3", "X"))
    assert scales["W3"] == largest(run, "Z3", "losses", "J")
    assert scales["W1"] == largest(run, "Z1", "A1", "Z2", "A2", "Z3", "losses", "J")
    assert scales["X"] == scales["W1"]


def test_a_fused_head_is_passed_by():
    """Also where dA is asked for; in a head that is not fused, dA is what dZ is computed from."""
    run = deep().run()
    gradients, _ = gradients_and_scales(run, ("A3", "W3"))
    assert np.array_equal(gradients["A3"], run.gradients["A3"])
    sizes = {"A3": 1e30, "Z3": 2.0, "W3": 0.1, "W1": 0.1}
    assert scales_of(run, sizes) == {"A3": 1e30, "Z3": 2.0, "W3": 2.0, "W1": 2.0}
    apart = read_problem(
        {
            "network": {"layers": [{"weights": [[1.0], [2.0]], "activation": "tanh"}], "loss": "squared_error"},
            "inputs": [[1.0, 2.0]],
            "labels": [[0.5]],
        }
    )
    assert scales_of(apart.run(), {"A1": 1e30, "W1": 0.1}) == {"A1": 1e30, "W1": 1e30}


def test_branches_do_not_count_for_each_other():
    run = read_problem({"graph": {"expressions": ["u = 1e20 * a", "J = u + b"]}, "values": {"a": 1.0, "b": 2.0}}).run()
    assert gradients_and_scales(run, ("a", "b"))[1] == {"a": 1.0, "b": 1.0}
    assert scales_of(run, {"a": 1e20, "b": 1.0}) == {"a": 1e20, "b": 1.0}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_gradients_beside_are_those_of_the_run(case):
    run = read_problem(case["problem"]).run()
    names = run.graph.differentiable
    gradients, scales = gradients_and_scales(run, names)
    assert list(gradients) == list(scales) == list(names)
    assert all(np.array_equal(gradients[name], run.gradients[name]) for name in names)
