"""Local and total Jacobians against the chain rule and against differences of the forward pass."""

import numpy as np
import pytest

from engine import compute, read_problem
from engine.errors import BadProblem, TooLarge, UnknownName
from engine.graph.graph import Changes
from engine.limits import Limits
from tests.problems import CASES, random_network


def numeric_jacobian(problem, of, by):
    """Central differences of one node's value by another's, from forward passes with that node given."""
    start = problem.run()
    result = np.zeros(start[of].shape + start[by].shape)
    for index in np.ndindex(start[by].shape):
        moved = []
        for h in (1e-6, -1e-6):
            value = start[by].copy()
            value[index] += h
            moved.append(problem.run(Changes(values={by: value}))[of])
        result[(..., *index)] = (moved[0] - moved[1]) / 2e-6
    return result


@pytest.fixture
def network():
    rng = np.random.default_rng(5)
    wire = random_network(rng, [2, 3, 2], ["tanh", "softmax"], {"kind": "cross_entropy"}, examples=2)
    return read_problem(wire)


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ("A2", "W1"),
        ("Z2", "X"),
        ("losses", "Z2"),
        ("losses", "W2"),
        ("J", "b1"),
        ("A1", "Z1"),
        ("A2", "A2"),
    ],
)
def test_totals(network, of, by):
    found = compute(network, [f"d{of}/d{by}"])[f"d{of}/d{by}"]
    if of == by:
        assert np.array_equal(found.reshape(4, 4), np.eye(4))
    else:
        assert np.allclose(found, numeric_jacobian(network, of, by), atol=1e-8)


def test_locals_hold_everything_else(network):
    found = compute(network, ["Z2/A1", "Z2/W2", "Z2/b2", "A2/Z2", "losses/A2"])
    assert found["Z2/A1"].shape == (2, 2, 2, 3)
    W2, A1 = network.run()["W2"], network.run()["A1"]
    for n, k in np.ndindex(2, 2):
        for r, i in np.ndindex(2, 3):
            assert found["Z2/A1"][n, k, r, i] == (W2[i, k] if n == r else 0)
        for i, j in np.ndindex(3, 2):
            assert found["Z2/W2"][n, k, i, j] == (A1[n, i] if k == j else 0)
    assert np.array_equal(found["Z2/b2"], np.stack([np.eye(2), np.eye(2)]))


def test_the_chain_rule_joins_locals_to_totals(network):
    found = compute(network, ["A2/Z2", "Z2/A1", "A1/Z1", "dA2/dZ1"])
    chain = np.tensordot(np.tensordot(found["A2/Z2"], found["Z2/A1"], 2), found["A1/Z1"], 2)
    assert np.allclose(chain, found["dA2/dZ1"])


def test_average_in_parameters_does_not_touch_jacobians():
    problem = read_problem(CASES["logistic-three-examples-as-in-the-notes"]["problem"])
    assert np.allclose(compute(problem, ["dJ/dW1"])["dJ/dW1"], problem.run().gradients["W1"])
    assert np.allclose(compute(problem, ["J/losses"])["J/losses"], 1 / 3)


def test_fan_out_is_summed_in_totals_and_in_locals():
    problem = read_problem({"graph": {"expressions": ["u = x * x + x", "J = u * x"]}, "values": {"x": 3.0}})
    found = compute(problem, ["u/x", "J/x", "J/u", "dJ/dx", "dx"])
    assert found == {"u/x": 7, "J/x": 12, "J/u": 3, "dJ/dx": 33, "dx": 33}


def test_too_large_a_jacobian_is_refused_before_it_is_made(network):
    small = read_problem(CASES["mlp-3-2-1"]["problem"], Limits(jacobian_entries=5))
    with pytest.raises(TooLarge, match="would be 1×2×3×2: more than 5 numbers"):
        compute(small, ["Z1/W1"])


def test_only_direct_inputs_have_local_derivatives(network):
    with pytest.raises(UnknownName):
        compute(network, ["Z2/Z1"])


def test_there_is_no_jacobian_without_influence(network):
    with pytest.raises(BadProblem, match="'W2' has no influence on 'A1'"):
        compute(network, ["dA1/dW2"])
