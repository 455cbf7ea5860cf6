"""Requests that work, with one or more places changed: dropped, renamed, doubled, cut short, or of another kind."""

import copy
from typing import Any

from hypothesis import strategies as st

from service.contract.examples import CHECK, GRADE, GRADE_BATCH, GRADIENTS, MISTAKES, TRAIN

TABLES = {
    "gradients": GRADIENTS,
    "check": CHECK,
    "grade": GRADE,
    "grade_batch": GRADE_BATCH,
    "mistakes": MISTAKES,
    "train": TRAIN,
}
EXAMPLES = [(operation, row.body) for operation, examples in TABLES.items() for row in examples.values()]
NAMES = ("kind", "seed", "weights", "units", "loss", "labels", "steps", "optimizer", "graph", "scale", "x", "", "W1")
ODD: list[Any] = [
    None, True, False, "", "1", "0.5", "mean", "relu", "adam", "relative", "dW1", "J", "full", 0, 1, -1, 3, 17, 18, 0.5, 2.0,
    -0.0, 1e-320, 1e300, 2**53, 2**63, 2**64 - 1, [], {}, [1], [0.5, 1], [[1]], [[1, 2], [3]], [[]], [None], ["dx"],
    [[["a"]]], {"kind": "he"}, {"kind": "sgd", "learning_rate": 0.1}, {"mode": "decimals", "digits": 2}, {"x": 1},
]  # fmt: skip


def places(value, path=()):
    """The keys that lead to everything in a JSON value."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield from places(each, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def mutate(body, path, how, odd, name):
    """In place, at a path that is not the whole."""
    parent, key = at(body, path[:-1]), path[-1]
    value = parent[key]
    if how == "drop":
        del parent[key]
    elif how == "rename" and isinstance(parent, dict):
        parent[name] = parent.pop(key)
    elif how == "extra" and isinstance(parent, dict):
        parent[name] = copy.deepcopy(odd)
    elif how == "shorten" and isinstance(value, list) and value:
        value.pop()
    elif how == "lengthen" and isinstance(value, list) and value:
        value.append(copy.deepcopy(value[0]))
    elif how == "wrap":
        parent[key] = [value]
    elif how == "unwrap" and isinstance(value, list) and value:
        parent[key] = value[0]
    elif how == "number" and isinstance(value, int | float):
        parent[key] = value * -1.5 if isinstance(odd, float) else f"{value}"
    else:
        parent[key] = copy.deepcopy(odd)


HOW = ("drop", "rename", "extra", "shorten", "lengthen", "wrap", "unwrap", "number", "replace", "replace")


@st.composite
def mutated(draw, most=3):
    """(operation, body)."""
    operation, body = draw(st.sampled_from(EXAMPLES))
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, most))):
        found = [path for path in places(body) if path]
        if found:
            arguments = draw(st.sampled_from(HOW)), draw(st.sampled_from(ODD)), draw(st.sampled_from(NAMES))
            mutate(body, draw(st.sampled_from(found)), *arguments)
    return operation, body
