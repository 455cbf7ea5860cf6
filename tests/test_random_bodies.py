"""A short run of tests/random_bodies.py, and what longer ones have found."""

import random

import orjson
import pytest

from tests.random_bodies import fault, random_body

FOUND = {
    # The square of a learning rate, "applied twice", overflowed with an exception.
    "a learning rate without a square": (
        "mistakes",
        {
            "network": {"layers": [{"weights": [[0]], "activation": "sigmoid"}], "loss": "binary_cross_entropy"},
            "inputs": [[3]],
            "labels": [[1]],
            "optimizer": {"kind": "sgd", "learning_rate": 1e300},
        },
    ),
    # The cost was estimated before the engine could say that there are none.
    "no layers": ("gradients", {"network": {"layers": [], "loss": "hinge"}, "inputs": [[1]], "labels": [[1]]}),
    "no expressions": ("train", {"graph": {"expressions": []}, "values": {"x": 1}}),
    # What is between x and J is 0 in 64 bits, or next to it, so that differences see nothing of the gradient.
    "a square that underflows": ("gradients", {"graph": {"expressions": ["J = sqrt(x * x)"]}, "values": {"x": 1e-160}}),
    "a cube that underflows": ("gradients", {"graph": {"expressions": ["J = x**3 / (x * x)"]}, "values": {"x": 1e-140}}),
    "tiny numbers in a list": ("mistakes", {"graph": {"expressions": ["J = sqrt(sum(x * x))"]}, "values": {"x": [1e-158]}}),
}


@pytest.mark.parametrize(("operation", "body"), FOUND.values(), ids=FOUND.keys())
def test_what_was_found_is_mended(operation, body):
    assert fault(operation, orjson.dumps(body)) == ""


def test_whatever_is_sent_is_answered():
    draw = random.Random(5)
    for _ in range(600):
        operation, sent = random_body(draw)
        assert fault(operation, sent) == "", (operation, sent)
