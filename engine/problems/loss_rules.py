"""Which loss goes with which labels, predictions and heads. One row a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.errors import BadLabels
from engine.ops import ACTIVATIONS
from engine.ops.row import Array

ANY = frozenset(ACTIVATIONS)
BEFORE_LOGITS = ANY - {"sigmoid", "softmax"}
PROBABILITY_TOLERANCE = 0.0101
"""Predictions written by hand are rounded: 0.33, 0.33, 0.33 is meant to sum to 1."""
LABEL_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class LossRule:
    """Equal to itself alone, as rows of a table are: what depends on one is kept by it."""

    name: str
    labels: str
    """What labels may be, in words."""
    refuse_labels: Callable[[Array], Array]
    """Of labels with one example a row: True where one is not allowed; for whole rows, a column."""
    heads: frozenset[str] = ANY
    advice: str = ""
    """What to do when the head is another."""
    predictions: str = "any numbers"
    refuse_predictions: Callable[[Array], Array] | None = None
    class_indices: bool = False


def outside_unit(x: Array) -> Array:
    return np.asarray((x < 0.0) | (x > 1.0))


def not_distribution(tolerance: float) -> Callable[[Array], Array]:
    def refuse(x: Array) -> Array:
        off = np.abs(x.sum(axis=1, keepdims=True) - 1.0) > tolerance
        return np.asarray(outside_unit(x) | off)

    return refuse


def anything(x: Array) -> Array:
    return np.zeros(x.shape, dtype=bool)


UNIT = "numbers from 0 to 1"
CLASSES = "class indices, or probabilities (one-hot ones among them) that sum to 1 for every example"

LOSS_RULES: dict[str, LossRule] = {
    rule.name: rule
    for rule in (
        LossRule("squared_error", "any numbers", anything),
        LossRule("absolute_error", "any numbers", anything),
        LossRule("huber", "any numbers", anything),
        LossRule("hinge", "-1 or 1", lambda y: np.abs(y) != 1.0),
        LossRule(
            "binary_cross_entropy",
            UNIT,
            outside_unit,
            heads=frozenset({"sigmoid"}),
            advice="end with sigmoid, or take binary_cross_entropy_with_logits",
            predictions=UNIT,
            refuse_predictions=outside_unit,
        ),
        LossRule(
            "cross_entropy",
            CLASSES,
            not_distribution(LABEL_TOLERANCE),
            heads=frozenset({"softmax"}),
            advice="end with softmax, or take cross_entropy_with_logits",
            predictions="probabilities from 0 to 1 that sum to 1 for every example",
            refuse_predictions=not_distribution(PROBABILITY_TOLERANCE),
            class_indices=True,
        ),
        LossRule(
            "binary_cross_entropy_with_logits",
            UNIT,
            outside_unit,
            heads=BEFORE_LOGITS,
            advice="end with identity: this loss applies the sigmoid itself",
        ),
        LossRule(
            "cross_entropy_with_logits",
            CLASSES,
            not_distribution(LABEL_TOLERANCE),
            heads=BEFORE_LOGITS,
            advice="end with identity: this loss applies the softmax itself",
            class_indices=True,
        ),
    )
}


def check_head(rule: LossRule, activation: str, *, path: str) -> None:
    if activation not in rule.heads:
        raise BadLabels(f"{rule.name} does not go with a last layer of {activation}: {rule.advice}", path=path)


def refuse(found: Array, values: Array, layout: str, what: str, expected: str, *, path: str, sums: bool = False) -> None:
    """Raise for the first entry that is not allowed, or with `sums` for the sum of a row; one example a row."""
    if not found.any():
        return
    example, output = (int(each) for each in np.argwhere(found)[0])
    place = f"[{example}][{output}]" if layout == "rows" else f"[{output}][{example}]"
    row = values[example]
    wrong = f"{row[output]:.6g}"
    if sums and found[example].all() and not outside_unit(row).any():  # every entry is allowed, but not their sum
        wrong = f"probabilities that sum to {row.sum():.6g} (example {example})"
    raise BadLabels(f"{what} must be {expected}, not {wrong}", path=path + place)
