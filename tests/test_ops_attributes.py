"""Whatever literal an expression gives for an option of an op, it is computed or refused in a sentence."""

import re

import numpy as np
import pytest

from engine import EngineError, read_problem
from engine.ops import OPS

LITERALS = [
    "None",
    "True",
    "0",
    "2.5",
    "-1",
    "1e300",
    "9" * 20,
    "()",
    "(0, 1)",
    "(1.5,)",
    "((1, 2),)",
    "(True,)",
    "(-1, -1)",
]
VALUES = {"number": 0.5, "list": [0.25, 0.5], "matrix": [[0.1, 0.2], [0.3, 0.4]]}
NEEDED = {"shape": "(4,)", "low": "-1", "high": "1"}
OPTIONS = [(name, option) for name, row in OPS.items() for option in row.attributes]

REFUSED = {
    "sum(matrix, keepdims=2.5)": "keepdims must be True or False",
    "sum(softmax(matrix, axis=None))": "axis must be one whole number here",
    "sum(concat(list, list, axis=(0,)))": "axis must be one whole number here",
    "sum(slice(list, start=0.5))": "start and stop must be whole numbers",
    "sum(slice(list, start=2))": "the slice from 2 to None of an axis of length 2 is empty",
    "sum(reshape(list, shape=2.5))": "shape must be a tuple of lengths",
    "sum(reshape(list, shape=(3, -1)))": "has 2 entries and cannot become",
    "sum(elu(list, alpha=None))": "alpha must be a number, not None",
    "sum(elu(list, alpha=0))": "alpha must be greater than 0, not 0",
    "sum(leaky_relu(list, slope=(1, 2)))": "slope must be a number",
    "sum(leaky_relu(list, slope=1))": "slope must be at least 0 and less than 1",
    "sum(clip(list, low=1, high=0))": "clip needs low < high",
    "sum(huber(matrix, matrix, delta=True))": "delta must be a number, not True",
    "sum(matrix, axis=2)": "axis 2 does not exist; allowed here: -2 to 1",
}


def read(expression):
    return read_problem({"graph": {"expressions": [f"J = {expression}"]}, "values": VALUES})


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_no_literal_breaks_an_op(name, option):
    needed = [f"{each}={NEEDED[each]}" for each, default in OPS[name].attributes.items() if default is ...]
    for literal in LITERALS:
        for operand in VALUES:
            operands = [operand] * OPS[name].arity
            options = [*(each for each in needed if not each.startswith(option)), f"{option}={literal}"]
            try:
                problem = read(f"sum({name}({', '.join(operands + options)}))")
            except EngineError:
                continue
            assert all(np.isfinite(gradient).all() for gradient in problem.run().gradients.values())


@pytest.mark.parametrize(("expression", "sentence"), REFUSED.items())
def test_refusals(expression, sentence):
    with pytest.raises(EngineError, match=re.escape(sentence)):
        read(expression)
