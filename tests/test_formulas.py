"""What students read is true: every formula, evaluated as it stands, gives the number beside it."""

import numpy as np
import pytest

from engine import read_problem
from engine.formulas import formula
from engine.quantities import Quantity
from tests.problems import CASES, random_network
from tests.test_networks import HIDDEN


def softmax(x, axis=-1):
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def section(x, start, stop, axis):
    return np.take(x, np.arange(np.shape(x)[axis])[start:stop], axis=axis)


def spread(d, x, start, stop, axis):
    whole = np.zeros(x.shape)
    index = [slice(None)] * x.ndim
    index[axis] = slice(start, stop)
    whole[tuple(index)] = d
    return whole


def part(d, position, *parts, axis):
    start = sum(each.shape[axis] for each in parts[:position])
    return section(d, start, start + parts[position].shape[axis], axis)


NUMPY = (
    "exp log log1p sin cos sqrt tanh sign where sum mean max min maximum minimum clip ones outer transpose dot expand_dims"
    " reshape pi"
)
NAMESPACE = {name: getattr(np, name) for name in NUMPY.split()} | {
    "abs": np.abs,
    "concat": lambda *parts, axis: np.concatenate(parts, axis=axis),
    "column": lambda b: b[:, None],
    "softmax": softmax,
    "section": section,
    "spread": spread,
    "part": part,
}


def every_formula(problem):
    """(quantity, its formula, the engine's number, what the formula evaluates to)."""
    run = problem.run()
    names = {**NAMESPACE, **{name: run[name] for name in problem.graph.names}}
    names |= {f"d{name}": value for name, value in run.gradients.items()}
    if "losses" in problem.graph.index:
        names["m"] = run["losses"].size
    for name in problem.graph.names:
        quantities = [(Quantity(name, "value", name), run[name])]
        if problem.graph[name].differentiable:
            quantities.append((Quantity(f"d{name}", "gradient", name), run.gradients[name]))
        for quantity, number in quantities:
            found = formula(problem, quantity)
            if found is not None:
                left, right = found.text.split(" = ", 1)
                assert left == quantity.name
                yield quantity.name, found, number, eval(right, {"__builtins__": {}}, names)


def assert_true(problem):
    count = 0
    for name, found, number, evaluated in every_formula(problem):
        assert np.allclose(evaluated, number, rtol=1e-9, atol=1e-12), found.text
        assert np.broadcast_shapes(np.shape(evaluated), number.shape) == number.shape, found.text
        assert found.latex.count("{") == found.latex.count("}"), name
        assert found.latex.count(r"\left") == found.latex.count(r"\right"), name
        count += 1
    return count


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_on_the_worked_examples(case):
    assert assert_true(read_problem(case["problem"])) >= 3


@pytest.mark.parametrize("activation", HIDDEN)
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_on_networks(activation, layout):
    for number, (loss, head) in enumerate(
        [
            ("squared_error", "identity"),
            ("absolute_error", "tanh"),
            ("huber", "identity"),
            ("hinge", "identity"),
            ("binary_cross_entropy", "sigmoid"),
            ("cross_entropy", "softmax"),
            ("binary_cross_entropy_with_logits", "identity"),
            ("cross_entropy_with_logits", "identity"),
        ]
    ):
        conventions = {
            "kind": loss,
            "scale": [1, 0.5, 3][number % 3],
            "reduction": ["mean", "sum"][number // 2 % 2],
            "average_in": ["loss", "parameters"][number % 2],
        }
        options = {"layout": layout, "orientation": ["in_out", "out_in"][number % 2], "bias": number % 3 > 0}
        rng = np.random.default_rng(number)
        assert_true(read_problem(random_network(rng, [3, 4, 3], [activation, head], conventions, **options)))


@pytest.mark.parametrize(
    "expressions",
    [
        ["u = W @ x + b", "v = x @ W", "J = dot(u, v)"],
        ["J = sum((W * x + k) ** 2 / (W - 5 * k))"],
        ["J = mean(W, axis=None) + mean(mean(W, axis=0) * x)"],
        ["m1 = max(W, axis=1)", "m2 = min(W, axis=0, keepdims=True)", "J = sum(m2 * m1) - max(x)"],
        ["s = logsumexp(W, axis=1)", "J = norm(s) + sum(norm(W, axis=0))"],
        ["c = concat(x, b, x)", "J = sum(square(slice(c, start=1, stop=4))) * -k"],
        ["J = sum(sqrt(abs(x)) ** k - exp(-x) * log(k))"],
        ["J = sum(outer(x, b) @ W) + sum(transpose(W) @ W)"],
        ["J = sum(reshape(W, shape=(4,)) * concat(x, b))"],
        ["J = sum(maximum(x, b) * minimum(W, k) + clip(W, low=-0.5, high=0.5))"],
        ["J = sum(cross_entropy(softmax(W), softmax(W * 2)) + huber(W, W * W, delta=0.3))"],
        ["J = sum(log_softmax(W, axis=0) * W)"],
        ["J = k * k * k + k"],
        ["J = -(k - 2) - (3 - k)"],
    ],
)
def test_on_expressions(expressions):
    values = {"W": [[0.3, -1.2], [2.1, 0.7]], "x": [0.9, -0.4], "b": [1.1, 0.2], "k": 1.5}
    problem = read_problem({"graph": {"expressions": expressions}, "values": values})
    assert assert_true(problem) >= 3


def test_as_a_person_would_write_them():
    def texts(case):
        return {
            name: found.text.split(" = ", 1)[1] for name, found, _, _ in every_formula(read_problem(CASES[case]["problem"]))
        }

    network = texts("three-layers-algorithm-1")
    assert network["Z2"] == "W2 @ A1 + column(b2)"
    assert network["dZ3"] == "(1/m) * (A3 - Y)"
    assert network["dA2"] == "W3.T @ dZ3"
    assert network["dZ2"] == "dA2 * A2 * (1 - A2)"
    assert network["dW1"] == "dZ1 @ X.T"
    assert network["db1"] == "sum(dZ1, axis=1)"
    notes = texts("logistic-three-examples-as-in-the-notes")
    assert notes["dZ1"] == "A1 - Y"
    assert notes["dW1"] == "(dZ1 @ X.T) / m"
    assert notes["dlosses"] == "1"
    assert texts("graph-3-a-plus-bc")["dc"] == "du * b"
    assert texts("affine-activation-jacobians")["dW"] == "outer(dg, x)"
    assert texts("mlp-1-1-1")["dA2"] == "(1/m) * (A2 - Y)"


def test_latex():
    problem = read_problem(CASES["three-layers-algorithm-1"]["problem"])
    found = {name: each.latex for name, each, _, _ in every_formula(problem)}
    assert found["dZ2"] == r"dZ_{2} = dA_{2} \odot A_{2} \odot \left(1 - A_{2}\right)"
    assert found["dZ3"] == r"dZ_{3} = \frac{1}{m} \, \left(A_{3} - Y\right)"
    assert found["dW1"] == r"dW_{1} = dZ_{1} \, X^{\top}"
    assert found["db1"] == r"db_{1} = \sum_{\text{axis } 1} \left(dZ_{1}\right)"
