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

SIBLINGS: Body = {"graph": {"expressions": ["u = b * c", "v = a + u", "J = 3 * v"]}, "values": {"a": 5, "b": 3, "c": 2}}

REGRESSION: Body = {
    "network": {
        "layers": [{"weights": [[0.5], [-0.25]], "bias": [0.1], "activation": "identity"}],
        "loss": "squared_error",
    },
    "inputs": [[1, 2], [0.5, -1], [3, 0], [-1, 1], [2, 2]],
    "labels": [[1], [0], [2], [-1], [0.5]],
}

LEAST_SQUARES: Body = {
    "graph": {"expressions": ["r = A @ x - c", "J = sum(r**2)"]},
    "values": {"A": [[1, 2], [3, 4], [0, 1]], "x": [0.5, -0.5], "c": [1, 0, 2]},
    "constants": ["A", "c"],
}

PRINTED: Body = {
    "Z1": [["3.7", "-0.5"]],
    "A1": [["0.976", "0.377"]],
    "Z2": [["0.481"]],
    "A2": [["0.618"]],
    "dZ2": [["0.090"]],
    "dW2": [["0.087"], ["0.034"]],
    "dW1": [["0.0006", "0.0105"], ["0.0012", "0.0211"], ["0.0019", "0.0317"]],
}
"""What lecture notes print for THREE_TWO_ONE, with the one mistake they make."""

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

GRADE: dict[str, Example] = {
    "network": Example(
        "Digits as lecture notes print them: one sign is lost, the rest follows", {**THREE_TWO_ONE, "answers": PRINTED}
    ),
    "graph": Example(
        "A graph: 3(a + bc), with db given for dc",
        {**SIBLINGS, "answers": {"du": 3, "db": 6, "dc": 6}, "policy": {"ask": ["du", "db", "dc"], "feedback": "full"}},
    ),
    "policy": Example(
        "Names of the answer sheet, points, half of them for what follows from an error, and a tolerance",
        {
            **LOGISTIC_STEP,
            "answers": {"w": [["0.15", "0.1"]], "b": ["0.05"], "gradient": [["-1.5", "-1.0"]]},
            "policy": {
                "ask": ["dW1", "W1_new", "b1_new"],
                "points": {"W1_new": 2},
                "follow_through": 0.5,
                "aliases": {"gradient": "dW1", "w": "W1_new", "b": "b1_new"},
                "tolerance": {"mode": "decimals", "digits": 2},
            },
        },
    ),
    "loss": Example(
        "Points only, of a table of losses with empty cells",
        {**PREDICTIONS, "answers": {"losses": ["0.693", "1.609", None]}, "policy": {"feedback": "score"}},
    ),
}

GRADE_BATCH: dict[str, Example] = {
    "batch": Example(
        "Three students",
        {
            **SIBLINGS,
            "policy": {"ask": ["du", "db", "dc"]},
            "submissions": [
                {"id": "ada", "answers": {"du": 3, "db": 6, "dc": 9}},
                {"id": "blaise", "answers": {"du": 3, "db": 6, "dc": 6}},
                {"id": "carl", "answers": {"du": 2, "db": 4, "dc": "six"}},
            ],
        },
    ),
}

MISTAKES: dict[str, Example] = {
    "network": Example("A network", LOGISTIC_STEP),
    "graph": Example("Numbers that tell nothing: all is 0", {"graph": {"expressions": ["J = x * x"]}, "values": {"x": 0}}),
}

TRAIN_JOB: Body = {
    **REGRESSION,
    "optimizer": {"kind": "adam", "learning_rate": 0.05},
    "epochs": 200,
    "batch_size": 2,
    "shuffle": True,
    "validation": {"inputs": [[0, 1], [1, 1]], "labels": [[0], [1]]},
    "early_stopping": {"patience": 20},
    "check_every": 100,
}

TRAIN: dict[str, Example] = {
    "step": Example("One step of logistic regression, an example a column", {**LOGISTIC_STEP, "steps": 1}),
    "batches": Example(
        "Mini-batches in shuffled order, with momentum and a learning rate that halves",
        {
            **REGRESSION,
            "optimizer": {
                "kind": "momentum",
                "learning_rate": 0.05,
                "momentum": 0.5,
                "schedule": {"kind": "step", "every": 1, "factor": 0.5},
            },
            "epochs": 2,
            "batch_size": 2,
            "shuffle": True,
            "seed": 1,
        },
    ),
    "graph": Example(
        "A graph, until the gradient is short",
        {
            **LEAST_SQUARES,
            "optimizer": {"kind": "sgd", "learning_rate": 0.03},
            "steps": 500,
            "stop_when": {"gradient_norm": 1e-3},
            "record": ["cost"],
        },
    ),
    "adam": Example(
        "Adam, with what it remembers", {**LEAST_SQUARES, "optimizer": {"kind": "adam", "learning_rate": 0.1}, "steps": 2}
    ),
}

JOBS: dict[str, Example] = {
    "train": Example(
        "200 epochs, watched on examples of their own, with the gradients checked on the way", {"train": TRAIN_JOB}
    ),
    "check": Example("A check", {"check": CHECK["submitted"].body}),
    "grade_batch": Example("A batch to grade", {"grade_batch": GRADE_BATCH["batch"].body}),
}
