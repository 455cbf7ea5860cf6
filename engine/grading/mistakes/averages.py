"""Forgotten and extra factors: 1/m, 2 and ½."""

from __future__ import annotations

from collections.abc import Iterator

from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene
from engine.ops.row import Array
from engine.quantities import Quantity

DERIVATIVES = ("gradient", "total")


def missing_one_over_m(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in DERIVATIVES and is_averaged(scene, quantity):
        yield scene.right(quantity) * scene.examples


def extra_one_over_m(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in DERIVATIVES and scene.examples > 1:
        yield scene.right(quantity) / scene.examples


def is_averaged(scene: Scene, quantity: Quantity) -> bool:
    """Whether the 1/m of the cost is in this derivative; with `average_in: parameters` only in those of parameters."""
    per_example = bool(scene.graph.starts) and scene.graph[quantity.node].kind != "parameter"
    return scene.examples > 1 and not per_example


def summed_not_averaged(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    node = scene.graph[quantity.node]
    if quantity.kind == "value" and node.op is not None and node.op.name == "mean" and scene.examples > 1:
        yield scene.right(quantity) * scene.examples


def squares(scene: Scene) -> bool:
    """Whether something is squared, so that a 2 comes down."""
    return any(
        node.op is not None
        and (
            node.op.name in ("squared_error", "square")
            or (node.op.name == "pow" and any(scene.graph.nodes[each].number == 2.0 for each in node.inputs))
        )
        for node in scene.graph.nodes
    )


def halves(scene: Scene) -> bool:
    """Whether a ½ is given: as the scale of the loss, or as a number in an expression."""
    return any(
        node.attributes.get("scale") == 0.5 or node.number == 0.5 or (node.op is not None and node.op.name == "huber")
        for node in scene.graph.nodes
    )


def missing_factor_two(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in (*DERIVATIVES, "local") and squares(scene):
        yield scene.right(quantity) / 2.0


def missing_half(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in (*DERIVATIVES, "local", "value") and halves(scene):
        yield scene.right(quantity) * 2.0


def extra_factor_two(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in (*DERIVATIVES, "local"):
        yield scene.right(quantity) * 2.0


ROWS = (
    Mistake(
        "missing_one_over_m",
        "average",
        "The cost is a mean over the examples: the factor 1/m is missing.",
        missing_one_over_m,
    ),
    Mistake(
        "extra_one_over_m",
        "average",
        "There is a factor 1/m too many: the average is taken twice, or where there is none.",
        extra_one_over_m,
    ),
    Mistake(
        "summed_not_averaged",
        "average",
        "The losses are summed, but the cost is their mean.",
        summed_not_averaged,
    ),
    Mistake(
        "missing_factor_two",
        "factor",
        "The 2 that comes down from a square is missing.",
        missing_factor_two,
    ),
    Mistake("missing_half", "factor", "The factor ½ is missing.", missing_half, special=1),
    Mistake("extra_factor_two", "factor", "There is a factor 2 too many.", extra_factor_two),
)
