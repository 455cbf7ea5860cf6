"""Pinning and mutation: what follows from a given number is computed from it, and the graph stays as it was."""

import numpy as np
import pytest

from engine import compute, pin, read_problem
from engine.errors import ShapeMismatch, UnknownName
from engine.graph.graph import UNCHANGED, Changes
from tests.problems import CASES


def recompute(problem, names, **given):
    """Quantities of a run in which others are given; a `/` in a name is written `_per_`."""
    changes = pin(problem, {name.replace("_per_", "/"): np.array(value) for name, value in given.items()})
    return compute(problem, names, problem.run(changes))


@pytest.fixture
def mlp():
    return read_problem(CASES["mlp-3-2-1"]["problem"])


def test_values_follow_from_a_given_value(mlp):
    found = recompute(mlp, ["A1", "Z2", "A2"], Z1=[[0.0, 0.0]])
    assert found["A1"].tolist() == [[0.5, 0.5]]
    assert found["Z2"].item() == pytest.approx(0.5 * 0.3 + 0.5 * 0.5)
    assert found["A2"].item() == pytest.approx(1 / (1 + np.exp(-0.4)))


def test_gradients_use_the_given_values(mlp):
    """A student's A2 = 0.62 gives dZ2 = (A2 − Y)·A2·(1 − A2) of that number, although Z2 says otherwise."""
    found = recompute(mlp, ["dA2", "dZ2", "dW2"], A2=[[0.62]])
    assert found["dA2"].item() == pytest.approx(0.62 - 1)
    assert found["dZ2"].item() == pytest.approx((0.62 - 1) * 0.62 * 0.38)
    A1 = mlp.run()["A1"]
    assert np.allclose(found["dW2"], A1.T * found["dZ2"])


def test_gradients_follow_from_a_given_gradient(mlp):
    found = recompute(mlp, ["dW2", "dA1", "dW1", "dZ2"], dZ2=[[2.0]])
    run = mlp.run()
    assert found["dZ2"].item() == 2.0
    assert np.allclose(found["dW2"], run["A1"].T * 2)
    assert np.allclose(found["dA1"], [[0.6, 1.0]])
    assert np.allclose(found["dW1"], run["X"].T @ (found["dA1"] * run["A1"] * (1 - run["A1"])))


def test_updates_follow_too():
    problem = read_problem(CASES["mlp-1-1-1"]["problem"])
    assert recompute(problem, ["W1_new"], dW1=[[3.0]])["W1_new"].item() == pytest.approx(-0.5 - 0.3)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_fused_head_has_two_rules(layout):
    """dZ from a given A is A − Y; when dA is given, it is that through the softmax's own derivative."""
    wire = {
        "network": {
            "layers": [{"weights": [[0.2, -0.3, 0.4]], "activation": "softmax"}],
            "layout": layout,
            "orientation": "in_out",
            "loss": "cross_entropy",
        },
        "inputs": [[2.0]],
        "labels": [1],
    }
    problem = read_problem(wire)
    shape = problem.graph["A1"].shape
    given = np.array([0.2, 0.5, 0.3])
    found = recompute(problem, ["dZ1", "dA1", "losses"], A1=given.reshape(shape))
    assert np.allclose(found["dZ1"].ravel(), [0.2, -0.5, 0.3])
    assert np.allclose(found["dA1"].ravel(), [0, -2.0, 0])
    assert found["losses"].item() == pytest.approx(np.log(2))
    p = problem.run()["A1"].ravel()
    dA = np.array([1.0, 2.0, -1.0])
    found = recompute(problem, ["dZ1"], dA1=dA.reshape(shape))
    assert np.allclose(found["dZ1"].ravel(), p * (dA - p @ dA))
    both = recompute(problem, ["dZ1"], dA1=dA.reshape(shape), A1=given.reshape(shape))
    assert np.allclose(both["dZ1"].ravel(), given * (dA - given @ dA))


def test_a_given_local_derivative_carries_on():
    problem = read_problem(CASES["graph-sum-times"]["problem"])
    found = recompute(problem, ["dq", "dx", "dz"], f_per_q=7.0)
    assert (found["dq"], found["dx"], found["dz"]) == (7.0, 7.0, 5.0)
    jacobian = read_problem(CASES["affine-activation-jacobians"]["problem"])
    zeros = np.zeros((2, 2))
    assert not recompute(jacobian, ["dW"], u_per_z=zeros)["dW"].any()


def test_a_given_local_derivative_replaces_the_unnamed_parts():
    """u = (a·b)·c: u/a given as 10 stands for the way through a·b as well."""
    problem = read_problem({"graph": {"expressions": ["u = a * b * c", "J = 2 * u"]}, "values": {"a": 3, "b": 5, "c": 7}})
    assert compute(problem, ["u/a", "u/b", "u/c"]) == {"u/a": 35, "u/b": 21, "u/c": 15}
    found = recompute(problem, ["da", "db", "dc"], u_per_a=10.0)
    assert (found["da"], found["db"], found["dc"]) == (20, 42, 30)


def test_average_in_parameters_keeps_its_share_for_given_numbers():
    problem = read_problem(CASES["logistic-three-examples-as-in-the-notes"]["problem"])
    found = recompute(problem, ["dW1", "db1"], dZ1=[[3.0, 3.0, 3.0]])
    assert found["db1"].item() == pytest.approx(3.0)
    assert np.allclose(found["dW1"], [[2.0, 2.5]])


def test_rules_and_forwards_are_replaced_for_one_run_only(mlp):
    before = {name: value.copy() for name, value in mlp.run().gradients.items()}
    changes = Changes(
        rules={("A1", 0): lambda d, out, x: d},
        forwards={"Z2": lambda A, W: A @ W + 1.0},
    )
    changed = mlp.run(changes)
    assert np.allclose(changed.gradients["Z1"], changed.gradients["A1"])
    assert changed["Z2"].item() == pytest.approx(mlp.run()["Z2"].item() + 1)
    for name, value in mlp.run().gradients.items():
        assert np.array_equal(value, before[name])


def test_a_replaced_rule_leaves_the_shortcut():
    """A wrong derivative of the loss shows in dZ although the head is fused."""
    problem = read_problem(CASES["softmax-regression"]["problem"])
    wrong = problem.run(Changes(rules={("losses", 0): lambda d, out, a, y: y - a}))
    assert np.allclose(wrong.gradients["A1"], problem.run()["Y"] - problem.run()["A1"])
    p = problem.run()["A1"].ravel()
    dA = wrong.gradients["A1"].ravel()
    assert np.allclose(wrong.gradients["Z1"].ravel(), p * (dA - p @ dA))


def test_nothing_given_changes_nothing(mlp):
    assert pin(mlp, {}) is UNCHANGED
    with pytest.raises(UnknownName, match="did you mean 'dZ2'"):
        pin(mlp, {"dZ22": np.zeros((1, 1))})
    with pytest.raises(ShapeMismatch, match="'Z1' is a list of 2, not 1×2"):
        pin(mlp, {"Z1": np.zeros(2)})
