"""Requests that work, for the OpenAPI document and the greeting on start: one row each. Tests send them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    summary: str
    body: Body


SUM_TIMES: Body = {"graph": {"expressions": ["q = x + y", "f = q * z"]}, "values": {"x": 2, "y": 3, "z": 4}}

THREE_TWO_ONE: Body = {
    "network": {
        "layers": [
            {"weights": [[0.1, 0.2], [0.3, 0.4], [1, -0.5]], "activation": "sigmoid"},
            {"weights": [[0.3], [0.5]], "activation": "sigmoid"},
        ],
        "loss": {"kind": "squared_error", "scale": 0.5},
    },
    "inputs": [[1, 2, 3]],
    "labels": [[1]],
}

LOGISTIC_STEP: Body = {
    "network": {
        "layers": [{"weights": [[0, 0]], "bias": [0], "activation": "sigmoid"}],
        "layout": "columns",
        "loss": "binary_cross_entropy",
    },
    "inputs": [[3], [2]],
    "labels": [[1]],
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
}

SOFTMAX: Body = {
    "graph": {"expressions": ["s = softmax(x)", "J = dot(c, s)"]},
    "values": {"x": [1, 2, 0.5], "c": [2, -1, 3]},
    "constants": ["c"],
}

PREDICTIONS: Body = {
    "loss": "cross_entropy",
    "predictions": [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.2, 0.4]],
    "labels": [0, 1, 2],
}

DRAWN: Body = {
    "network": {
        "layers": [
            {"units": 4, "init": {"kind": "he", "seed": 7}, "bias": True, "activation": "relu"},
            {"units": 3, "bias": True, "activation": "softmax"},
        ],
        "loss": "cross_entropy",
    },
    "inputs": [[1, 2], [0.5, -1], [-1, 0.25]],
    "labels": [0, 2, 1],
}

GRADIENTS: dict[str, Example] = {
    "graph": Example("A graph: f = (x + y)·z", SUM_TIMES),
    "network": Example("A network of 3, 2 and 1 units, with formulas", {**THREE_TWO_ONE, "include": ["formulas"]}),
    "step": Example("One step of logistic regression, an example a column", LOGISTIC_STEP),
    "jacobian": Example(
        "The Jacobian of softmax, and all local derivatives", {**SOFTMAX, "include": ["local"], "jacobians": ["ds/dx"]}
    ),
    "loss": Example("A loss of given predictions, with class indices", PREDICTIONS),
    "drawn": Example("A network with drawn weights", DRAWN),
}

CHECK: dict[str, Example] = {
    "submitted": Example(
        "Somebody's gradients, one with its sign flipped",
        {**THREE_TWO_ONE, "gradients": {"dW2": [[0.08797033], [0.03403350]], "dA2": [[-0.38189038]]}},
    ),
    "own": Example("The engine's own gradients", DRAWN),
    "central": Example("By central differences, as in textbooks", {**LOGISTIC_STEP, "method": "central", "step": 1e-5}),
    "complex": Example("By complex steps", {**SOFTMAX, "method": "complex_step"}),
    "directional": Example("Along random directions, repeatable", {**DRAWN, "method": "directional", "seed": 1}),
}
