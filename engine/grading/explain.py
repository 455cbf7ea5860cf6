"""A worked line: the formula with its numbers put in."""

from __future__ import annotations

import re

import numpy as np

from engine.formulas import formula
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem
from engine.quantities import Quantity

MOST_NUMBERS = 12
"""A worked line with more numbers than this in one operand would be read by nobody."""
NAMES = re.compile(r"[A-Za-z_]\w*")


def worked_line(problem: Problem, quantity: Quantity, run: Run, expected: Array) -> str:
    """The formula with its numbers put in: `dZ2 = dA2 * A2 * (1 - A2) = -0.3819 * 0.6181 * (1 - 0.6181) = -0.09015`."""
    found = formula(problem, quantity)
    if found is None:
        return f"{quantity.name} = {numbers(expected)}"
    right = found.text.split(" = ", 1)[1]
    values: dict[str, Array] = {}
    for name in set(NAMES.findall(right)):
        if name in problem.graph.names:
            values[name] = run[name]
        elif name[:1] == "d" and name[1:] in problem.graph.differentiable:
            values[name] = run.gradients[name[1:]]
    if "m" in NAMES.findall(right) and "m" not in values and "losses" in problem.graph.names:
        values["m"] = np.asarray(float(run["losses"].size))
    if any(value.size > MOST_NUMBERS for value in values.values()):
        return f"{found.text} = {numbers(expected)}"
    put_in = NAMES.sub(lambda match: operand(match, values[match[0]]) if match[0] in values else match[0], right)
    return f"{found.text} = {put_in} = {numbers(expected)}"


def operand(match: re.Match[str], value: Array) -> str:
    """The numbers in the place of a name: a negative one in parentheses behind an operator, and before a power."""
    text, before, after = numbers(value), match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    bare = before[-1:] in ("", "(", ",") and not after.startswith("**")
    return text if bare or not text.startswith("-") else f"({text})"


def numbers(value: Array) -> str:
    """Four significant digits, in nested brackets; a shape where there are too many."""
    if value.size > MOST_NUMBERS:
        return f"({'×'.join(map(str, value.shape))} numbers)"
    return written(np.asarray(value).tolist())


def written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(written(each) for each in value)}]"
    return f"{value:.4g}"
