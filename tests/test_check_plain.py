"""The short way to a certificate: the same numbers as the long one, agreement only where that is right, and no other use."""

import sys
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import product
from typing import Any

import numpy as np
import pytest

from engine import certify, check, read_problem
from engine.check import plain
from engine.check.estimates import LEEWAY
from engine.check.methods import complex_step
from engine.check.plain import plain_certificate
from engine.check.short_way.directions import random_direction
from engine.check.short_way.endings import BehindHead, BinaryEnding, LossForm, OneHotEnding, SoftEnding, TermEnding
from engine.check.short_way.entrance import SAMPLED, numbers_of_examples, numbers_of_stack
from engine.check.short_way.guard import liveliest
from engine.check.short_way.numbers import StackNumbers
from engine.check.short_way.sample import random_sample
from engine.check.short_way.stack import Stack
from engine.errors import KeyRefuted
from engine.graph.graph import Changes
from engine.graph.run import Run
from engine.limits import Limits
from engine.ops import ACTIVATIONS, OPS
from engine.problems.loss_rules import LOSS_RULES
from tests.problems import CASES, HEADS, random_network

MODULES = sys.modules  # `engine.check` is also the name of a function
EPSILON = np.finfo(float).eps
ELEMENTWISE = [name for name, op in ACTIVATIONS.items() if "axis" not in op.attributes]
CONVENTIONS: tuple[dict, ...] = (
    {},
    {"scale": 0.5, "reduction": "sum"},
    {"average_in": "parameters"},
)


def classifier(seed, widths=(9, 8, 7, 5), hidden=("relu", "leaky_relu"), examples=6, **more):
    rng = np.random.default_rng(seed)
    loss = {"kind": "cross_entropy", **more.pop("loss", {})}
    wire = random_network(rng, list(widths), [*hidden, "softmax"], loss, examples=examples, **more)
    return read_problem({**wire, "labels": rng.integers(0, widths[-1], examples)})


def numbers_of(problem, run, names, *drawn):
    """By the short way; None where it cannot be gone."""
    stack = Stack.of(problem, names)
    return stack and numbers_of_stack(problem, run, stack, *drawn)


@pytest.mark.parametrize("loss", CONVENTIONS)
@pytest.mark.parametrize(("layout", "orientation"), list(product(("rows", "columns"), ("in_out", "out_in"))))
@pytest.mark.parametrize("hidden", [(), ("gelu_tanh",), ("tanh", "relu"), ("elu", "leaky_relu", "identity", "relu")])
def test_numbers_of_a_stack_are_those_of_the_complex_step(hidden, layout, orientation, loss):
    problem = classifier(1, (9, *(8, 6, 7, 5)[: len(hidden)], 4), hidden, layout=layout, orientation=orientation, loss=loss)
    run = problem.run()
    names = problem.graph.differentiable
    found = numbers_of(problem, run, names)
    assert found is not None
    slow = complex_step(problem, run, names, None, 0).by_name
    largest = max(np.abs(each.numeric).max() for each in slow.values())
    for name in names:
        assert found[name].shape == problem.graph[name].shape
        assert np.abs(found[name] - slow[name].numeric).max() <= 64 * EPSILON * largest, name


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("labels", ["one-hot", "soft"])
def test_without_a_run_no_more_is_computed_than_is_needed(labels, layout):
    """The numbers are the same; neither the softmax nor the losses, which take a third of a small pass, are looked at."""
    problem = classifier(1, layout=layout)
    if labels == "soft":
        problem = replace(problem, leaves={**problem.leaves, "Y": np.full_like(problem.leaves["Y"], 0.2)})
    names = problem.graph.differentiable
    alone, beside = (numbers_of(problem, run, names) for run in (None, problem.run()))
    assert alone is not None
    assert beside is not None
    assert all(np.array_equal(alone[name], beside[name]) for name in names)
    values = stack_of(problem, names).values(problem)
    missing = {node.name for node, value in zip(problem.graph.nodes, values, strict=False) if value is None}
    assert missing == {"A3", "losses", "J"}
    right = problem.run().gradients
    assert certify(problem, gradients=right) == certify(problem, problem.run(), gradients=right)
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={**right, "W2": right["W2"] * 1.000_1})


@pytest.mark.parametrize("size", [1.0, 40.0, 299.0, 301.0, 800.0, 1e5])
def test_logits_of_any_size_keep_their_digits(size):
    """e^x of large ones overflows, and then the largest of each example is subtracted first."""
    rng = np.random.default_rng(0)
    x = np.vstack([np.linspace(-size, size, 5), size - rng.uniform(0.0, 3.0, 5), rng.uniform(0.0, 3.0, 5) - size])
    at = np.array([4, 5 + 2, 10 + 1])
    with np.errstate(all="ignore"):  # as in a check
        form = LossForm(OPS["cross_entropy_with_logits"], {"scale": 1.0}, 1.0, 1.0, None, np.add)
        losses = OneHotEnding(form, x, at)
    exact = np.array([[fractional_softmax(row, k) for k in range(5)] for row in x])
    exact.ravel()[at] = [
        -sum(fractional_softmax(row, k) for k in range(5) if k != place % 5) for row, place in zip(x, at, strict=True)
    ]
    close = np.abs(losses.slopes() - exact) <= 16 * EPSILON * np.abs(exact)
    assert (close | (np.abs(exact) < 1e-300)).all()


def fractional_softmax(row, k):
    """Of one unit, with more digits than anyone needs."""
    with localcontext(prec=60):
        powers = [Decimal(each).exp() for each in row.tolist()]
        return float(powers[k] / sum(powers))


@pytest.mark.parametrize(("logits", "known"), [((-650.0, -744.0), 1), ((-700.0, -735.0), 1), ((-650.0, -746.0), 1)])
def test_logits_far_below_0_lose_no_digits_of_a_heads_gradient(logits, known):
    layer = {"weights": [[0.0, 0.0]], "bias": list(logits), "activation": "softmax"}
    wire = {"network": {"layers": [layer], "loss": "cross_entropy"}, "inputs": [[1.0]], "labels": [known]}
    problem = read_problem(wire)
    right = {"A1": problem.run().gradients["A1"]}
    assert np.isclose(right["A1"][0, known], -np.exp(logits[0] - logits[1]))
    for claim, status in ((right["A1"], "agrees"), (right["A1"] * 1.01, "disagrees")):
        assert check(problem, {"dA1": claim}).status == status
    assert certify(problem, gradients=right).status == "agrees"
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={"A1": right["A1"] * 1.01})


@pytest.mark.parametrize("apart", [600.0, 690.0, 700.0, 705.0, 708.0, 709.5, 720.0, 745.0, 800.0])
def test_a_head_that_gives_the_class_no_chance_accuses_nobody(apart):
    """dA grows beyond all numbers there."""
    layer = {"weights": [[0.0, 0.0]], "bias": [apart, 0.0], "activation": "softmax"}
    wire = {"network": {"layers": [layer], "loss": "cross_entropy"}, "inputs": [[1.0]], "labels": [1]}
    problem = read_problem(wire)
    right = problem.run().gradients
    assert certify(problem).status in ("agrees", "inconclusive")
    assert check(problem, {"dW1": right["W1"], "db1": right["b1"]}).status == "agrees"
    if np.isfinite(right["A1"]).all():
        assert check(problem, {"dA1": right["A1"]}).status in ("agrees", "inconclusive")


@pytest.mark.parametrize("floor", [0.0, -150.0, -300.0, -600.0])
def test_a_class_of_little_chance_keeps_its_digits_wherever_logits_lie(floor):
    """Without subtracting the largest logit, e^−744 has two digits, whatever it is set against."""
    layer = {"weights": [[0.0, 0.0]], "bias": [floor, -744.0], "activation": "softmax"}
    wire = {"network": {"layers": [layer], "loss": "cross_entropy"}, "inputs": [[1.0]], "labels": [1]}
    with np.errstate(all="ignore"):  # as in a check
        numbers = numbers_of(read_problem(wire), None, ("A1",))
    if floor == 0.0:  # where it has no more digits itself
        assert numbers is None
    else:
        assert numbers is not None
        assert np.isclose(numbers["A1"][0, 1], -np.exp(744.0 + floor), rtol=1e-12)


@pytest.mark.parametrize(("size", "scale"), [(708.6991372756409, 4.274398161693905e-08), (345.0, 1e-160)])
def test_large_logits_and_a_small_scale_together_lose_none_either(size, scale):
    layer = {"weights": [[0.0, 0.0, 0.0]], "bias": [size, size - 2.805217, size - 5.0], "activation": "softmax"}
    loss = {"kind": "cross_entropy", "scale": scale}
    problem = read_problem({"network": {"layers": [layer], "loss": loss}, "inputs": [[1.0]], "labels": [1]})
    right = problem.run().gradients
    with np.errstate(all="ignore"):  # as in a check
        numbers = numbers_of(problem, None, ("b1", "Z1", "W1"))
    assert numbers is not None
    for name, found in numbers.items():
        assert np.abs(found - right[name]).max() <= 16 * EPSILON * np.abs(right[name]).max()
        assert certify(problem, gradients={name: right[name]}).status == "agrees"


def test_a_run_with_other_labels_is_looked_at_with_its_own():
    """What is kept of the labels belongs to those of the problem."""
    problem = classifier(1)
    names = problem.graph.differentiable
    assert numbers_of(problem, None, names) is not None
    run = Run(problem.graph, {**problem.leaves, "Y": np.roll(problem.leaves["Y"], 1, axis=1)})
    found = numbers_of(problem, run, names)
    assert found is not None
    for name, right in run.gradients_of(names).items():
        assert np.allclose(found[name], right, rtol=0, atol=1e-13), name


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("loss", LOSS_RULES)
def test_so_are_those_of_every_activation_and_loss(loss, layout):
    """A new row of either table is tested here by being there."""
    for number, (head, hidden) in enumerate(product(HEADS[loss], ELEMENTWISE)):
        rng = np.random.default_rng(number)
        kind = {"kind": loss, "scale": 0.5, "outputs": "mean"}
        wire = random_network(rng, [4, 3, 5, 2], [hidden, "tanh", head], kind, examples=3, layout=layout, spread=0.5)
        problem = read_problem(wire)
        run = problem.run()
        found = numbers_of(problem, run, problem.graph.differentiable)
        one_by_one = head in ELEMENTWISE or loss.startswith("cross")  # an output answers to its own logit alone
        if not one_by_one or (head, loss) == ("sign", "hinge"):  # whose margin lies at the kink
            assert found is None
            continue
        assert found is not None, (head, hidden)
        slow = complex_step(problem, run, list(found), None, 0).by_name
        largest = max(np.abs(each.numeric).max() for each in slow.values())
        for name, numbers in found.items():
            assert np.abs(numbers - slow[name].numeric).max() <= 64 * EPSILON * largest, (head, hidden, name)


@pytest.mark.parametrize("id", CASES)
def test_worked_examples_are_plain(id):
    problem = read_problem(CASES[id]["problem"])
    run = problem.run()
    plain = plain_certificate(problem, run, run.gradients)
    assert plain is None or plain.max_error < 1e-13
    if plain is None:
        assert certify(problem).kinks or not all(np.isfinite(each).all() for each in run.gradients.values())


@pytest.mark.parametrize("widths", [(2, 3, 2, 2), (9, 8, 7, 5), (40, 30, 20, 10)])
def test_a_wrong_entry_of_any_gradient_is_not_plain(widths):
    problem = classifier(2, widths, spread=0.3)
    run = problem.run()
    right = run.gradients
    assert plain_certificate(problem, run, right) is not None
    rng = np.random.default_rng(0)
    for name, gradient in right.items():
        at = tuple(int(rng.integers(size)) for size in gradient.shape)
        for size in (3 * LEEWAY, 1e-3, 1.0, np.inf, np.nan):
            wrong = gradient.copy()
            wrong[at] += size * max(np.abs(gradient).max(), 1e-12)
            assert plain_certificate(problem, run, {**right, name: wrong}) is None, (name, size)
            if 0.9e-3 < size < 2:
                with pytest.raises(KeyRefuted, match=f"d{name} "):
                    certify(problem, gradients={**right, name: wrong})


def test_hardly_any_classifier_is_not_plain():
    counts = [0, 0]
    for seed in range(300):
        rng = np.random.default_rng(seed)
        depth = int(rng.integers(1, 5))
        widths = [int(each) for each in rng.integers(3, 12, depth + 1)] + [4]
        problem = classifier(seed, widths, ["relu"] * depth, examples=int(rng.integers(1, 9)), spread=0.9)
        run = problem.run()
        plain = plain_certificate(problem, run, run.gradients)
        counts[plain is not None] += 1
        assert plain is None or plain.max_error < 1e-12
        assert certify(problem).status == "agrees"
    assert counts[0] <= 3


def test_near_a_kink_nothing_is_plain():
    """At it, next to it, and where a unit's step carries another unit over it."""
    for widths, count in (((3, 4, 3, 2), 2), ((9, 8, 7, 5), 6)):
        problem = classifier(3, widths, examples=count)
        for name in ("b1", "b2"):
            leaves = {key: value.copy() for key, value in problem.leaves.items()}
            logits = problem.run()[name.replace("b", "Z")]
            for distance in (0.0, 1e-13, -1e-14):
                leaves[name] = problem.leaves[name].copy()
                leaves[name][1] -= logits[0, 1] - distance
                near = type(problem)(problem.graph, leaves, problem.asked, network=problem.network)
                run = near.run()
                assert abs(run[name.replace("b", "Z")][0, 1]) < 1e-12
                found = plain_certificate(near, run, run.gradients)
                if distance == 0.0 or len(run["X"]) > 2:
                    assert found is None
                assert certify(near).status == "agrees" or (certify(near).status == "kink" and found is None)


def with_labels(kind, seed=4):
    """A network of three layers whose loss is of a kind of its own in `engine.check.short_way.endings`."""
    rng = np.random.default_rng(seed)
    head, loss = {"one-hot": ("softmax", "cross_entropy"), "soft": ("softmax", "cross_entropy")}.get(kind, kind)
    wire = random_network(rng, [9, 8, 7, 5], ["relu", "leaky_relu", head], {"kind": loss}, examples=6)
    if kind == "one-hot":
        wire["labels"] = rng.integers(0, 5, 6)
    if kind == "soft":
        wire["labels"] = rng.dirichlet(np.ones(5), 6)
    return read_problem(wire)


BROKEN = {
    "a product": (StackNumbers, "found", lambda found: {**found, "W2": found["W2"][:, ::-1]}),
    "an entry": (StackNumbers, "found", lambda found: {**found, "b1": found["b1"] * [1.001, *[1] * 7]}),
    "a sign": (StackNumbers, "found", lambda found: {**found, "X": -found["X"]}),
    "a layer": (StackNumbers, "moved_alone", lambda moved: moved * 1.000_001),
    "an example": (StackNumbers, "moved_alone", lambda moved: moved * [[1.000_1], *[[1.0]] * 5]),
    "a unit": (StackNumbers, "found", lambda found: {**found, "Z1": found["Z1"] * 1.000_1}),
}
WRONG = [
    ("slopes", lambda found: found * 1.000_001),
    ("slopes", lambda found: found * [1.000_1, 1, 1, 1, 1]),
    ("moved", lambda found: np.multiply(found, 1.000_001)),
]
"""In an ending, of any kind."""
KINDS = {
    "one-hot": OneHotEnding,
    "soft": SoftEnding,
    ("sigmoid", "binary_cross_entropy"): BinaryEnding,
    ("identity", "binary_cross_entropy_with_logits"): BinaryEnding,
    ("tanh", "squared_error"): TermEnding,
}


BROKEN_ENDINGS: list[tuple[Any, ...]] = [
    *((kind, where, *wrong) for kind, where in KINDS.items() for wrong in WRONG),
    *((("tanh", "squared_error"), BehindHead, *wrong) for wrong in WRONG),
]


@pytest.mark.parametrize(
    ("kind", "where", "name", "change"),
    [*((kind, *broken) for kind in KINDS for broken in BROKEN.values()), *BROKEN_ENDINGS],
    ids=[
        *(f"{kind} {what}" for kind in KINDS for what in BROKEN),
        *(
            f"{kind} {where.__name__} {name} {place % len(WRONG)}"
            for place, (kind, where, name, _) in enumerate(BROKEN_ENDINGS)
        ),
    ],
)
def test_a_mistake_in_the_short_way_itself_is_found_by_its_guard(kind, where, name, change, monkeypatch):
    problem = with_labels(kind)
    run = problem.run()
    right = getattr(where, name)
    assert numbers_of(problem, run, problem.graph.differentiable) is not None
    monkeypatch.setattr(where, name, lambda *arguments: change(right(*arguments)))
    assert numbers_of(problem, run, problem.graph.differentiable) is None
    assert certify(problem).status == "agrees"  # the long way needs none of it


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_single_coordinates_are_moved_alone(layout, monkeypatch):
    """Were nothing moved along a direction, these would find a wrong tensor by any of its entries that is not 0."""
    problem = classifier(3, layout=layout, orientation="in_out", hidden=("tanh", "softplus"))
    run, names = problem.run(), problem.graph.differentiable
    stack = stack_of(problem, names)
    drawn = {seed: tensors_of(stack.sample(seed, SAMPLED)) for seed in range(40)}
    assert {len(tensors) for tensors in drawn.values()} == {SAMPLED}
    assert {name for tensors in drawn.values() for name in tensors} == set(names) - {"A3", "losses", "J"}
    without_directions(monkeypatch, stack)
    right = StackNumbers.found
    for seed, tensors in drawn.items():
        for name in tensors:
            monkeypatch.setattr(StackNumbers, "found", lambda self, name=name: scaled(right(self), name))
            assert numbers_of(problem, run, names, seed, SAMPLED) is None, name
        others = set(names) - set(tensors)
        monkeypatch.setattr(StackNumbers, "found", lambda self, others=others: scaled(right(self), *others))
        assert numbers_of(problem, run, names, seed, SAMPLED) is not None


def tensors_of(sample):
    return [each.tensor for arriving in sample for each in arriving]


def without_directions(monkeypatch, stack):
    """As if they could find nothing: they move nothing, and nothing is expected of them."""

    def none(units):
        return lambda values, every, found: (np.zeros(len(every)), np.ones((1, units)), 0.0)

    monkeypatch.setattr(stack, "guarded", [(layer, [none(layer.units)]) for layer in stack.layers])


def stack_of(problem, names) -> Stack:
    stack = Stack.of(problem, names)
    assert stack is not None
    return stack


def scaled(found, *wrong):
    return {name: each * 1.000_1 if name in wrong else each for name, each in found.items()}


def test_the_first_that_is_drawn_is_of_weights():
    """Theirs are the gradients that come of a product of all examples."""
    stack = stack_of(classifier(3), ("X", "W1", "b1", "Z1", "W2", "b2", "Z3"))
    first = [tensors_of(stack.sample(seed, 1)) for seed in range(40)]
    assert {name for (name,) in first} == {"W1", "W2"}
    assert all(len({"W1", "W2"} & set(tensors_of(stack.sample(seed, 2)))) >= 1 for seed in range(40))
    assert len({tuple(sorted(tensors_of(stack.sample(seed, 2)))) for seed in range(200)}) == 2 * 5 + 1


def test_the_liveliest_is_the_largest_of_either_sign():
    stack = stack_of(classifier(3), ("b1",))
    ((drawn,),) = [arriving for arriving in stack.sample(0, 1) if arriving]
    found = {"b1": np.array([0.0, 2.0, -3.0, 0.0, 1.0, 0.0, 0.0, 0.0])}
    assert liveliest(drawn, found).entry == (2,)


def test_directions_have_no_pattern_and_nobody_can_change_them():
    u, v = (random_direction(1_000, seed) for seed in (1, 2))
    assert abs(np.sign(u).sum()) < 150
    assert abs(u.dot(v)) < 150
    assert (np.abs(u) >= 0.5).all()
    assert (np.abs(u) <= 1.5).all()
    with pytest.raises(ValueError, match="read-only"):
        u[0] = 1.0


def test_large_networks_are_moved_one_after_the_other(monkeypatch):
    """The same numbers, with less memory."""
    problem = classifier(3)
    names, guard = problem.graph.differentiable, MODULES["engine.check.short_way.guard"]
    monkeypatch.setattr(guard, "TOGETHER", 0)
    monkeypatch.setattr(guard, "is_precise_answer", lambda *_: False)  # what is ordinary is an answer at once
    assert numbers_of(problem, None, names, 3, 3) is not None
    right = StackNumbers.found
    monkeypatch.setattr(StackNumbers, "found", lambda self: scaled(right(self), "W1"))
    assert numbers_of(problem, None, names, 3, 3) is None


@pytest.mark.parametrize("names", [("b1",), ("X",), ("Z2",), ("b2", "A1"), ("W2", "b1")])
def test_whatever_is_asked_one_coordinate_is_moved(names):
    stack = stack_of(classifier(3), names)
    for seed in range(10):
        (one,) = tensors_of(stack.sample(seed, 1))
        assert one in names
        assert sorted(tensors_of(stack.sample(seed, 2))) == sorted(names)


def test_a_check_draws_two_by_its_seed_and_a_certificate_one(monkeypatch):
    problem = classifier(3)
    run, names = problem.run(), ("W1", "b1", "X", "Z2")
    stack, drawn = stack_of(problem, names), []

    def sample(seed, tensors):
        drawn.append((seed, tensors))
        return random_sample(stack.layers, seed, tensors)

    monkeypatch.setattr(stack, "sample", sample)
    certify(problem, gradients=run.gradients_of(names))
    check(problem, {f"d{name}": run.gradients[name] for name in names}, seed=7)
    assert drawn == [(0, 1), (7, SAMPLED)]


def test_what_is_ordinary_is_an_answer_at_once(monkeypatch):
    """And each coordinate's own: a second look at one takes longer than all the rest."""
    monkeypatch.setattr(MODULES["engine.check.short_way.guard"], "is_precise_answer", None)
    problem = classifier(3, hidden=("tanh", "softplus"))
    for seed in range(40):
        assert numbers_of(problem, None, problem.graph.differentiable, seed, 3) is not None


def test_a_coordinate_that_tells_nothing_gives_way_to_one_that_does(monkeypatch):
    """Of a unit that is dead in all examples: its weights move nothing, and nothing is what is expected."""
    problem = classifier(0, (3, 5, 4), ("relu",))
    stack, names = stack_of(problem, ("W2",)), ("W2",)
    ((drawn,),) = [arriving for arriving in stack.sample(0, 1) if arriving]
    dead = drawn.entry[0]
    problem.leaves["b1"][dead] = -50.0
    assert not problem.run()["A1"][:, dead].any()
    without_directions(monkeypatch, stack)
    assert numbers_of(problem, None, names) is not None
    right = StackNumbers.found
    monkeypatch.setattr(StackNumbers, "found", lambda self: scaled(right(self), "W2"))
    assert numbers_of(problem, None, names) is None


@pytest.mark.parametrize("seed", range(4))
def test_what_cancels_in_a_sum_is_no_reason_to_go_another_way(seed):
    """All of ∂J/∂W is rounding there: a last layer of zeros, one label, and data with their negatives."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 21))
    layer = {"weights": np.zeros((21, 15)), "bias": np.zeros(15), "activation": "softmax"}
    network = {"layers": [layer], "loss": "cross_entropy"}
    problem = read_problem({"network": network, "inputs": np.vstack([X, -X]), "labels": [3] * 8})
    gradients = problem.run().gradients
    assert np.abs(gradients["W1"]).max() < 1e-15
    for names in (("W1", "b1"), tuple(gradients)):
        with np.errstate(all="ignore"):  # as in a check
            assert numbers_of(problem, None, names) is not None
        assert certify(problem, gradients={name: gradients[name] for name in names}).status == "agrees"
        assert {check(problem, {f"d{name}": gradients[name]}, seed=each).status for name in names for each in range(5)} == {
            "agrees"
        }


@pytest.mark.parametrize(("inputs", "weights"), [(1e150, 1e-150), (1e-150, 1e150), (1.0, 1e120)])
@pytest.mark.parametrize(("head", "loss"), [("identity", "squared_error"), ("sigmoid", "binary_cross_entropy")])
def test_a_coordinate_is_moved_by_little_however_large_the_numbers(inputs, weights, head, loss):
    rng = np.random.default_rng(0)
    layer = {"weights": rng.normal(size=(7, 6)) * weights, "activation": head}
    X, Y = rng.normal(size=(4, 7)) * inputs, rng.random((4, 6))
    problem = read_problem({"network": {"layers": [layer], "loss": loss}, "inputs": X, "labels": Y})
    assert certify(problem).status == "agrees"
    right = {f"d{name}": each for name, each in problem.run().gradients.items() if np.isfinite(each).all()}
    assert {check(problem, right, seed=seed).status for seed in range(10)} == {"agrees"}


def test_one_wrong_entry_is_found_by_the_seeds_that_look_at_it(monkeypatch):
    problem = classifier(3, widths=(2, 2, 3), hidden=("tanh",))
    run, names = problem.run(), ("W1",)
    right = StackNumbers.found
    without_directions(monkeypatch, stack_of(problem, names))
    monkeypatch.setattr(StackNumbers, "found", lambda self: {"W1": (right(self) or {})["W1"] * [[1.0, 1.0], [1.0, 1.1]]})
    looks = [numbers_of(problem, run, names, seed) is None for seed in range(40)]
    assert 3 <= sum(looks) <= 20


@pytest.mark.parametrize("activation", [name for name in ELEMENTWISE if name != "sign"])
def test_a_wrong_slope_of_an_activation_is_found_by_the_guard(activation, monkeypatch):
    """Both rest on the op's increment, but the guard's steps are other ones. (A sign passes on no move, nor a wrong one.)"""
    problem = classifier(4, hidden=(activation, "relu"))
    names = problem.graph.differentiable
    assert numbers_of(problem, problem.run(), names) is not None
    stack = stack_of(problem, names)
    first = stack.layers[0]
    wrong = first._replace(move=lambda pair: first.move(pair) * 1.000_001)
    broken = [layer._replace(before=wrong) if layer.before is first else layer for layer in stack.backward]
    monkeypatch.setattr(stack, "backward", broken)
    assert numbers_of(problem, problem.run(), names) is None


def test_biases_alone_are_guarded_too(monkeypatch):
    problem = classifier(3)
    names = ("b1", "b2")
    assert numbers_of(problem, None, names) is not None
    monkeypatch.setattr(MODULES["engine.check.short_way.guard"], "is_answer", lambda *_: True)
    right = StackNumbers.found
    for name in names:
        monkeypatch.setattr(StackNumbers, "found", lambda self, name=name: scaled(right(self), name))
        assert numbers_of(problem, None, names) is None


def test_no_direction_is_lost_beside_another(monkeypatch):
    """∂J/∂W2 is a million times as large as ∂J/∂W1, and the cost moves along both at once."""
    problem = classifier(3, (9, 8, 5), ("tanh",))
    problem.leaves["W2"] *= 1e-6
    right, names = StackNumbers.found, ("W1", "W2")
    gradients = problem.run().gradients
    assert np.abs(gradients["W1"]).max() < 1e-5 * np.abs(gradients["W2"]).max()
    assert numbers_of(problem, None, names) is not None
    monkeypatch.setattr(MODULES["engine.check.short_way.guard"], "is_answer", lambda *_: True)
    monkeypatch.setattr(StackNumbers, "found", lambda self: {**(right(self) or {}), "W1": gradients["W1"] * 1.000_01})
    assert numbers_of(problem, None, names) is None


def test_the_examples_that_are_clear_of_kinks_are_guarded_too(monkeypatch):
    """Where some lie at one. What is behind the layers is not looked at: a class that is given no chance is no hindrance."""
    problem = some_at_kinks()
    problem.leaves["b2"][np.argmax(problem.leaves["Y"][1])] -= 800.0
    run = problem.run()
    found = numbers_of_examples(problem, run)
    assert found is not None
    clear, D = found
    assert clear.tolist() == [False, True, True, True, True, True]
    for each, name in zip(D, ("Z1", "Z2"), strict=True):
        assert np.allclose(each, run.gradients[name][clear], rtol=0, atol=1e-15)
    monkeypatch.setattr(MODULES["engine.check.short_way.entrance"], "is_guarded", lambda *_: False)
    assert numbers_of_examples(problem, run) is None


def test_how_far_a_gradient_is_from_its_differences_is_told():
    problem = classifier(2)
    right = problem.run().gradients
    off = right["W1"] + 1e-11 * np.abs(right["W1"]).max()
    plain = plain_certificate(problem, None, {**right, "W1": off})
    assert plain is not None
    assert 0.9e-11 < plain.max_error < 1.1e-11
    assert certify(problem, gradients={**right, "W1": off}) == plain
    assert plain.coordinates == sum(each.size for each in right.values())
    assert certify(problem, gradients={}).coordinates == 0


def test_with_changes_the_short_way_is_not_gone():
    problem = classifier(2)
    changed = Run(problem.graph, problem.leaves, Changes(values={"Z1": problem.run()["Z1"] + 0.1}))
    assert numbers_of(problem, changed, ("W1",)) is None
    problem = some_at_kinks()
    unchanged = problem.run()
    assert numbers_of_examples(problem, unchanged) is not None
    changed = Run(problem.graph, problem.leaves, Changes(values={"W1": problem.leaves["W1"] * 2.0}))
    assert numbers_of_examples(problem, changed) is None


def some_at_kinks():
    """One example of zeros, without biases."""
    problem = classifier(5, (9, 8, 7), ("relu",))
    problem.leaves["X"][0] = 0.0
    problem.leaves["b1"][:] = 0.0
    return problem


@pytest.mark.parametrize(("scale", "plain"), [(1.0, True), (1e50, True), (1e80, False)])
def test_what_is_large_is_not_plain(scale, plain):
    """Neither by the numbers of a stack nor, where the softmax is under another loss, by those of few coordinates."""
    for loss in ("cross_entropy", "squared_error"):
        wire = random_network(
            np.random.default_rng(0), [2, 2, 2], ["tanh", "softmax"], {"kind": loss, "scale": scale}, examples=1
        )
        problem = read_problem(wire)
        run = problem.run()
        assert (plain_certificate(problem, run, run.gradients) is not None) == plain
        assert plain_certificate(problem, run, {}) is None


def test_a_check_takes_the_short_way_and_says_the_same(monkeypatch):
    problem = classifier(6, (40, 30, 20, 10), examples=9)
    quick = check(problem, seed=1)
    monkeypatch.setattr(MODULES["engine.check.ways"], "numbers_of_stack", lambda *_: None)
    slow = check(problem, seed=1)
    assert quick.status == slow.status == "agrees"
    assert quick.coordinates == slow.coordinates
    for one, other in zip(quick.gradients, slow.gradients, strict=True):
        assert (one.name, one.status) == (other.name, other.status)
        assert one.max_error < 1e-14
        assert 0.1 * other.error_bound < one.error_bound <= other.error_bound


def test_only_the_short_way_is_taken_where_all_is_plain(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the long way was taken")

    monkeypatch.setattr(MODULES["engine.check.certificate"], "looks", refuse)
    for problem in (
        classifier(7, (3, 4, 3, 2)),
        classifier(7, (40, 30, 20, 10)),
        read_problem(CASES["mlp-3-2-1"]["problem"]),
    ):
        assert certify(problem).status == "agrees"
    monkeypatch.setattr(plain, "LEEWAY", 0.0)
    with pytest.raises(AssertionError, match="long way"):
        certify(classifier(7))


def test_a_kink_is_left_to_the_long_way():
    wire = random_network(np.random.default_rng(3), [20, 30, 5], ["relu", "softmax"], {"kind": "cross_entropy"}, examples=6)
    wire["inputs"][2] = [0.0] * 20
    wire["network"]["layers"][0]["bias"] = [0.0] * 30
    certificate = certify(read_problem({**wire, "labels": [0, 1, 2, 3, 4, 0]}))
    assert certificate.status == "kink"
    assert {kink.index[0] for kink in certificate.kinks} == {2}


def test_keys_with_a_wrong_head_are_refused():
    """One example's error, of a millionth: in the slope of the loss, and in the weights behind a unit."""
    wire = random_network(np.random.default_rng(4), [30, 40, 6], ["tanh", "softmax"], {"kind": "cross_entropy"}, examples=9)
    problem = read_problem({**wire, "labels": [0, 1, 2, 3, 4, 5, 0, 1, 2]})
    assert certify(problem).status == "agrees"

    def off(g: Any) -> Any:
        wrong = g.copy()
        wrong[3, 2] += 1e-6 * np.abs(g).max()
        return wrong

    op = problem.graph["Z2"].op
    assert op is not None
    with pytest.raises(KeyRefuted):
        certify(problem, problem.run(Changes(rules={("Z2", 0): lambda d, out, *x: off(op.rule(0)(d, out, *x))})))
    gradients = problem.run().gradients
    with pytest.raises(KeyRefuted):
        certify(problem, gradients={**gradients, "Z2": off(gradients["Z2"])})


def dense(weights, activation, inputs, labels, loss, **layer):
    layers = [{"weights": weights, "activation": activation, **layer}]
    return {"network": {"layers": layers, "loss": loss}, "inputs": inputs, "labels": labels}


def scaled_error(scale):
    return {"kind": "squared_error", "scale": scale}


EXTREME = {
    "a step is no number beside weights": dense([[1e300, 1]], "softmax", [[0]], [0], "cross_entropy"),
    "a step is no number beside inputs": dense([[0, 0]], "softmax", [[1e224]], [0], "cross_entropy"),
    "no room for a step": dense([[-700]], "sigmoid", [[1]], [[1]], "binary_cross_entropy"),
    "hardly any": dense([[-740]], "sigmoid", [[1]], [[0.5]], "binary_cross_entropy"),
    "nor in a softmax": dense([[0, 700, 350]], "softmax", [[1]], [[0.5, 0.5, 0]], "cross_entropy"),
    "a residual next to 0": dense([[1e-41]], "identity", [[1]], [[0]], scaled_error(1e30), bias=[0]),
    "and without a bias": dense([[1e-38]], "identity", [[1]], [[0]], scaled_error(1e36)),
    "a square next to 0": {"graph": {"expressions": ["J = square(c + b)"]}, "values": {"b": 0, "c": 1e-29}},
    "a power": {"graph": {"expressions": ["J = (c + b)**2"]}, "values": {"b": 0, "c": 1e-25}},
}


@pytest.mark.parametrize("case", EXTREME)
def test_what_is_right_is_confirmed_however_extreme(case):
    problem = read_problem(EXTREME[case])
    assert certify(problem).status == "agrees"
    assert check(problem).status == "agrees"


@pytest.mark.parametrize("kind", ["one-hot", "soft", ("sigmoid", "binary_cross_entropy")])
def test_slopes_of_confident_heads_keep_their_digits(kind):
    """p − y would lose them."""
    problem = with_labels(kind)
    problem.leaves["b3"][:] = np.linspace(-60.0, 60.0, 5)
    problem.leaves["Y"] = np.eye(5)[[4] * 6]
    if kind == "soft":
        problem.leaves["Y"][0] = [0.0, 0.0, 0.0, 0.25, 0.75]
    found, right = numbers_of(problem, None, ("Z3",)), problem.run().gradients["Z3"]
    assert found is not None
    assert np.allclose(found["Z3"], right, rtol=1e-12, atol=0)


def test_a_residual_next_to_0_keeps_its_digits():
    """A step must be short beside it, too: the difference of squares is 2rΔ + Δ²."""
    problem = read_problem(dense([[1e-38, 3.0]], "identity", [[1]], [[0, 0]], "squared_error"))
    found = numbers_of(problem, None, ("Z1",))
    assert found is not None
    assert np.allclose(found["Z1"], [[2e-38, 6.0]], rtol=1e-12, atol=0)


def test_a_head_without_room_that_nothing_depends_on_is_plain():
    """As of a class that an example is sure not to be."""
    problem = read_problem(dense([[-700.0, 1.0]], "sigmoid", [[1.0]], [[0, 1]], "binary_cross_entropy"))
    found = numbers_of(problem, None, ("A1",))
    assert found is not None
    assert np.allclose(found["A1"], problem.run().gradients["A1"], rtol=1e-12, atol=0)


def test_no_alarm_is_given_by_the_short_way_alone(monkeypatch):
    """Were it wrong, and its guard too, the long one would tell."""
    problem = classifier(3)
    right = StackNumbers.found
    monkeypatch.setattr(StackNumbers, "found", lambda self: scaled(right(self), "W1"))
    monkeypatch.setattr(MODULES["engine.check.short_way.entrance"], "is_guarded", lambda *_: True)
    assert certify(problem).status == "agrees"
    gradients = problem.run().gradients
    with pytest.raises(KeyRefuted, match="dW2"):
        certify(problem, gradients={**gradients, "W2": gradients["W2"] * 1.001})


@pytest.mark.parametrize("operations", [Limits().certificate_operations, 1_000])
def test_where_the_long_way_is_too_long_directions_take_back_no_alarm(operations):
    """They do not notice so little."""
    heads, loss = ["tanh", "softmax"], {"kind": "cross_entropy"}
    wire = random_network(np.random.default_rng(0), [40, 30, 10], heads, loss, examples=50)
    problem = read_problem(wire, limits=replace(Limits(), certificate_operations=operations))
    gradients = problem.run().gradients
    assert certify(problem).status == "agrees"
    for entry in ((0, 0), (20, 7), (39, 29)):
        wrong = gradients["W1"].copy()
        wrong[entry] += 5 * LEEWAY * np.abs(wrong).max()
        with pytest.raises(KeyRefuted, match="dW1"):
            certify(problem, gradients={**gradients, "W1": wrong})


def test_a_step_that_is_given_is_taken():
    problem = classifier(3)
    assert check(problem, step=1e-3).evaluations > check(problem).evaluations
