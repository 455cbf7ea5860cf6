"""The checker is itself checked: planted mistakes are found, correct gradients never accused, kinks told as kinks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import certify, check, read_problem
from engine.check import METHODS, Worst
from engine.check.short_way.entrance import SAMPLED
from engine.check.work import DIRECTIONS
from engine.errors import BadNumbers, BadProblem, KeyRefuted, ShapeMismatch, TooLarge, UnknownName
from engine.graph.graph import Changes
from engine.limits import Limits
from tests.problems import CASES, random_network


def network(seed=0, activation="tanh", widths=(3, 4, 3), loss="cross_entropy", head="softmax", **options):
    rng = np.random.default_rng(seed)
    wire = random_network(rng, list(widths), [activation] * (len(widths) - 2) + [head], {"kind": loss}, **options)
    return read_problem(wire)


def swap_first_two(g):
    swapped = g.copy()
    swapped.flat[0], swapped.flat[1] = g.flat[1], g.flat[0]
    return swapped


def off_by_one_percent(g):
    wrong = g.copy()
    worst = np.unravel_index(np.abs(g).argmax(), g.shape)
    wrong[worst] *= 1.01
    return wrong


def transpose_blocks(g):
    """The transposed gradient where the shape allows it, else its entries in transposed order."""
    return np.ascontiguousarray(g.T).reshape(g.shape)


# (node, position of the input, what is done to the rule). Positions: dense 0 A, 1 W, 2 b; activations 0.
MUTANTS: dict[str, tuple[str, int, Callable[..., Callable[..., Any]]]] = {
    "sign of dW": ("Z1", 1, lambda rule: lambda d, out, *x: -rule(d, out, *x)),
    "sign of db": ("Z1", 2, lambda rule: lambda d, out, *x: -rule(d, out, *x)),
    "sign of dZ": ("A1", 0, lambda rule: lambda d, out, *x: -rule(d, out, *x)),
    "factor 2": ("Z2", 1, lambda rule: lambda d, out, *x: 2 * rule(d, out, *x)),
    "factor ½": ("Z2", 2, lambda rule: lambda d, out, *x: rule(d, out, *x) / 2),
    "summed, not averaged": ("J", 0, lambda rule: lambda d, out, x: rule(d, out, x) * len(x)),
    "averaged twice": ("J", 0, lambda rule: lambda d, out, x: rule(d, out, x) / len(x)),
    "weights transposed": ("Z2", 1, lambda rule: lambda d, out, *x: transpose_blocks(rule(d, out, *x))),
    "weights forgotten upstream": ("Z2", 0, lambda rule: lambda d, out, *x: np.resize(d.sum(axis=1), x[0].shape)),
    "derivative forgotten": ("A1", 0, lambda rule: lambda d, out, x: d),
    "derivative at z": ("A1", 0, lambda rule: lambda d, out, x: d * (1 - x**2)),
    "derivative of sigmoid": ("A1", 0, lambda rule: lambda d, out, x: d * out * (1 - out)),
    "square forgotten": ("A1", 0, lambda rule: lambda d, out, x: d * (1 - out)),
    "one entry off by 1 %": ("Z1", 1, lambda rule: lambda d, out, *x: off_by_one_percent(rule(d, out, *x))),
    "one bias off by 1 %": ("Z1", 2, lambda rule: lambda d, out, *x: off_by_one_percent(rule(d, out, *x))),
    "two entries swapped": ("Z2", 1, lambda rule: lambda d, out, *x: swap_first_two(rule(d, out, *x))),
    "two biases swapped": ("Z1", 2, lambda rule: lambda d, out, *x: swap_first_two(rule(d, out, *x))),
    "bias averaged": ("Z1", 2, lambda rule: lambda d, out, *x: d.mean(axis=0)),
    "first example only": ("Z2", 1, lambda rule: lambda d, out, A, *x: np.outer(A[0], d[0])),
    "outer product of sums": ("Z1", 1, lambda rule: lambda d, out, A, *x: np.outer(A.sum(axis=0), d.sum(axis=0))),
    "label of the next example": (
        "losses",
        0,
        lambda rule: lambda d, out, a, y: rule(d, out, a, np.roll(y, 1, axis=0)),
    ),
    "prediction squared": ("losses", 0, lambda rule: lambda d, out, a, y: rule(d, out, a * a, y)),
}


def mutated_gradients(problem, node, position, change):
    op = problem.graph[node].op
    attributes = problem.graph[node].attributes

    def rule(d, out, *inputs):
        return op.rule(position)(d, out, *inputs, **attributes)

    run = problem.run(Changes(rules={(node, position): change(rule)}))
    return {f"d{name}": run.gradients[name] for name in problem.graph.parameters}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_planted_mistakes_are_found_and_named(mutant, method):
    problem = network(seed=3)
    right = {f"d{name}": problem.run().gradients[name] for name in problem.graph.parameters}
    wrong = mutated_gradients(problem, *MUTANTS[mutant])
    report = check(problem, wrong, method=method, seed=7)
    assert report.status == "disagrees"
    for verdict in report.gradients:
        error = np.abs(wrong[verdict.name] - right[verdict.name])
        assert verdict.status == ("disagrees" if error.max() > 1e-6 * np.abs(right[verdict.name]).max() else "agrees")
        if verdict.status == "disagrees" and method != "directional":
            assert verdict.worst is not None
            assert error[verdict.worst.index] == pytest.approx(error.max(), rel=1e-5)
            assert verdict.worst.submitted == wrong[verdict.name][verdict.worst.index]
            assert verdict.worst.numeric == pytest.approx(right[verdict.name][verdict.worst.index], rel=1e-4, abs=1e-8)
            assert verdict.max_error > verdict.error_bound


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_key_with_a_wrong_rule_is_not_handed_out(mutant, monkeypatch):
    """The same mistakes, planted in the engine itself: the certificate refuses."""
    problem = network(seed=3)
    node, position, change = MUTANTS[mutant]
    op = problem.graph[node].op
    attributes = problem.graph[node].attributes
    rules = Changes(rules={(node, position): change(lambda d, out, *x: op.rule(position)(d, out, *x, **attributes))})
    with pytest.raises(KeyRefuted, match="could not be confirmed"):
        certify(problem, problem.run(rules))


def test_the_factored_certificate_refuses_too():
    problem = network(seed=3, widths=(30, 60, 40))
    assert certify(problem).status == "agrees"
    node, position, change = MUTANTS["one entry off by 1 %"]
    op = problem.graph[node].op
    with pytest.raises(KeyRefuted):
        certify(problem, problem.run(Changes(rules={(node, position): change(op.rule(position))})))


@pytest.mark.parametrize("method", METHODS)
def test_correct_relu_networks_are_never_accused(method):
    """500 networks, half of them with kinks on purpose: zero biases and an all-zero example."""
    statuses = set()
    for seed in range(500 if method == "increment" else 60):
        rng = np.random.default_rng(seed)
        activation = ["relu", "leaky_relu", "relu"][seed % 3]
        wire = random_network(rng, [2, 3, 3, 2], [activation, activation, "softmax"], {"kind": "cross_entropy"}, examples=3)
        if seed % 2:
            wire["inputs"][1] = [0.0, 0.0]
            for layer in wire["network"]["layers"]:
                layer["bias"] = [0.0] * len(layer["bias"])
        problem = read_problem(wire)
        report = check(problem, method=method, tolerance=0.0 if method == "increment" else 1e-6, seed=seed)
        assert report.status != "disagrees", (seed, report)
        assert report.status != "inconclusive", (seed, report)
        assert certify(problem).status in ("agrees", "kink")
        statuses.add(report.status)
    assert statuses == {"agrees", "kink"}


def test_an_exact_kink_names_unit_and_example_and_accepts_any_subgradient():
    wire = {
        "network": {
            "layers": [
                {"weights": [[1.0, -2.0]], "bias": [0.0, 1.0], "activation": "relu"},
                {"weights": [[3.0], [1.0]], "activation": "identity"},
            ],
            "loss": {"kind": "squared_error", "reduction": "sum"},
        },
        "inputs": [[0.0], [1.0]],
        "labels": [[0.0], [0.0]],
    }
    problem = read_problem(wire)
    report = check(problem)
    assert report.status == "kink"
    (bias,) = [each for each in report.gradients if each.name == "db1"]
    assert bias.status == "kink"
    assert [(kink.node, kink.index) for kink in bias.kinks] == [("Z1", (0, 0))]
    gradient = problem.run().gradients["b1"]
    # Unit 0 of example 0 rests on its kink: 2·(1 − 0)·3 = 6 for any slope from 0 to 1 there.
    for slope, status in ((0.0, "kink"), (0.5, "kink"), (1.0, "kink"), (1.01, "disagrees"), (-0.01, "disagrees")):
        claim = {"db1": gradient + np.array([6.0 * slope, 0.0])}
        assert check(problem, claim).status == status
        assert check(problem, claim, method="central").status == status
        assert check(problem, claim, method="complex_step").status == status


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_all_methods_agree_on_the_worked_examples(case):
    problem = read_problem(case["problem"])
    for method in METHODS:
        assert check(problem, method=method, seed=1).status in ("agrees", "kink")


def test_the_error_bound_is_honest():
    """Without tolerance, correct gradients are within the bound, and an error of thrice the bound is not: what is beyond it
    is excused only by what rounding is seen to do."""
    for seed in range(40):
        problem = network(seed=seed, activation=["tanh", "sigmoid", "softplus", "silu"][seed % 4])
        report = check(problem, tolerance=0.0)
        assert report.status == "agrees"
        verdict = report.gradients[0]
        off = problem.run().gradients["W1"].copy()
        off[0, 0] += 3 * verdict.error_bound
        assert check(problem, {"dW1": off}, tolerance=0.0).status == "disagrees"


def test_random_directions_follow_their_seed():
    problem = network()
    wrong = {"dW1": problem.run().gradients["W1"] * 1.001}
    first, second, other = (check(problem, wrong, method="directional", seed=seed) for seed in (1, 1, 2))
    assert replace(first, seconds=0.0) == replace(second, seconds=0.0)
    assert first.gradients[0].worst != other.gradients[0].worst
    drawn = check(problem, wrong, method="directional")
    assert drawn.seed is not None
    assert drawn.seed != check(problem, wrong, method="directional").seed
    again = check(problem, wrong, method="directional", seed=drawn.seed)
    assert again.gradients == drawn.gradients


@pytest.mark.parametrize("step", [1e-4, 1e-6, 1e-30, 1e-100, 1e-150])
def test_increments_take_any_step(step):
    report = check(network(), step=step, tolerance=1e-6)
    assert report.status == "agrees"
    if step < 1e-7:
        assert max(each.max_error for each in report.gradients) < 1e-15


def test_a_step_too_coarse_is_inconclusive_not_wrong():
    report = check(network(), method="central", step=0.2, tolerance=0.0)
    assert report.status == "inconclusive"
    assert "smaller step" in next(each.reason for each in report.gradients if each.reason)


def test_claims_are_read_strictly():
    problem = network()
    gradient = problem.run().gradients["W1"].tolist()
    with pytest.raises(UnknownName, match="did you mean 'dW1'"):
        check(problem, {"dw1": gradient})
    with pytest.raises(ShapeMismatch, match="dW1 is 4×3, but 'W1' is 3×4"):
        check(problem, {"dW1": np.array(gradient).T.tolist()})
    with pytest.raises(BadNumbers, match="not NaN"):
        check(problem, {"dW1": [[float("nan")] * 4] * 3})
    with pytest.raises(UnknownName, match="method 'magic'"):
        check(problem, method="magic")
    with pytest.raises(BadNumbers, match="at least 1e-200"):
        check(problem, step=0)


def test_work_is_estimated_before_it_is_done():
    wire = random_network(np.random.default_rng(0), [3, 4, 3], ["tanh", "softmax"], {"kind": "squared_error"})
    problem = read_problem(wire, Limits(check_operations=1_000))
    with pytest.raises(TooLarge, match="or check along random directions"):
        check(problem)


def test_a_gradient_beside_larger_ones_is_not_waved_through():
    """64·eps·max|g| would cover any claim about b, but a has no part in it. What subtracts costs cannot tell."""
    problem = read_problem({"graph": {"expressions": ["J = 1e20 * a + b"]}, "values": {"a": 1.0, "b": 2.0}})
    for method, found in {"increment": "disagrees", "complex_step": "disagrees", "central": "inconclusive"}.items():
        assert check(problem, {"da": 1e20}, method=method).status == "agrees"
        report = check(problem, {"da": 1e20, "db": 3.0}, method=method)
        assert [each.status for each in report.gradients] == ["agrees", found]


def test_an_almost_certain_head_does_not_hide_wrong_gradients_elsewhere():
    """dA is as good as infinite there, but with a fused head no other gradient is computed from it."""
    layer = {"weights": [[40.0, 0.0], [1.0, -1.0]], "activation": "softmax"}
    wire = {"network": {"layers": [layer], "loss": "cross_entropy"}, "inputs": [[1.0, 0.5], [0.1, 0.2]], "labels": [1, 0]}
    problem = read_problem(wire)
    right = problem.run().gradients
    assert np.abs(right["A1"]).max() > 1e16
    wrong = right["W1"] + [[0.0, 0.0], [0.0, 0.01]]
    assert check(problem, {"dW1": wrong}).status == "disagrees"
    assert check(problem, {"dW1": wrong, "dA1": right["A1"]}).gradients[0].status == "disagrees"
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={**right, "W1": wrong})
    assert certify(problem).status == "agrees"


def test_gradients_that_cancel_to_rounding_noise_agree():
    """Three balanced classes at zero weights: db is a sum that is 0 up to rounding, and its noise accuses nobody."""
    wire = {
        "network": {
            "layers": [{"weights": [[0.0] * 3], "bias": True, "activation": "softmax"}],
            "loss": "cross_entropy",
        },
        "inputs": [[0.1], [0.7], [-0.3]],
        "labels": [0, 1, 2],
    }
    problem = read_problem(wire)
    assert certify(problem).status == "agrees"
    assert check(problem, tolerance=0.0).status == "agrees"


STEEP: dict[str, Any] = {
    "network": {
        "layers": [
            {"weights": [[0.3, -0.8], [1.2, 0.4], [-0.6, 0.9]], "bias": [0.1, -0.2, 0.05], "activation": "relu"},
            {"weights": [[0.7, -90732.0966942178, 0.5]], "bias": [0.2], "activation": "sigmoid"},
        ],
        "layout": "columns",
        "loss": "binary_cross_entropy",
    },
    "inputs": [[1, -0.5], [0.5, 2]],
    "labels": [[1, 0]],
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"weights": [[2.5, -5.0, -1.2, 0.5, 2.0, 243.79]]},  # gradients among the subnormal numbers
        {"weights": [[1e-61, 1, 1, 1, 1, 1]], "scaled": 1e60},
    ],
)
def test_no_method_accuses_a_correct_key_at_the_edges_of_floating_point(change):
    """Kinks before a steep head, gradients of 1e-314, inputs of 1e60: truncation and underflow are not mistakes."""
    wire = STEEP
    if change:
        inputs = [[3.0 * change.get("scaled", 1.0)], [2.0], [1.0], [3.0], [0.0], [4.19]]
        layer = {"weights": change["weights"], "bias": [0.1], "activation": "sigmoid"}
        network: dict[str, Any] = {"layers": [layer], "layout": "columns", "loss": "binary_cross_entropy"}
        wire = {"network": network, "inputs": inputs, "labels": [[1]]}
    problem = read_problem(wire)
    assert certify(problem).status in ("agrees", "kink")
    for method in ("increment", "directional", "complex_step"):
        assert check(problem, method=method, seed=3).status in ("agrees", "kink"), method


def test_complex_steps_at_zero_weights():
    layer = {"weights": [[0.0]], "bias": [0.0], "activation": "sigmoid"}
    for loss in ("binary_cross_entropy", "squared_error"):
        wire = {"network": {"layers": [layer], "loss": loss}, "inputs": [[2.0]], "labels": [[1.0]]}
        assert check(read_problem(wire), method="complex_step").status == "agrees"


def expression(*expressions, **values):
    return read_problem({"graph": {"expressions": list(expressions)}, "values": values})


@pytest.mark.parametrize("method", METHODS)
def test_gradients_that_are_zero_up_to_rounding_accuse_nobody(method):
    """Sums that cancel exactly by hand, and up to rounding here, whether or not other gradients are sent along."""
    identity = {"weights": [[0.3]], "bias": [0.1], "activation": "identity"}
    balanced = {"layers": [identity], "loss": "squared_error"}
    problem = read_problem({"network": balanced, "inputs": [[1], [-1]], "labels": [[0.3], [-0.1]]})
    assert check(problem, {"db1": [0]}, method=method).status == "agrees"
    perfect = {"layers": [{**identity, "weights": [[0.1]], "bias": [0.2]}], "loss": "squared_error"}
    problem = read_problem({"network": perfect, "inputs": [[1], [2]], "labels": [[0.3], [0.4]]})
    assert check(problem, {"db1": [0], "dW1": [[0]]}, method=method).status == "agrees"
    problem = expression("f = sum(softmax(z))", z=[1, 2, 3])
    assert check(problem, method=method).status == "agrees"
    assert certify(problem).status == "agrees"
    assert check(expression("f = (x - 0.1) * (x - 0.3)", x=0.2), method=method).status == "agrees"


@pytest.mark.parametrize(
    ("claim", "status"), [([1, 0], "kink"), ([0.5, 0.5], "kink"), ([0, 0], "disagrees"), ([1, 1], "disagrees")]
)
def test_the_parts_of_a_tie_sum_to_one(claim, status):
    assert check(expression("f = max(x)", x=[1, 1]), {"dx": claim}).status == status


def test_nothing_to_check_is_said():
    problem = read_problem({"graph": {"expressions": ["f = c * x"]}, "values": {"x": 1, "c": 2}, "constants": ["c", "x"]})
    with pytest.raises(BadProblem, match="nothing to check"):
        check(problem)
    assert certify(problem).status == "agrees"


def drawn(units, layers, activation, init="normal", inputs=None, examples=16, **more):
    """A network of drawn weights, large enough for the factored check."""
    hidden = [{"units": units, "init": {"kind": init}, "activation": activation, **more}] * layers
    X = np.random.default_rng(0).standard_normal((examples, units)) if inputs is None else np.array(inputs)
    network = {"layers": [*hidden, {"units": 3, "activation": "softmax"}], "loss": "cross_entropy"}
    return read_problem({"network": network, "inputs": X, "labels": [0] * len(X)})


@pytest.mark.parametrize(
    "problem",
    [
        lambda: drawn(40, 5, "relu"),  # signals that shrink to 1e-9: no absolute step is small beside them
        lambda: drawn(40, 4, "leaky_relu", bias=True),
        lambda: drawn(40, 5, "relu", "xavier", np.random.default_rng(1).standard_normal((16, 40)) * 1e-6),
        lambda: drawn(20, 30, "relu", "xavier", bias=True),
        lambda: drawn(30, 12, "elu", "he", np.vstack([np.zeros(30), np.ones((3, 30))])),  # one example of zeros
        lambda: drawn(30, 12, "tanh", "he", np.zeros((1, 30))),
        lambda: drawn(25, 5, "silu", "he", np.zeros((2, 25))),
        lambda: read_problem(  # products a thousand times larger than what is left of them
            {
                "network": {
                    "layers": [
                        {"weights": [[1, 2], [3, 4]], "activation": "tanh"},
                        {"weights": [[1e4] * 3] * 2, "activation": "softmax"},
                    ],
                    "loss": "cross_entropy",
                },
                "inputs": [[0.1, 0.2]],
                "labels": [0],
            }
        ),
        lambda: expression("z = k * x", "J = sum(softmax(z))", x=[1e-5, 3e-5, -2e-5], k=1e5),
        lambda: expression("J = exp(x) + tanh(k)", x=1.0, k=1e308),
        lambda: expression("u = x - mean(x)", "J = sum(u)", x=[1.1, 2.3, 4.9]),
        lambda: expression("u = x / norm(x)", "J = sum(u * u)", x=[1.1, 2.3, 4.9]),
        lambda: expression("u = x - mean(x)", "v = u / sqrt(mean(square(u)) + 1e-5)", "J = sum(v)", x=[1.1, 2.3, 4.9]),
    ],
)
def test_correct_keys_are_confirmed(problem):
    problem = problem()
    assert certify(problem).status in ("agrees", "kink")
    for method in ("increment", "directional"):
        assert check(problem, method=method, seed=1).status in ("agrees", "kink")


def test_what_is_not_a_number_is_not_confirmed():
    certificate = certify(expression("J = x ** p", x=-2.0, p=3.0))
    assert (certificate.status, certificate.reason) == ("inconclusive", "dp is not a number here")


KINKED = {"graph": {"expressions": ["J = sum(relu(x)*c)"]}, "values": {"x": [0.0, 1.0, 2.0], "c": [1.0, 0.3, 0.7]}}


@pytest.mark.parametrize("subgradient", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("method", ["increment", "central", "complex_step"])
def test_a_tolerance_holds_at_kinks_too(subgradient, method):
    """Whatever the directions: what each entry may be off by, they may be off by together."""
    problem = read_problem(KINKED)
    claim = {"dx": [subgradient, 0.301, 0.7]}
    for seed in range(20):
        assert check(problem, claim, method=method, tolerance=0.1, seed=seed).status == "kink"
        assert check(problem, claim, method=method, tolerance=1e-3, seed=seed).status == "kink"  # of 1, the largest slope
        report = check(problem, claim, method=method, seed=seed)
        worst = report.gradients[0].worst
        assert worst is not None
        assert worst.index == (1,)


def test_single_precision_is_near_enough_at_kinks():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hidden = {"weights": rng.integers(-2, 3, (3, 5)).tolist(), "bias": [0.0] * 5, "activation": "relu"}
        output = {"weights": rng.integers(-2, 3, (5, 3)).tolist(), "activation": "softmax"}
        wire = {"network": {"layers": [hidden, output], "loss": "cross_entropy"}}
        problem = read_problem(
            {**wire, "inputs": rng.integers(-2, 3, (6, 3)).tolist(), "labels": rng.integers(0, 3, 6).tolist()}
        )
        right = problem.run().gradients
        claims = {f"d{name}": np.float32(right[name]).astype(float) for name in problem.graph.parameters}
        assert check(problem, claims, tolerance=1e-3).status in ("kink", "agrees")


def test_a_seed_is_told_where_it_had_a_say():
    assert check(read_problem(KINKED), seed=7).seed == 7
    assert check(read_problem(KINKED)).seed is not None
    smooth = network(activation="tanh")
    assert check(smooth, seed=7).seed is None
    assert check(smooth, method="directional", seed=7).seed == 7


def test_at_a_kink_the_worst_entry_is_told_with_the_nearest_number_that_it_may_be():
    (verdict,) = check(read_problem(KINKED), {"dx": [1.2, 0.3, 0.7]}).gradients
    assert verdict.worst == Worst((0,), 1.2, 1.0)
    (verdict,) = check(read_problem(KINKED), {"dx": [-0.5, 0.3, 0.7]}).gradients
    assert verdict.worst == Worst((0,), -0.5, 0.0)


def test_a_kink_nearby_is_no_kink():
    assert check(expression("J = relu(x - 1)", x=1 + 1e-9), {"dx": 0.3}).status == "disagrees"


def test_an_agreement_is_within_the_bound_that_is_told():
    """Also where rounding alone is what excuses an error: the report names the bound that was used."""
    layers = [
        {"weights": [[1, 2], [3, 4]], "activation": "tanh"},
        {"weights": [[1e4] * 3] * 2, "activation": "softmax"},
    ]
    cancels = {"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": [[0.1, 0.2]], "labels": [0]}
    excused = 0
    for problem in (read_problem(cancels), network(seed=1), expression("f = sum(softmax(z))", z=[1, 2, 3])):
        run = problem.run()
        gradients = {f"d{name}": value for name, value in run.gradients.items()}
        plain = 64 * np.finfo(float).eps * max(np.abs(value).max() for value in gradients.values())
        for verdict in check(problem, gradients, tolerance=0.0).gradients:
            assert verdict.status == "agrees"
            assert verdict.max_error <= verdict.error_bound, verdict
            excused += verdict.max_error > 1.01 * plain
    assert excused  # the case that this is about does occur


def test_the_guard_sees_wrong_products_of_tiny_gradients(monkeypatch):
    """A network whose gradients are 1e-20 is guarded as well as any other."""
    from engine.check.factored import FactoredCheck
    from engine.check.guard import guard
    from engine.check.noise import Rounding, silent

    rng = np.random.default_rng(2)
    loss = {"kind": "squared_error", "scale": 1e-20}
    problem = read_problem(random_network(rng, [30, 20, 3], ["tanh", "identity"], loss, examples=5))
    factored = FactoredCheck(problem, problem.run())
    estimates = factored.estimates()
    quiet = Rounding(problem, factored.run)
    monkeypatch.setattr(quiet, "of", lambda name: silent)
    guard(factored, estimates, 0, quiet)
    estimates["W1"].numeric = estimates["W1"].numeric * 1.5
    with pytest.raises(KeyRefuted, match="two forms"):
        guard(factored, estimates, 0, quiet)
    estimates["W1"].numeric = np.zeros_like(estimates["W1"].numeric)
    with pytest.raises(KeyRefuted, match="two forms"):
        guard(factored, estimates, 0, quiet)


@pytest.mark.parametrize("apart", [1e-13, 1e-9])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "silu", "softplus"])
def test_gradients_that_are_all_rounding_refute_no_key(activation, apart):
    """The classes of the last layer have all but the same weights, so that what they send back cancels."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        loss = {"kind": "cross_entropy"}
        wire = random_network(rng, [20, 15, 12, 5], [activation, "tanh", "softmax"], loss, examples=7)
        alike = 1e6 * rng.standard_normal((12, 1)) * (1.0 + apart * rng.standard_normal((12, 5)))
        wire["network"]["layers"][2]["weights"] = alike.tolist()
        problem = read_problem({**wire, "labels": rng.integers(0, 5, 7)})
        assert certify(problem).status == "agrees"


def test_what_is_said_of_a_refuted_key_holds_no_number():
    problem = read_problem(CASES["mlp-3-2-1"]["problem"])
    gradients = problem.run().gradients
    for name, gradient in gradients.items():
        with pytest.raises(KeyRefuted) as refuted:
            certify(problem, gradients={**gradients, name: gradient * 1.25})
        assert refuted.value.message == (
            f"the gradient d{name} could not be confirmed: two independent methods disagree about it"
        )


def test_axes_of_length_one_do_not_count_in_a_claim():
    """`keepdims=True` leaves them, and the same is not held against anyone in a grade."""
    wire = random_network(np.random.default_rng(0), [3, 2, 4], ["tanh", "softmax"], {"kind": "cross_entropy"})
    problem = read_problem(wire)
    right = problem.run().gradients["b2"]
    for claim in (right[None], right[:, None]):
        assert check(problem, {"db2": claim}).status == "agrees"
        assert check(problem, {"db2": claim + 0.1}).status == "disagrees"
    with pytest.raises(ShapeMismatch, match="dW2 is 4×2, but 'W2' is 2×4; transposed it would fit"):
        check(problem, {"dW2": np.ones((4, 2))})


def one_unit(activation, loss, x, w, y):
    """z = w·x for each example."""
    layers = [{"weights": [[w]], "activation": activation}]
    return read_problem({"network": {"layers": layers, "loss": loss}, "inputs": [[each] for each in x], "labels": y})


def test_a_kink_of_the_last_layer_is_one_too():
    problem = one_unit("relu", "squared_error", [1.0], 0.0, [[-1.0]])
    assert certify(problem).status == "kink"
    for claim in (0.0, 1.0, 2.0):  # relu'(0) may be anything from 0 to 1
        assert check(problem, {"dW1": [[claim]]}).status == "kink"
        assert certify(problem, gradients={"W1": np.array([[claim]])}).status == "kink"
    assert check(problem, {"dW1": [[2.1]]}).status == "disagrees"


@pytest.mark.parametrize("residual", [1e-15, 1e-21, 1e-22, 1e-23, 1e-30, 0.0])
def test_what_fits_almost_exactly_is_confirmed(residual):
    problem = one_unit("identity", "squared_error", [1.0], 2 * residual, [[residual]])
    gradients = problem.run().gradients
    assert certify(problem).status == certify(problem, gradients={"A1": gradients["A1"]}).status == "agrees"
    assert check(problem, tolerance=0.0).status == "agrees"
    if residual:
        with pytest.raises(KeyRefuted):
            certify(problem, gradients={"A1": gradients["A1"] * 1.4})


def test_labels_are_not_nudged_to_see_what_rounding_does():
    """Behind a confident head a label that is not quite 1 would excuse any gradient."""
    problem = one_unit("sigmoid", "binary_cross_entropy", [40.0, -1.0], 1.0, [[1.0], [1.0]])
    right = problem.run().gradients["A1"]
    assert check(problem, {"dA1": right}).status == "agrees"
    assert check(problem, {"dA1": -right}).status == "disagrees"
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={"A1": right * 1.01})


@pytest.mark.parametrize("depth", [1, 3])
def test_an_infinite_entry_is_no_gradient_where_there_is_a_finite_one(depth):
    """As against that of a probability that is 0, which is infinite indeed."""
    heads = [*["tanh"] * (depth - 1), "softmax"]
    wire = random_network(np.random.default_rng(0), [9, *[12] * (depth - 1), 4], heads, {"kind": "cross_entropy"})
    for problem in (read_problem(wire), read_problem({**wire, "labels": [0, 1, 2, 3]})):
        right = problem.run().gradients
        for name, gradient in right.items():
            wrong = gradient.copy()
            wrong.flat[-1] = np.inf
            with pytest.raises(KeyRefuted):
                certify(problem, gradients={**right, name: wrong})
    hopeless = one_unit("sigmoid", "binary_cross_entropy", [-1e4], 1.0, [[1.0]])
    assert np.isinf(hopeless.run().gradients["A1"]).all()
    for problem, name in (
        (hopeless, "dA1"),
        (read_problem({"graph": {"expressions": ["J = sum(sqrt(x))"]}, "values": {"x": [0, 4]}}), "dx"),
    ):
        certificate = certify(problem)
        assert certificate.status == "agrees"
        assert certificate.reason == f"{name} is infinite in places, which nothing can confirm"
    assert certify(problem, gradients={"J": np.ones(())}).reason == ""


@pytest.mark.parametrize("logit", [-650.0, -675.0, -690.0, -705.0])
def test_a_head_that_gives_next_to_no_chance_accuses_nobody(logit):
    """∂J/∂A is 1e280 and more there, or 1 where the label is the other one."""
    for label, right in ((1.0, -1.0 - np.exp(-logit)), (0.0, 1.0)):
        problem = one_unit("sigmoid", "binary_cross_entropy", [logit], 1.0, [[label]])
        claim = np.reshape(right, (1, 1))
        assert np.allclose(problem.run().gradients["A1"], claim, rtol=1e-12)
        found = {check(problem, {"dA1": claim}, seed=seed).status for seed in range(5)}
        assert found <= {"agrees", "inconclusive"}
        assert label == 1.0 or logit < -680.0 or found == {"agrees"}
    soft = {"weights": [[0.0, 0.0]], "bias": [0.0, logit], "activation": "softmax"}
    wire = {"network": {"layers": [soft], "loss": "cross_entropy"}, "inputs": [[1.0]], "labels": [[0.5, 0.5]]}
    problem = read_problem(wire)
    assert check(problem, {"dA1": problem.run().gradients["A1"]}).status in ("agrees", "inconclusive")


def test_where_nothing_is_finite_no_error_is_told():
    root = read_problem({"graph": {"expressions": ["J = sqrt(x)"]}, "values": {"x": 0}})
    (verdict,) = check(root, {"dx": 1e9}).gradients
    assert verdict.status == "inconclusive"
    assert np.isnan(verdict.max_error)


@pytest.mark.parametrize("method", METHODS)
def test_how_many_entries_disagree_is_told(method):
    problem = read_problem({"graph": {"expressions": ["J = sum(x * x)"]}, "values": {"x": [[1, 2, 3], [4, 5, 6]]}})
    right = problem.run().gradients["x"]
    for wrong in (0, 1, 4):
        claim = right + np.where(np.arange(6).reshape(2, 3) < wrong, 0.5, 0.0)
        (verdict,) = check(problem, {"dx": claim}, method=method, seed=1).gradients
        assert verdict.disagreeing == (DIRECTIONS if method == "directional" and wrong else wrong)


ALIKE = {
    "sum for mean": (lambda x: 4.0 * x, "all entries are 4 times the right ones"),
    "1/m twice": (lambda x: x / 3.0, "all entries are 0.333333 times the right ones"),
    "ascent": (lambda x: -x, "the sign is flipped"),
    "nothing": (lambda x: 0.0 * x, "all entries are 0"),
    "transposed": (lambda x: x.T, "transposed it would agree"),
    "one entry": (lambda x: x + np.eye(2) * [1, 0], ""),
    "a row": (lambda x: x * [[1], [2]], ""),
}


@pytest.mark.parametrize(("wrong", "says"), ALIKE.values(), ids=ALIKE)
def test_what_is_wrong_with_all_entries_alike_is_told(wrong, says):
    problem = read_problem({"graph": {"expressions": ["J = sum(exp(x))"]}, "values": {"x": [[0.1, -0.7], [0.4, 1.2]]}})
    right = problem.run().gradients["x"]
    for method in ("increment", "central", "complex_step"):
        (verdict,) = check(problem, {"dx": wrong(right)}, method=method).gradients
        assert (verdict.status, verdict.reason) == ("disagrees", says)
    assert check(problem, {"dx": right}).gradients[0].reason == ""


def test_a_single_wrong_number_is_no_multiple():
    problem = read_problem({"graph": {"expressions": ["J = x * x"]}, "values": {"x": 3}})
    assert check(problem, {"dx": 9.0}).gradients[0].reason == ""
    assert check(problem, {"dx": -6.0}).gradients[0].reason == "the sign is flipped"
    assert check(problem, {"dx": 0.0}).gradients[0].reason == ""


def test_of_numbers_whose_squares_are_infinite_no_factor_is_told():
    layer = {"weights": [[1.0, 0.5]], "bias": [0, 0.3], "activation": "softmax"}
    loss = {"kind": "cross_entropy", "scale": 1e155}
    problem = read_problem({"network": {"layers": [layer], "loss": loss}, "inputs": [[1.0]], "labels": [[1, 0]]})
    assert check(problem, {"dW1": 3 * problem.run().gradients["W1"]}).status == "inconclusive"
    problem = read_problem(
        {"graph": {"expressions": ["J = sum(x * k)"]}, "values": {"x": [1.0, 2.0], "k": [1e-200, -2e-200]}}
    )
    assert check(problem, {"dx": [1e-200, 1.0]}).gradients[0].reason == ""


@pytest.mark.parametrize(
    ("expressions", "values"),
    [
        (["t = x * k", "J = t - t + x"], {"x": 0.5, "k": 1e16}),
        (["t = exp(x)", "J = t * t - t * t + x"], {"x": 15.0}),
        (["t = x * k", "J = sum(softmax(t)) + 1e-6 * sum(square(x))"], {"x": [0.5, 1.5], "k": 1e13}),
    ],
)
def test_what_cancels_excuses_nothing_that_comes_another_way(expressions, values):
    problem = read_problem({"graph": {"expressions": expressions}, "values": values})
    right = problem.run().gradients["x"]
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={"x": right * 1.01})
    assert check(problem, {"dx": right * 1.01}).status == "disagrees"


def test_a_check_tells_how_many_differences_it_took():
    """In a dense network units are moved, and one difference of a unit serves all weights into it."""
    wire = random_network(np.random.default_rng(0), [30, 20, 10], ["relu", "softmax"], {"kind": "cross_entropy"}, examples=5)
    found = check(read_problem(wire))
    assert found.status == "agrees"
    assert found.coordinates == 30 * 20 + 20 + 20 * 10 + 10
    assert found.evaluations == 5 * (20 + 10) + 1 + SAMPLED
    right = read_problem(wire).run().gradients
    for name, guards in (("W1", 1 + 1), ("A2", 0)):
        found = check(read_problem(wire), {f"d{name}": right[name]})
        assert (found.status, found.evaluations) == ("agrees", 5 * (20 + 10) + guards)


def test_a_nudge_across_a_jump_is_no_excuse():
    """∂J/∂W2 rests on signs, which leap at 0 however small the nudge."""
    layers = [
        {"weights": [[1.0, -2.0], [0.5, 0.3]], "bias": [0.0, 0.0], "activation": "sign"},
        {"weights": [[0.7, 0.2], [-0.3, 0.5]], "bias": [0.1, 0.2], "activation": "softmax"},
    ]
    network = {"layers": layers, "loss": "cross_entropy"}
    problem = read_problem({"network": network, "inputs": [[0.0, 0.0], [1.0, 2.0], [-1.0, 0.3]], "labels": [0, 1, 1]})
    right = problem.run().gradients["W2"]
    assert check(problem, {"dW2": right}).status == "agrees"
    assert {check(problem, {"dW2": right * factor}).status for factor in (1.1, 2, -1)} == {"disagrees"}
    graph = read_problem({"graph": {"expressions": ["J = sum(e * sign(x))"]}, "values": {"e": [1, 2, 3], "x": [0, 1, -2]}})
    assert check(graph, {"de": [7.0, 1.0, -1.0]}).status == "disagrees"


def test_a_kink_that_rounding_hides_is_seen_in_a_large_network_too():
    """0.1 + 0.2 − 0.3 is not quite 0."""
    rng = np.random.default_rng(0)
    wire = random_network(rng, [2, 10, 3], ["relu", "softmax"], {"kind": "cross_entropy"}, examples=10)
    layer = wire["network"]["layers"][0]
    wire["inputs"][0], wire["labels"] = [0.1, 0.2], [int(each) for each in rng.integers(0, 3, 10)]
    layer["bias"][0] = -0.3
    for row in layer["weights"]:
        row[0] = 1.0
    problem = read_problem(wire)
    assert 0.0 < problem.run()["Z1"][0, 0] < 1e-15
    certificate = certify(problem)
    assert (certificate.status, [kink.index for kink in certificate.kinks]) == ("kink", [(0, 0)])
    wrong = problem.run().gradients["X"].copy()
    wrong[-1, -1] += 1e-3 * np.abs(wrong).max()
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={**problem.run().gradients, "X": wrong})


def test_at_a_kink_directions_confirm_nothing():
    wire = {"graph": {"expressions": ["J = sum(abs(x * y))"]}, "values": {"x": [0.0] + [1.0] * 99, "y": [2.0] * 100}}
    assert certify(read_problem(wire)).status == "kink"
    certificate = certify(read_problem(wire, Limits(certificate_operations=10.0)))
    assert (certificate.method, certificate.status) == ("directional", "inconclusive")
    assert "entry by entry" in certificate.reason


def test_an_infinite_claim_at_a_kink_is_refuted():
    problem = read_problem({"graph": {"expressions": ["J = abs(x) + y"]}, "values": {"x": 0.0, "y": 1.0}})
    for claim in (np.inf, -np.inf):
        with pytest.raises(KeyRefuted):
            certify(problem, gradients={"x": np.array(claim)})


def test_small_inputs_do_not_excuse_wrong_gradients():
    """A bias of 0 beside Z of 1e-12 was taken for a number of about 1 that is rounded."""
    inputs = (np.array([[1.0, 2.0], [2.0, -1.0]]) * 1e-12).tolist()
    hidden = {"weights": [[1.0, -1.0], [0.5, 2.0]], "bias": True, "activation": "tanh"}
    output = {"weights": [[1.0, 2.0], [-1.0, 1.0]], "activation": "identity"}
    wire = {"network": {"layers": [hidden, output], "loss": "squared_error"}}
    problem = read_problem({**wire, "inputs": inputs, "labels": [[1.0, 2.0], [0.0, 1.0]]})
    right = problem.run().gradients["W2"]
    assert check(problem, {"dW2": right}).status == "agrees"
    assert check(problem, {"dW2": right * [[1.01, 1.0], [1.0, 1.0]]}).status != "agrees"


def test_at_kinks_beside_large_numbers_nobody_is_accused():
    """The size of a gradient that lies at kinks everywhere is that of what it lies between."""
    for hidden, output, head, loss, inputs, labels in (
        ([[1], [-2]], [[-1.7]], "leaky_relu", "squared_error", [[254, 127], [10, 23], [222, 43]], [[1], [1], [1]]),
        ([[1], [-2]], [[0.5]], "relu", "hinge", [[2000, 1000], [1483, 669], [1276, 1639]], [[-1], [1], [-1]]),
    ):
        layers = [{"weights": hidden, "bias": True, "activation": head}, {"weights": output, "activation": "identity"}]
        problem = read_problem({"network": {"layers": layers, "loss": loss}, "inputs": inputs, "labels": labels})
        assert {check(problem, seed=seed).status for seed in range(10)} == {"kink"}
        assert certify(problem).status == "kink"


def test_a_right_certificate_warns_of_nothing():
    """One example of zeros, which is looked at step by step, beside biases whose exponentials overflow."""
    hidden = {"weights": [[1.0, -1.0], [0.5, 2.0]], "activation": "relu"}
    output = {"weights": [[1.0, 2.0, 3.0], [-1.0, 1.0, 0.5]], "bias": [750.0, 0.0, 1.0], "activation": "softmax"}
    wire = {"network": {"layers": [hidden, output], "loss": "cross_entropy"}}
    problem = read_problem({**wire, "inputs": [[0.0, 0.0], [1.0, 2.0], [2.0, -1.0]], "labels": [0, 1, 2]})
    assert certify(problem).status == "kink"  # warnings are errors here


def test_a_problem_keeps_its_numbers_when_those_that_were_given_change():
    labels, weights = np.eye(2), np.array([[1.0, -1.0], [0.5, 2.0]])
    wire = {"network": {"layers": [{"weights": weights, "activation": "softmax"}], "loss": "cross_entropy"}}
    problem = read_problem({**wire, "inputs": np.eye(2), "labels": labels})
    assert certify(problem).status == "agrees"
    labels[:], weights[:] = labels[::-1].copy(), 7.0
    assert certify(problem).status == "agrees"
    assert check(problem).status == "agrees"
    assert problem.run()["W1"].max() == 2.0


def test_what_cancels_within_a_product_is_rounded_as_its_parts_are():
    """dW2 sums numbers of a thousand, of which nothing is left but the differences of inputs of 1e-8."""
    rng = np.random.default_rng(0)
    weights = (rng.standard_normal((2, 2)) * 1e-3).tolist()
    hidden = {"weights": weights, "bias": [1334.0663555083506, 301.7], "activation": "softplus"}
    output = {"weights": [[0.0], [0.0]], "bias": True, "activation": "identity"}
    wire = {"network": {"layers": [hidden, output], "loss": "absolute_error"}}
    for seed in range(30):
        inputs = (np.random.default_rng(seed).standard_normal((4, 2)) * 1e-8).tolist()
        problem = read_problem({**wire, "inputs": inputs, "labels": [[1.5], [-2.0], [-0.3], [0.7]]})
        right = problem.run().gradients
        assert 0.0 < np.abs(right["W2"]).max() < 1e-9
        assert check(problem, {"dW2": right["W2"]}, tolerance=0.0).status != "disagrees"
        assert certify(problem).status in ("agrees", "inconclusive")
        with pytest.raises(KeyRefuted):
            certify(problem, gradients={**right, "W2": right["W2"] + 1e-9})
