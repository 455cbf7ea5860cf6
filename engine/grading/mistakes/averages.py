"""Forgotten and extra factors: 1/m, 2 and ½."""

from __future__ import annotations

from collections.abc import Iterator

from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene
from engine.graph.graph import Node
from engine.ops.row import Array
from engine.quantities import Quantity

DERIVATIVES = ("gradient", "total")


def missing_one_over_m(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if averages_here(scene, quantity) and is_averaged(scene, quantity):
        yield scene.right(quantity) * scene.examples


def extra_one_over_m(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if averages_here(scene, quantity):
        yield scene.right(quantity) / scene.examples


def averages_here(scene: Scene, quantity: Quantity) -> bool:
    """Where people put the 1/m: after the loss or the mean, or in the gradients of parameters."""
    if scene.examples == 1 or quantity.kind not in DERIVATIVES:
        return False
    if quantity.kind == "total" or scene.graph[quantity.node].kind == "parameter" or scene.is_after_loss(quantity):
        return True
    return any(node.op is not None and node.op.name == "mean" for node in steps_after(scene, quantity))


def is_averaged(scene: Scene, quantity: Quantity) -> bool:
    """Whether the 1/m of the cost is in this derivative; with `average_in: parameters` only in those of parameters."""
    return not scene.graph.starts or scene.graph[quantity.node].kind == "parameter"


def summed_not_averaged(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    node = scene.graph[quantity.node]
    if quantity.kind == "value" and node.op is not None and node.op.name == "mean" and scene.examples > 1:
        yield scene.right(quantity) * scene.examples


def steps_after(scene: Scene, quantity: Quantity) -> Iterator[Node]:
    """The operations between this quantity and the next one with a name: whose derivatives enter in its gradient."""
    if quantity.kind == "local":
        owners = {quantity.node}
    else:
        owners = {use.node.owner or use.node.name for use in scene.uses(quantity.node)}
    for node in scene.graph.nodes:
        if node.op is not None and (node.owner or node.name) in owners:
            yield node


def is_square(scene: Scene, node: Node) -> bool:
    """Whether something is squared here, so that a 2 comes down."""
    assert node.op is not None
    if node.op.name in ("pow", "mul"):
        left, right = (scene.graph.nodes[each] for each in node.inputs)
        return right.number == 2.0 if node.op.name == "pow" else left.name == right.name
    return node.op.name == "square" or (node.op.name == "squared_error" and node.attributes.get("scale") != 0.5)


def is_half(scene: Scene, node: Node) -> bool:
    """Whether a ½ is given here: as the scale of the loss, or as a number in an expression."""
    numbers = [scene.graph.nodes[each].number for each in node.inputs]
    assert node.op is not None
    return (
        node.attributes.get("scale") == 0.5
        or 0.5 in numbers
        or (node.op.name in ("div", "truediv") and numbers[1:] == [2.0])
    )


def missing_factor_two(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in ("gradient", "local") and any(is_square(scene, node) for node in steps_after(scene, quantity)):
        yield scene.right(quantity) / 2.0


def missing_half(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind == "value":
        made = [node for node in scene.graph.nodes if node.op is not None and quantity.node in (node.name, node.owner)]
    else:
        made = list(steps_after(scene, quantity)) if quantity.kind in ("gradient", "local") else []
    if any(is_half(scene, node) for node in made):
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
        travels=True,
    ),
    Mistake(
        "extra_one_over_m",
        "average",
        "There is a factor 1/m too many: the average is taken twice, or where there is none.",
        extra_one_over_m,
        travels=True,
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
        travels=True,
    ),
    Mistake("missing_half", "factor", "The factor ½ is missing.", missing_half, special=1, travels=True),
    Mistake("extra_factor_two", "factor", "There is a factor 2 too many.", extra_factor_two, travels=True),
)
