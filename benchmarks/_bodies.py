"""The bodies that benchmarks send, and how one becomes another each time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import orjson
from _load import MARK


def network(widths: list[int], examples: int) -> bytes:
    """A relu network with a softmax head, all numbers written with 17 digits, as NumPy gives them."""
    rng = np.random.default_rng(0)
    layers = [
        {
            "weights": rng.standard_normal((i, o)) * np.sqrt(2 / i),
            "bias": rng.standard_normal(o) * 0.1,
            "activation": "relu",
        }
        for i, o in pairwise(widths)
    ]
    layers[-1]["activation"] = "softmax"
    X, y = rng.standard_normal((examples, widths[0])), rng.integers(0, widths[-1], examples)
    body = {"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": X, "labels": y}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


TINY = orjson.dumps(
    {
        "network": {
            "layers": [
                {"weights": [[0.15, 0.25], [0.2, 0.3]], "bias": [0.35, 0.35], "activation": "sigmoid"},
                {"weights": [[0.4], [0.45]], "bias": [0.6], "activation": "sigmoid"},
            ],
            "loss": "squared_error",
        },
        "inputs": [[0.05, 0.1], [0.2, 0.3], [0.5, 0.75], [1.25, 0.5], [0.1, 0.9]],
        "labels": [[0.01], [0.99], [0.5], [0.25], [1]],
    }
)
SMALL = network([8, 16, 16, 4], 32)
LARGE = network([784, 128, 10], 64)


def fresh(body: bytes) -> bytes:
    """Another first input each time: nine digits of it."""
    start, inputs, rest = body.partition(b'"inputs":[[')
    end = rest.index(b",")
    return start + inputs + b"0.1" + MARK + rest[end:]


def new(body: bytes) -> bytes:
    """Another name of the first layer each time, and so of all its quantities."""
    return body.replace(b'{"weights"', b'{"name":"h' + MARK + b'","weights"', 1)


def check_body() -> bytes:
    """A small body with much to do: some 40 ms, for a softmax under another loss is checked the long way."""
    layers = [
        {"units": 96, "init": {"kind": "he"}, "bias": True, "activation": "tanh"},
        {"units": 48, "init": {"kind": "he"}, "bias": True, "activation": "tanh"},
        {"units": 10, "bias": True, "activation": "softmax"},
    ]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 16)).round(2)
    labels = np.full((300, 10), 0.02) + 0.8 * np.eye(10)[rng.integers(0, 10, 300)]
    body = {"network": {"layers": layers, "loss": "squared_error"}, "inputs": X, "labels": labels}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


READINGS = {"same": bytes, "fresh": fresh, "new": new}
"""Ways to send a body again and again."""
