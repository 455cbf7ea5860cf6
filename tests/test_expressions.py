"""Expressions: what they compute, and how everything else is refused, quickly and in words."""

import ast
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import EngineError, compute, read_problem, solve
from engine.errors import (
    BadExpression,
    BadProblem,
    NameCollision,
    NotFinite,
    NotScalar,
    ShapeMismatch,
    TooLarge,
    UnknownName,
)
from engine.limits import Limits
from engine.syntax import parse
from tests.timing import quickest

VALUES: dict[str, Any] = {"x": [1.0, -2.0], "W": [[1.0, 2.0], [3.0, 4.0]], "b": [0.5, 0.25], "k": 3.0}


def graph(*expressions, values=VALUES, **more):
    return {"graph": {"expressions": list(expressions), **more}, "values": values}


def value(*expressions, **more):
    problem = read_problem(graph(*expressions, **more))
    return float(problem.run().values[problem.graph.output])


x, W, b = (np.array(VALUES[name]) for name in "xWb")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("J = sum(W @ x + b)", np.sum(W @ x + b)),
        ("J = -k ** 2", -9.0),
        ("J = (-k) ** 2", 9.0),
        ("J = 2 - 3 - 4 * k / 6", -3.0),
        ("J = 2 ** 3 ** 2 * k", 512 * 3.0),
        ("J = sum(W, axis=0) @ x", W.sum(axis=0) @ x),
        ("J = sum(sum(W, axis=-1, keepdims=True) * W)", (W.sum(axis=1, keepdims=True) * W).sum()),
        ("J = max(reshape(W, shape=(4,)))", 4.0),
        ("J = dot(concat(x, b), concat(b, x))", np.concatenate([x, b]) @ np.concatenate([b, x])),
        ("J = sum(slice(W, start=1, axis=1))", W[:, 1:].sum()),
        ("J = sum(transpose(W) @ x)", (W.T @ x).sum()),
        ("J = norm(outer(x, b))", np.linalg.norm(np.outer(x, b))),
        ("J = mean(relu(x)) + min(clip(x, low=-1, high=0.5))", 0.5 - 1.0),
        ("J = sum(squared_error(W, W * 0))", (W**2).sum()),
        ("J = k", 3.0),
        ("J = pi * k", 3 * np.pi),
        ("J = 1_000.5e-1 + k", 103.05),
    ],
)
def test_values(expression, expected):
    assert value(expression) == pytest.approx(expected, rel=1e-15)


def test_unnamed_parts_belong_to_their_expression():
    problem = read_problem(graph("u = W @ x + b", "J = sum(u * u)"))
    assert problem.graph.names == ("x", "W", "b", "k", "u", "J")
    assert [node.op for node in solve(problem).nodes][-2:] == ["expression", "expression"]
    with pytest.raises(UnknownName):
        compute(problem, ["u.1"])
    assert problem.graph.direct_inputs("u") == ("W", "x", "b")
    assert problem.graph.direct_inputs("J") == ("u",)
    assert np.array_equal(compute(problem, ["u/W"])["u/W"][0], np.stack([x, 0 * x]))
    assert problem.warnings == ("'k' has no influence on 'J': its gradient is 0",)


def test_the_output_can_be_named_and_constants_have_no_gradient():
    problem = read_problem({**graph("J = sum(x * b)", "other = k * k", output="J"), "constants": ["x"]})
    assert problem.asked == ("dW", "db", "dk")
    assert problem.run().gradients["b"].tolist() == x.tolist()
    with pytest.raises(UnknownName, match="quantity 'dx'"):
        compute(problem, ["dx"])


REFUSED: dict[str, tuple[str, type[EngineError], str]] = {
    "9**9**9": ("J = 9**9**9", NotFinite, "'J' = pow"),
    "attribute": ("J = x.T", BadExpression, "column 5: there are no attributes: write transpose"),
    "dunder attribute": ("J = x.__class__", BadExpression, "no attributes"),
    "comprehension": ("J = sum([i for i in x])", BadExpression, "column 9: comprehensions are not allowed"),
    "generator": ("J = sum(i for i in x)", BadExpression, "comprehensions"),
    "dunder name": ("J = __import__('os')", UnknownName, "'__import__' is not known"),
    "dunder target": ("__J__ = k", BadExpression, "cannot be a name"),
    "unknown function": ("J = sofmax(x)", UnknownName, "did you mean 'softmax'"),
    "lambda": ("J = (lambda: 1)()", BadExpression, "functions cannot be defined"),
    "method call": ("J = x.sum()", BadExpression, "no attributes"),
    "indexing": ("J = x[0]", BadExpression, "no indexing: write slice"),
    "comparison": ("J = k > 2", BadExpression, "no comparisons"),
    "condition": ("J = k if k else 2", BadExpression, "no conditions"),
    "list": ("J = sum([1, 2])", BadExpression, "arrays are given under values"),
    "text": ("J = 'abc'", BadExpression, "expected a number, not the text"),
    "format": ("J = f'{k}'", BadExpression, "not text"),
    "bytes": ("J = b'abc'", BadExpression, "expected a number"),
    "imaginary": ("J = 3j", BadExpression, "expected a number"),
    "true": ("J = True * k", BadExpression, "not true"),
    "ellipsis": ("J = ...", BadExpression, "expected a number"),
    "walrus": ("J = (y := 3)", BadExpression, "gives one name"),
    "floor division": ("J = k // 2", BadExpression, "operator is not known"),
    "modulo": ("J = k % 2", BadExpression, "operator is not known"),
    "not": ("J = ~k", BadExpression, "only unary operator is minus"),
    "unary plus": ("J = +k", BadExpression, "only unary operator is minus"),
    "star": ("J = sum(*x)", BadExpression, "not allowed"),
    "double star": ("J = sum(x, **k)", BadExpression, "no option 'None'"),
    "await": ("J = await x", BadExpression, ""),
    "two targets": ("J = u = k", BadExpression, "expected `name = expression`"),
    "tuple target": ("J, u = k", BadExpression, "left side must be one name"),
    "augmented": ("J += k", BadExpression, "expected `name = expression`"),
    "import": ("import os", BadExpression, "expected `name = expression`"),
    "two statements": ("J = k; u = k", BadExpression, "expected one"),
    "no target": ("k + 2", BadExpression, "expected `name = expression`"),
    "empty": ("", BadExpression, "expected one"),
    "half": ("J = (k", BadExpression, "column 5: not a complete expression"),
    "two lines": ("J = k\nu = k", BadExpression, "one line"),
    "not ASCII": ("J = λ * k", BadExpression, "plain ASCII"),
    "null byte": ("J = k\0", BadExpression, ""),
    "huge number": ("J = 1e999 * k", BadExpression, "too large for a 64-bit float"),
    "huge integer": ("J = k + " + "9" * 400, BadExpression, "too large for a 64-bit float"),
    "deep": ("J = " + "-(" * 60 + "k" + ")" * 60, TooLarge, "nested more than 40 deep"),
    "very deep": ("J = " + "(" * 450 + "k" + ")" * 450, BadExpression, ""),
    "minus chain": ("J = " + "-" * 900 + "k", TooLarge, "nested"),
    "long": ("J = k" + " + k" * 400, TooLarge, "1000 characters, not 1605"),
    "arity": ("J = dot(x)", BadExpression, "dot takes 2 operands, not 1"),
    "positional option": ("J = sum(W, 0)", BadExpression, "options are named, such as axis="),
    "unknown option": ("J = sum(x, dim=0)", BadExpression, "sum has no option 'dim' (its options: axis, keepdims)"),
    "missing option": ("J = sum(clip(x, low=0))", BadExpression, "clip needs high="),
    "computed option": ("J = sum(x, axis=k)", BadExpression, "an option must be a number"),
    "axis outside": ("J = sum(sum(W, axis=2))", ShapeMismatch, "axis 2 does not exist; allowed here: -2 to 1"),
    "axis twice": ("J = sum(W, axis=(0, 0))", ShapeMismatch, "twice"),
    "axis not whole": ("J = sum(W, axis=0.5)", EngineError, "whole number"),
    "clip order": ("J = sum(clip(x, low=1, high=0))", EngineError, "low < high"),
    "inner lengths": ("J = sum(W @ concat(x, b))", ShapeMismatch, "inner lengths 2 and 4 differ"),
    "no broadcast": ("J = sum(W + concat(x, b))", ShapeMismatch, "do not broadcast"),
    "unknown name": ("J = sum(y)", UnknownName, "name 'y' is not known"),
    "itself": ("J = J + 1", BadProblem, "'J' is defined by itself"),
    "op as name": ("sum = k", NameCollision, "name of an op"),
    "log of a negative": ("J = sum(log(x))", NotFinite, "leaves the domain"),
    "division by zero": ("J = k / 0", NotFinite, "divides by zero"),
    "huge outer": (
        "J = sum(outer(reshape(outer(c, c), shape=(-1,)), reshape(outer(c, c), shape=(-1,))))",
        TooLarge,
        "would hold more than",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_refused_in_words_and_in_milliseconds(case):
    expression, kind, sentence = REFUSED[case]
    wire = graph(expression, values={**VALUES, "c": [1.0] * 100})
    with pytest.raises(kind) as refusal:
        read_problem(wire)

    def again():
        with pytest.raises(kind):
            read_problem(wire)

    assert quickest(again, enough=0.1) < 0.1
    assert sentence in refusal.value.message
    assert len(refusal.value.message) < 1000
    if kind is BadExpression and "cannot be a name" not in sentence:
        assert "allowed are + - * / ** @" in refusal.value.message
    assert refusal.value.path == "graph.expressions[0]"


def test_a_whole_graph_is_refused_with_its_path():
    cases: list[tuple[dict[str, Any], type[EngineError], str, str]] = [
        (
            graph("u = v + 1", "v = k"),
            BadProblem,
            "used before it is defined (in graph.expressions[1])",
            "graph.expressions[0]",
        ),
        (graph("u = k", "u = k"), NameCollision, "defined twice", "graph.expressions[1]"),
        (graph("k = 2"), NameCollision, "given under values and computed", "values.k"),
        (
            graph("e = k", "de = 2 * k", "J = e * de"),
            NameCollision,
            "'de' is a name of this graph, but also the derivative",
            "graph.expressions",
        ),
        (graph("J = W @ x"), NotScalar, "the output 'J' is a list of 2", "graph.expressions"),
        (graph("J = k", output="L"), UnknownName, "output 'L' is not known", "graph.output"),
        (graph("J = k", output=3), BadProblem, "expected the name", "graph.output"),
        (graph(), BadProblem, "an empty list: expected expressions", "graph.expressions"),
        (graph(3), BadProblem, "expected an expression such as", "graph.expressions[0]"),
        (graph("J = k", values={"k": None, "2x": 1}), EngineError, "", "values.k"),
        (graph("J = k", values={"a b": 1}), BadExpression, "'a b' cannot be a name", "values.a b"),
        ({**graph("J = k"), "constants": ["z"]}, UnknownName, "value 'z'", "constants[0]"),
        ({**graph("J = k"), "constants": "k"}, BadProblem, "a list of names", "constants"),
    ]
    for wire, kind, sentence, path in cases:
        with pytest.raises(kind) as refusal:
            read_problem(wire)
        assert sentence in refusal.value.message
        assert refusal.value.path == path


def test_limits_are_settings():
    with pytest.raises(TooLarge, match="3 expressions; 2 is the most"):
        read_problem(graph("a = k", "c = k", "J = k"), Limits(expressions=2))
    with pytest.raises(TooLarge, match="more than 5 nodes"):
        read_problem(graph("J = k + k + k"), Limits(nodes=5))


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.text(alphabet="Jkx=+-*/@(),.0123 []{}:'\"_abT<>!~%&|^lambdfor\\\n#", max_size=60))
def test_any_text_is_read_or_refused(text):
    refusal = None
    try:
        read_problem(graph(text))
    except EngineError as error:
        refusal = error
    assert refusal is None or refusal.message


def test_many_threads_parse_without_disturbing_each_other():
    """Without a lock Python 3.11 fails here, where it collects garbage, and another thread runs, amid a tree: it counts the
    depth of all threads' trees together.
    """
    deep = "J = " + "(" * 30 + "x" + " + 1)" * 30

    def parsed(depth, text):
        return parsed(depth - 1, text) if depth else ast.unparse(parse(text))

    def pause(*_):
        time.sleep(5e-5)

    often = gc.get_threshold()
    gc.set_threshold(20, 1_000, 1_000)
    gc.callbacks.append(pause)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda place: parsed(place % 8, f"{deep} + {place}"), range(4_000)))
    finally:
        gc.callbacks.remove(pause)
        gc.set_threshold(*often)
    assert len(set(found)) == 4_000
