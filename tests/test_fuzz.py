"""A short run of tests/fuzz.py, and what longer ones have found."""

import random

import orjson
import pytest

from tests.fuzz import fault, random_body

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
}


@pytest.mark.parametrize(("operation", "body"), FOUND.values(), ids=FOUND.keys())
def test_what_was_found_is_mended(operation, body):
    assert fault(operation, orjson.dumps(body)) == ""


def test_whatever_is_sent_is_answered():
    draw = random.Random(5)
    for _ in range(600):
        operation, sent = random_body(draw)
        assert fault(operation, sent) == "", (operation, sent)
