"""Bad input gets a sentence with the path of what is wrong; never another kind of exception, never a wrong result."""

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import EngineError, compute, read_problem, solve
from engine.errors import BadProblem
from engine.limits import Limits
from engine.problems.network import SPREADS
from tests.problems import CASES

NETWORK = {
    "network": {
        "layers": [
            {"weights": [[0.1, 0.2], [0.3, 0.4], [1, -0.5]], "bias": [0.1, 0.2], "activation": "tanh"},
            {"weights": [[0.3, 0.1, 0.2], [0.5, 0.7, -0.2]], "activation": "softmax"},
        ],
        "loss": {"kind": "cross_entropy"},
    },
    "inputs": [[1, 2, 3], [4, 5, 6]],
    "labels": [0, 2],
}
LOSS = {"loss": {"kind": "cross_entropy"}, "predictions": [[0.5, 0.3, 0.2]], "labels": [[1, 0, 0]]}
DELETE = object()


def changed(problem, path, value):
    """A copy with one field replaced; the path is written as a tuple of keys."""
    copied = copy.deepcopy(problem)
    here = copied
    for key in path[:-1]:
        here = here[key]
    if value is DELETE:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return copied


N, FIRST, SECOND = ("network",), ("network", "layers", 0), ("network", "layers", 1)

# (problem, keys of the field, its bad value, the path told, a part of the sentence)
BAD = [
    (NETWORK, ("inputs",), [[1, 2], [3, 4]], "network.layers[0].weights", "layer 1: weights are 3×2 (in_out) and take 3, but the inputs have 2 features"),
    (NETWORK, (*SECOND, "weights"), [[1, 2, 3]] * 3, "network.layers[1].weights", "layer 2: weights are 3×3 (in_out) and take 3, but layer 1 gives 2 units"),
    (NETWORK, (*SECOND, "weights"), [[1, 2], [1, 2], [1, 2]], "network.layers[1].weights", "they would fit transposed: see 'orientation'"),
    (NETWORK, (*FIRST, "bias"), [1, 2, 3], "network.layers[0].bias", "the bias is a list of 3, but must be a flat list of 2, one for each unit"),
    (NETWORK, (*FIRST, "bias"), [[1, 2]], "network.layers[0].bias", "the bias is 1×2"),
    (NETWORK, (*FIRST, "bias"), "zeros", "network.layers[0].bias", 'not the text "zeros"'),
    (NETWORK, ("inputs",), [1, 2, 3], "inputs", "such as [[1, 2, 3]]), but this is a flat list"),
    (NETWORK, ("inputs",), [[1, 2, 3], [4, 5]], "inputs[1]", "ragged: expected a list of 3 as in inputs[0], not a list of 2"),
    (NETWORK, ("inputs",), [[1, 2, 3], 4], "inputs[1]", "ragged: expected a list of 3"),
    (NETWORK, ("inputs",), [[1, None, 3]], "inputs[0][1]", "expected a number, not null"),
    (NETWORK, ("inputs",), [[1, True, 3]], "inputs[0][1]", "expected a number, not true"),
    (NETWORK, ("inputs",), [[1, "2", 3]], "inputs[0][1]", 'expected a number, not the text "2"'),
    (NETWORK, ("inputs",), [[1, {}, 3]], "inputs[0][1]", "not an object"),
    (NETWORK, ("inputs",), [[1, float("nan"), 3]], "inputs[0][1]", "not NaN or an infinity"),
    (NETWORK, ("inputs",), [[1, 2, float("-inf")]], "inputs[0][2]", "not NaN or an infinity"),
    (NETWORK, ("inputs",), [[1, 2, 10**400]], "inputs[0][2]", "too large for a 64-bit float"),
    (NETWORK, ("inputs",), [], "inputs", "an empty list"),
    (NETWORK, ("inputs",), [[]], "inputs", "an empty list"),
    (NETWORK, ("inputs",), [[[1, 2, 3]]], "inputs", "nested too deep"),
    (NETWORK, ("inputs",), "1 2 3", "inputs", "expected a number, not the text"),
    (NETWORK, ("inputs",), DELETE, "inputs", "needs the field 'inputs'"),
    (NETWORK, ("inputs",), None, "inputs", "needs the field 'inputs'"),
    (NETWORK, ("inputs",), np.array([["a"]]), "inputs", "expected numbers"),
    (NETWORK, ("labels",), [0, 3], "labels[1]", "class indices are whole numbers from 0 to 2, not 3"),
    (NETWORK, ("labels",), [0, -1], "labels[1]", "from 0 to 2, not -1"),
    (NETWORK, ("labels",), [0.5, 1], "labels[0]", "whole numbers from 0 to 2, not 0.5"),
    (NETWORK, ("labels",), [0], "labels", "1 class indices for 2 examples"),
    (NETWORK, ("labels",), [[0], [2]], "labels", "labels are 2×1, but the output is 2×3"),
    (NETWORK, ("labels",), [[1, 0], [0, 0], [0, 1]], "labels", "an example is a row"),
    (NETWORK, ("labels",), [[1, 0, 0], [0.5, 0.5, 0.5]], "labels[1][0]", "not probabilities that sum to 1.5 (example 1)"),
    (NETWORK, ("labels",), [[1, 0, 0], [2, -1, 0]], "labels[1][0]", "must be class indices, or probabilities"),
    (NETWORK, ("network",), DELETE, "", "this has none of them"),
    (NETWORK, ("graph",), {"expressions": ["J = 1"]}, "", "this has 'network' and 'graph'"),
    (NETWORK, ("network",), [], "network", "expected an object, not a list"),
    (NETWORK, ("lables",), [0, 2], "lables", "has no field 'lables'; did you mean 'labels'"),
    (NETWORK, (*N, "layout"), "row", "network.layout", "layout 'row' is not known; did you mean 'rows'"),
    (NETWORK, (*N, "orientation"), 3, "network.orientation", "not the number 3"),
    (NETWORK, (*N, "layers"), [], "network.layers", "an empty list: expected layers"),
    (NETWORK, (*N, "layers"), {}, "network.layers", "expected a list of layers, not an object"),
    (NETWORK, (*N, "layers"), [3], "network.layers[0]", "expected an object, not the number 3"),
    (NETWORK, (*N, "loss"), "cross_entrpy", "network.loss", "did you mean 'cross_entropy'"),
    (NETWORK, (*N, "loss"), {"kind": "cross_entropy", "scale": 0}, "network.loss.scale", "greater than 0"),
    (NETWORK, (*N, "loss"), {"kind": "cross_entropy", "delta": 1}, "network.loss.delta", "has no field 'delta'"),
    (NETWORK, (*N, "loss"), {"kind": "cross_entropy", "reduction": "avg"}, "network.loss.reduction", "known are: mean, sum"),
    (NETWORK, (*N, "loss"), {}, "network.loss.kind", "needs the field 'kind'"),
    (NETWORK, (*N, "loss"), "squared_error", "labels", "labels are a list of 2, but the output is 2×3; write a list of lists"),
    (NETWORK, (*N, "loss"), "binary_cross_entropy", "network.layers[1].activation", "does not go with a last layer of softmax: end with sigmoid"),
    (NETWORK, (*N, "loss"), "cross_entropy_with_logits", "network.layers[1].activation", "this loss applies the softmax itself"),
    (NETWORK, (*SECOND, "activation"), "sigmoid", "network.layers[1].activation", "cross_entropy does not go with a last layer of sigmoid"),
    (NETWORK, (*FIRST, "activation"), "sigmoidd", "network.layers[0].activation", "did you mean 'sigmoid'"),
    (NETWORK, (*FIRST, "activation"), DELETE, "network.layers[0].activation", "needs the field 'activation'"),
    (NETWORK, (*FIRST, "slope"), 0.1, "network.layers[0].slope", "'slope' does not belong to tanh"),
    (NETWORK, (*FIRST, "weights"), DELETE, "network.layers[0]", "a layer needs 'weights', or 'units'"),
    (NETWORK, (*FIRST, "weights"), [1, 2, 3], "network.layers[0].weights", "expected a matrix of weights"),
    (NETWORK, (*FIRST, "weights"), [[1, 2], [3, 4], [5, "6"]], "network.layers[0].weights[2][1]", "not the text"),
    (NETWORK, (*FIRST, "units"), 2, "network.layers[0]", "'weights' or 'units', not both"),
    (NETWORK, (*FIRST, "init"), {"kind": "he"}, "network.layers[0].init", "belongs to a layer with 'units'"),
    (NETWORK, (*FIRST, "name"), "Z 1", "network.layers[0].name", "cannot be a name"),
    (NETWORK, FIRST, {"units": 0, "activation": "tanh"}, "network.layers[0].units", "of at least 1, not 0"),
    (NETWORK, FIRST, {"units": 2.0, "activation": "tanh"}, "network.layers[0].units", "expected a whole number, not the number 2.0"),
    (NETWORK, FIRST, {"units": 2, "init": {"kind": "He"}, "activation": "tanh"}, "network.layers[0].init.kind", "did you mean 'he'"),
    (NETWORK, FIRST, {"units": 2, "init": {"kind": "he", "seed": -1}, "activation": "tanh"}, "network.layers[0].init.seed", "not -1"),
    (NETWORK, FIRST, {"units": 2, "init": {"kind": "he", "scale": 1}, "activation": "tanh"}, "network.layers[0].init.scale", "belongs to init 'normal'"),
    (NETWORK, FIRST, {"units": 900_000, "activation": "tanh"}, "network.layers[1].weights", "layer 1 gives 900000 units"),
    (NETWORK, ("optimizer",), {"kind": "sgdd", "learning_rate": 1}, "optimizer.kind", "did you mean 'sgd'"),
    (NETWORK, ("optimizer",), {"kind": "sgd"}, "optimizer.learning_rate", "needs the field 'learning_rate'"),
    (NETWORK, ("optimizer",), {"kind": "sgd", "learning_rate": -1}, "optimizer.learning_rate", "greater than 0, not -1"),
    (NETWORK, ("optimizer",), {"kind": "sgd", "learning_rate": 1, "beta": 1}, "optimizer.beta", "has no field 'beta'"),
    (NETWORK, ("optimizer",), 3, "optimizer", "expected an object"),
    (LOSS, ("predictions",), [[0.5, 0.3, 0.4]], "predictions[0][0]", "not probabilities that sum to 1.2 (example 0)"),
    (LOSS, ("predictions",), [[1.5, -0.3, -0.2]], "predictions[0][0]", "must be probabilities from 0 to 1"),
    (LOSS, ("predictions",), [0.5, 0.3, 0.2], "predictions", "this is a flat list"),
    (LOSS, ("predictions",), [[1, 0, 0]], "", None),
    (LOSS, ("labels",), [[1, 0]], "labels", "labels are 1×2, but the output is 1×3"),
    (LOSS, ("loss",), {"kind": "hinge"}, "labels[0][1]", "labels of hinge must be -1 or 1, not 0"),
    (LOSS, ("loss",), 3, "loss", "expected an object"),
    (LOSS, ("optimizer",), {"kind": "sgd", "learning_rate": 1}, "optimizer", "has no field 'optimizer'"),
    (LOSS, ("predictions",), [[0.0, 0.5, 0.5]], "", "'losses' = cross_entropy(…) is not finite"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{'.'.join(map(str, case[1]))}-{str(case[4])[:40]}")
def test_bad_input_gets_a_sentence_and_a_path(case):
    problem, keys, value, path, sentence = case
    wire = changed(problem, keys, value)
    if sentence is None:
        read_problem(wire)
        return
    with pytest.raises(EngineError) as refusal:
        read_problem(wire)
    assert sentence in refusal.value.message
    assert refusal.value.path == path
    assert len(refusal.value.message) < 400


def test_what_is_no_problem_at_all():
    nothing: list[Any] = [None, [], "network", 3, True, {}]
    for wire in nothing:
        with pytest.raises(BadProblem):
            read_problem(wire)


def test_sizes_are_refused_before_memory_is_taken():
    wire = {
        "network": {"layers": [{"units": 10_000, "activation": "relu"}] * 3, "loss": "squared_error"},
        "inputs": [[1.0]],
        "labels": [[0.0] * 10_000],
    }
    with pytest.raises(EngineError, match="layer 2 would have 10000×10000 weights"):
        read_problem(wire)
    with pytest.raises(EngineError, match="3 layers; 2 is the most"):
        read_problem(wire, Limits(layers=2))


def test_drawn_weights_are_those_of_their_seed_in_every_convention():
    found = {}
    for kind in SPREADS:
        for layout, orientation in (("rows", "in_out"), ("columns", "out_in")):
            layer = {"units": 3, "init": {"kind": kind, "seed": 5}, "activation": "tanh"}
            wire = {
                "network": {"layers": [layer, layer], "layout": layout, "loss": "squared_error"},
                "inputs": [[1.0, 2.0, 3.0]] if layout == "rows" else [[1.0], [2.0], [3.0]],
                "labels": [[1.0, 2.0, 3.0]] if layout == "rows" else [[1.0], [2.0], [3.0]],
            }
            run = read_problem(wire).run()
            found[kind, layout] = run["W1"] if orientation == "in_out" else run["W1"].T
            if kind != "zeros":
                assert not np.array_equal(run["W1"], run["W2"])
        assert np.array_equal(found[kind, "rows"], found[kind, "columns"])
    assert not found["zeros", "rows"].any()
    assert np.allclose(found["he", "rows"] / found["normal", "rows"], np.sqrt(2 / 3) / 0.01)


def test_a_layer_can_have_a_name():
    wire = changed(NETWORK, (*FIRST, "name"), "hidden")
    names = read_problem(wire).graph.names
    assert names[:6] == ("X", "W_hidden", "b_hidden", "Z_hidden", "A_hidden", "W2")
    assert compute(read_problem(wire), ["dW_hidden"])["dW_hidden"].shape == (3, 2)


def test_a_sign_warns_that_nothing_before_it_can_learn():
    wire = changed(NETWORK, (*FIRST, "activation"), "sign")
    assert "nothing before it can learn" in solve(read_problem(wire)).warnings[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["", "sigmoid", "rows", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "weights", "units"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value, path=()):
    """The paths of everything in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*path, index))


PROBLEMS = [json.loads(json.dumps(case["problem"])) for case in CASES.values()] + [NETWORK, LOSS]


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.data())
def test_any_part_replaced_by_anything_is_solved_or_refused(data):
    problem = data.draw(st.sampled_from(PROBLEMS))
    path = data.draw(st.sampled_from([each for each in places(problem) if each]))
    value = data.draw(JSON | st.just(DELETE))
    refusal = None
    try:
        solve(read_problem(changed(problem, path, value)), include=["formulas"])
    except EngineError as error:
        refusal = error
    assert refusal is None or (refusal.message and refusal.kind != "key-refuted")
