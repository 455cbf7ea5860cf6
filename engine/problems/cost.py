"""From predictions and labels to the cost J: what networks and a loss alone have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import BadLabels, BadNumbers, ShapeMismatch, shape_text
from engine.graph.builder import GraphBuilder
from engine.graph.graph import Shortcut
from engine.graph.heads import FUSIONS
from engine.ops import LOSSES, OPS
from engine.ops.constants import starts
from engine.ops.row import Array, Shape
from engine.problems.loss_rules import LOSS_RULES, LossRule, refuse
from engine.reading.arrays import is_plain, read_array, read_number
from engine.reading.fields import join, read_choice, read_object

REDUCTIONS = ("mean", "sum")
AVERAGES = ("loss", "parameters")
OUTPUTS = ("sum", "mean")


@dataclass(frozen=True, slots=True)
class Cost:
    """A loss and how it is averaged.

    `average_in: parameters` is how many lecture notes have it: the losses, dA and dZ stay per example, and the 1/m of the
    mean enters in dW and db.
    """

    rule: LossRule
    reduction: str = "mean"
    average_in: str = "loss"
    outputs: str = "sum"
    scale: float = 1.0
    delta: float | None = None

    def per_example(self) -> bool:
        return self.reduction == "mean" and self.average_in == "parameters"

    def attributes(self, layout: str, units: int) -> dict[str, Any]:
        scale = self.scale if self.outputs == "sum" else self.scale / units
        more = {} if self.delta is None else {"delta": self.delta}
        return {"axis": units_axis(layout), "scale": scale, **more}


def units_axis(layout: str) -> int:
    """The axis along which the units of one example lie, from the end."""
    return -1 if layout == "rows" else -2


def by_example(x: Array, layout: str) -> Array:
    """The view with one example a row."""
    return x if layout == "rows" else x.T


def read_cost(value: Any, path: str) -> Cost:
    """`"cross_entropy"`, or an object with its kind and conventions."""
    if isinstance(value, str):
        return Cost(LOSS_RULES[read_choice(value, path, "loss", LOSS_RULES)])
    fields = ["scale", "reduction", "average_in", "outputs", "delta"]
    given = read_object(value, path, required=["kind"], optional=fields)
    rule = LOSS_RULES[read_choice(given["kind"], join(path, "kind"), "loss", LOSS_RULES)]
    takes_delta = "delta" in LOSSES[rule.name].attributes
    if not takes_delta:
        read_object(value, path, required=["kind"], optional=fields[:-1])
    return Cost(
        rule,
        reduction=read_choice(given.get("reduction", "mean"), join(path, "reduction"), "reduction", REDUCTIONS),
        average_in=read_choice(given.get("average_in", "loss"), join(path, "average_in"), "average_in", AVERAGES),
        outputs=read_choice(given.get("outputs", "sum"), join(path, "outputs"), "reduction", OUTPUTS),
        scale=read_number(given.get("scale", 1.0), join(path, "scale"), above=0.0),
        delta=read_number(given.get("delta", 1.0), join(path, "delta"), above=0.0) if takes_delta else None,
    )


def read_labels(value: Any, rule: LossRule, shape: Shape, layout: str, path: str = "labels") -> Array:
    """Labels shaped like the output; a flat list of class indices becomes one-hot."""
    labels = read_array(value, path)
    examples, units = shape if layout == "rows" else shape[::-1]
    if labels.ndim == 1 and rule.class_indices:
        if len(labels) != examples:
            raise ShapeMismatch(f"{len(labels)} class indices for {examples} examples", path=path)
        whole = isinstance(value, np.ndarray) or is_plain(value, 0)
        for place, index in enumerate(labels):
            if not whole or index != int(index) or not 0 <= index < units:
                raise BadLabels(
                    f"class indices are whole numbers from 0 to {units - 1}, not {index:g}", path=f"{path}[{place}]"
                )
        one_hot = np.zeros((examples, units))
        one_hot[np.arange(examples), labels.astype(int)] = 1.0
        return np.ascontiguousarray(one_hot if layout == "rows" else one_hot.T)
    if labels.shape != shape:
        hint = ""
        if rule.class_indices and labels.size == examples:
            hint = "; class indices are a flat list, such as [0, 2, 1]"
        elif labels.ndim <= 1:
            hint = f"; write a list of lists, as for the output ({layout} layout)"
        elif labels.shape[::-1] == shape:
            hint = f"; with layout '{layout}' an example is a {layout[:-1]}"
        raise ShapeMismatch(f"labels are {shape_text(labels.shape)}, but the output is {shape_text(shape)}{hint}", path=path)
    rows = by_example(labels, layout)
    found = rule.refuse_labels(rows)
    refuse(found, rows, layout, f"labels of {rule.name}", rule.labels, path=path, sums=rule.class_indices)
    return labels


def class_places(labels: Array) -> Array | None:
    """Where the 1 of every example stands in the flat array, which is faster than pairs of indices; None if labels, with one
    example a row, are not one-hot."""
    at = starts(*labels.shape) + labels.argmax(axis=1)
    one_hot = np.count_nonzero(labels) == len(labels) and float(labels.take(at).min()) == 1.0
    return at if one_hot else None


def read_matrix(value: Any, path: str, layout: str) -> Array:
    """Inputs or predictions: one example a row, or a column."""
    matrix = read_array(value, path)
    if matrix.ndim != 2:
        what = "a single number" if matrix.ndim == 0 else "a flat list" if matrix.ndim == 1 else "nested too deep"
        shape = "m rows of n numbers, such as [[1, 2, 3]]" if layout == "rows" else "n rows of m numbers, such as [[1], [2]]"
        raise BadNumbers(f"expected a matrix ({layout} layout: {shape}), but this is {what}", path=path)
    return matrix


def add_cost(
    builder: GraphBuilder, cost: Cost, predictions: str, layout: str, *, logits: str = "", activation: str = ""
) -> dict[str, Any]:
    """Add `losses` and `J` after the labels `Y`; returns the conventions the finished graph must know."""
    head = builder.index[predictions]
    examples, units = builder.nodes[head].shape if layout == "rows" else builder.nodes[head].shape[::-1]
    shortcut = None
    fusion = FUSIONS.get(cost.rule.name)
    if fusion and fusion.activation == activation:
        shortcut = Shortcut(head, builder.index[logits], units_axis(layout), fusion)
    builder.apply(
        "losses",
        LOSSES[cost.rule.name],
        [head, builder.index["Y"]],
        attributes=cost.attributes(layout, units),
        shortcut=shortcut,
    )
    builder.apply("J", OPS[cost.reduction], [builder.index["losses"]])
    if not cost.per_example():
        return {}
    return {"starts": {"losses": np.broadcast_to(np.ones(()), (examples,))}}
