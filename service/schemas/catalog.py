"""GET /v1/catalog."""

from __future__ import annotations

from typing import Any

from service.schemas.base import Absent, Wire
from service.schemas.mistakes import MISTAKE

SCALE = {"name": "scale", "required": False, "default": 1.0}
FORMULA = {"value": "tanh(x)", "gradients": ["d * (1 - out**2)"]}
SGD = {
    "name": "sgd",
    "options": [{"name": "learning_rate", "required": True}],
    "formula": "p - learning_rate * dp",
    "recurrence": ["p = p - learning_rate * g"],
    "state": [],
}
RELATIVE = {
    "name": "relative",
    "options": [{"name": "relative", "required": False, "default": 1e-6}],
    "formula": "|s − t| ≤ relative·|t| + absolute",
}
TANH = {
    "name": "tanh",
    "summary": "the hyperbolic tangent, from -1 to 1",
    "operands": ["x"],
    "options": [],
    "formula": FORMULA,
}
ABS = {
    **TANH,
    "name": "abs",
    "summary": "the size of every entry",
    "formula": {"value": "abs(x)", "gradients": ["d * sign(x)"]},
    "at_kinks": "0 at 0",
}


class Option(Wire, json_schema_extra={"examples": [SCALE]}):
    """A setting of a row; one that is not required has a default."""

    name: str
    """As it is written in a request."""
    required: bool
    """Whether it must be given."""
    default: Any = None
    """What it is if left out."""


class OpFormula(Wire, json_schema_extra={"examples": [FORMULA]}):
    """How an op is computed, and one gradient an operand: d is the derivative with respect to the result `out`."""

    value: str
    """Of the result."""
    gradients: list[str]
    """One an operand."""


class CatalogOp(Wire, json_schema_extra={"examples": [TANH, ABS]}):
    """An op that expressions can call, or an activation."""

    name: str
    """As it is written in a request."""
    summary: str
    """What it is, in a few words."""
    operands: list[str]
    """What it takes, by the names in the formula."""
    options: list[Option]
    """What can be given beside the operands."""
    formula: OpFormula
    at_kinks: str | Absent = None
    """The derivative that is used where there is none, in words."""


class CatalogLoss(
    CatalogOp,
    json_schema_extra={
        "examples": [
            {
                "name": "squared_error",
                "summary": "the squared difference; with a scale of 0.5 its derivative is the difference",
                "operands": ["A", "Y"],
                "options": [SCALE],
                "formula": {"value": "scale * sum((A - Y)**2, axis=axis)", "gradients": ["d * scale * 2 * (A - Y)"]},
                "labels": "any numbers",
                "predictions": "any numbers",
                "class_indices": False,
                "last_layers": ["identity", "sigmoid", "tanh"],
            },
            {
                "name": "hinge",
                "summary": "how much a margin falls short of 1; labels are -1 and 1",
                "operands": ["A", "Y"],
                "options": [SCALE],
                "formula": {"value": "max(0, 1 - A * Y)", "gradients": ["-d * Y * (A * Y < 1)"]},
                "at_kinks": "0 where A * Y = 1",
                "labels": "-1 or 1",
                "predictions": "any numbers",
                "class_indices": False,
                "last_layers": ["identity"],
                "advice": "end with 'identity'",
            },
        ]
    },
):
    """A loss, and what it goes with."""

    labels: str
    """Which labels it takes."""
    predictions: str
    """Which predictions it takes."""
    class_indices: bool
    """Whether labels may be a flat list of class indices."""
    last_layers: list[str]
    """The activations that the last layer may have."""
    advice: str | Absent = None
    """What to do when the last layer has another."""


class CatalogOptimizer(Wire, json_schema_extra={"examples": [SGD]}):
    """An optimizer: the parameter p after the first step, given its gradient dp."""

    name: str
    """Its `kind` in a request."""
    options: list[Option]
    """What can be given beside the kind."""
    formula: str
    """Of the first step."""
    recurrence: list[str]
    """Every step as lines of Python, with g the gradient and t the count of the step from 1."""
    state: list[str]
    """What it remembers from step to step, zeros at first."""


class CheckMethod(Wire, json_schema_extra={"examples": [{"name": "increment", "summary": "Exact increments."}]}):
    """A method of POST /v1/check."""

    name: str
    """As it is written in a request."""
    summary: str
    """What it does."""


class CatalogMistake(Wire, json_schema_extra={"examples": [MISTAKE]}):
    """A misconception that grading knows."""

    code: str
    """Stable, for programs."""
    family: str
    """Mistakes of one family explain the same numbers in more or less special words."""
    message: str
    """For the student."""


class CatalogTolerance(Wire, json_schema_extra={"examples": [RELATIVE]}):
    """A mode of tolerance: s is the submitted entry, t the true one, T the whole of the true ones."""

    name: str
    """Its `mode` in a request."""
    options: list[Option]
    """What can be given beside the mode."""
    formula: str
    """What is right."""


class Catalog(Wire):
    """What there is to build a problem with."""

    ops: list[CatalogOp]
    """What expressions can call."""
    activations: list[CatalogOp]
    """Of layers."""
    losses: list[CatalogLoss]
    """Of networks, and by themselves."""
    optimizers: list[CatalogOptimizer]
    """For one step, and for training."""
    check_methods: list[CheckMethod]
    """Of a check."""
    mistakes: list[CatalogMistake]
    """That grading knows."""
    tolerances: list[CatalogTolerance]
    """Of grading."""
    conventions: dict[str, list[str]]
    """The fields that take one of a few names, and these names."""
