"""The worked examples of the lecture notes: every quantity of `truth`, which was computed at 50 digits."""

import numpy as np
import pytest

from engine import certify, compute, read_problem, solve
from tests.problems import CASES


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_quantity_of_truth(case):
    found = compute(read_problem(case["problem"]), case["truth"])
    for name, truth in case["truth"].items():
        expected = np.array(truth)
        assert found[name].shape == expected.shape, name
        assert np.abs(found[name] - expected).max() <= 1e-12 * np.abs(expected).max(), name


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_key_is_certified(case):
    problem = read_problem(case["problem"])
    certificate = certify(problem)
    # Only this case has pre-activations of exactly 0 in a relu (0.3·1 − 0.8·0.5 + 0.1), up to rounding.
    assert certificate.status == ("kink" if case["id"] == "two-layer-relu-sigmoid" else "agrees")
    assert certificate.max_error < 1e-14
    assert certificate.coordinates == sum(problem.run()[name].size for name in problem.graph.differentiable)


def test_kinks_name_unit_and_example():
    kinks = certify(read_problem(CASES["two-layer-relu-sigmoid"]["problem"])).kinks
    assert [(kink.node, kink.index) for kink in kinks] == [("Z1", (0, 0)), ("Z1", (1, 1))]


def test_a_solution_holds_everything():
    problem = read_problem(CASES["mlp-1-1-1"]["problem"])
    solution = solve(problem, include=["local", "formulas"], jacobians=["dA2/dW1"])
    names = ["X", "W1", "Z1", "A1", "W2", "Z2", "A2", "Y", "losses", "J"]
    assert [node.name for node in solution.nodes] == names
    assert solution.output == "J"
    assert solution.value == pytest.approx(0.10258051873709025, rel=1e-15)
    assert set(solution.updates) == {"W1_new", "W2_new"}
    assert solution.jacobians["dA2/dW1"].shape == (1, 1, 1, 1)
    by_name = {node.name: node for node in solution.nodes}
    assert by_name["Y"].gradient is None
    assert [local.input for local in by_name["Z2"].local] == ["A1", "W2"]
    assert by_name["Z1"].value_formula is not None
    assert by_name["Z1"].value_formula.text == "Z1 = X @ W1"
    assert by_name["Z1"].formula is not None
    assert by_name["Z1"].formula.text == "dZ1 = dA1 * A1 * (1 - A1)"
