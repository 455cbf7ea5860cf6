"""Mistakes in the derivative of the loss, and flipped signs."""

from __future__ import annotations

from collections.abc import Iterator

from engine.grading.mistakes.row import COMMON, Mistake
from engine.grading.mistakes.scene import Scene
from engine.ops import LOSSES
from engine.ops.row import Array
from engine.ops.shapes import insert_axis
from engine.quantities import Quantity

OTHERS = ("squared_error", "absolute_error", "binary_cross_entropy", "cross_entropy")


def sign_flipped(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if quantity.kind in ("gradient", "local", "total"):
        yield -scene.right(quantity)


def loss_derivative_reversed(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    if scene.is_after_loss(quantity):
        yield -scene.right(quantity)


def wrong_loss_derivative(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The slope of another loss at the predictions; at the logits, the other loss's slope through the head, or A − Y."""
    if quantity.kind != "gradient":
        return
    use = scene.loss_of(quantity.node)
    if use is not None:
        yield from other_slopes(scene, quantity.node)
        return
    activation = scene.activation_of(quantity.node)
    if activation is None:
        return
    head = activation.node.name
    loss = scene.loss_of(head)
    if loss is None:
        return
    if activation.op.from_output is not None:
        for slope in other_slopes(scene, head):
            yield activation.op.from_output(slope, scene.value(head), **activation.node.attributes)
    shortcut = scene.graph.shortcut
    if shortcut is None and activation.op.name in ("sigmoid", "softmax"):
        A, Y = scene.inputs(loss.node)[:2]
        yield insert_axis(scene.gradient(loss.node.name), loss.node.attributes["axis"]) * (A - Y)


def labels_forgotten(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """A where A − Y belongs; or the predictions as they are, where what else belongs to them was forgotten, too."""
    if not scene.is_after_loss(quantity):
        return
    shortcut = scene.graph.shortcut
    fused = shortcut is not None and scene.graph.position(quantity.node) == shortcut.logits
    head = scene.graph.nodes[shortcut.head].name if fused and shortcut else quantity.node
    loss = scene.loss_of(head)
    if loss is None or not (fused or loss.op.name == "squared_error"):
        return
    A, slope = scene.inputs(loss.node)[0], 1.0 if fused else 2.0
    d = insert_axis(scene.gradient(loss.node.name), loss.node.attributes["axis"])
    yield d * (slope * loss.node.attributes["scale"]) * A
    yield A


def other_slopes(scene: Scene, predictions: str) -> Iterator[Array]:
    use = scene.loss_of(predictions)
    assert use is not None
    A, Y = scene.inputs(use.node)[:2]
    d = scene.gradient(use.node.name)
    axis = use.node.attributes["axis"]
    for name in OTHERS:
        if name != use.op.name:
            for scale in (1.0, 0.5) if name == "squared_error" else (1.0,):
                yield LOSSES[name].rule(0)(d, None, A, Y, axis=axis, scale=scale)


ROWS = (
    Mistake(
        "sign_flipped",
        "sign",
        "The size is right, but the sign is flipped.",
        sign_flipped,
        travels=True,
        evidence=COMMON,
    ),
    Mistake(
        "loss_derivative_reversed",
        "sign",
        "The derivative of the loss is taken as (y − a) instead of (a − y), which flips every sign after it.",
        loss_derivative_reversed,
        special=1,
        travels=True,
        evidence=COMMON,
    ),
    Mistake(
        "wrong_loss_derivative",
        "loss",
        "This is the derivative of another loss than the one that is given.",
        wrong_loss_derivative,
        travels=True,
    ),
    Mistake(
        "labels_forgotten",
        "loss",
        "These are the predictions: the labels must be subtracted from them.",
        labels_forgotten,
        special=1,
        travels=True,
    ),
)
