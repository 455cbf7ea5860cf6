"""Mistakes with products of matrices, with shapes and with axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene, Use
from engine.ops.row import Array
from engine.quantities import Quantity

PRODUCTS = ("dense", "matmul")


def transposed(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    right = scene.right(quantity)
    if quantity.kind != "update" and right.ndim == 2:
        yield right.T


def outer_product_swapped(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """dW = dZ·Aᵀ where A·dZᵀ was meant, or the other way round."""
    if quantity.kind == "gradient" and any(use.op.name in (*PRODUCTS, "outer") for use in scene.uses(quantity.node)):
        right = scene.right(quantity)
        if right.ndim == 2 and scene.graph[quantity.node].op is None and quantity.node != "X":
            yield right.T


def products_back(scene: Scene, quantity: Quantity) -> Iterator[Use]:
    """The products through which a gradient flows back to this node."""
    if quantity.kind == "gradient":
        yield from (use for use in scene.uses(quantity.node) if use.op.name in PRODUCTS)


def weights_not_transposed(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    for use in products_back(scene, quantity):
        inputs = scene.inputs(use.node)
        other = 1 - use.place if use.place < 2 else None
        if other is None or inputs[other].ndim != 2 or inputs[other].shape[0] != inputs[other].shape[1]:
            continue
        if use.op.name == "dense" and use.place != 0:
            continue
        changed = list(inputs)
        changed[other] = inputs[other].T
        yield scene.pull(use, inputs=changed)


def forgot_upstream_weights(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """dA = dZ, or the sum of dZ over the units, without the weights between."""
    for use in products_back(scene, quantity):
        if use.place != 0 and use.op.name == "dense":
            continue
        d, shape = scene.gradient(use.node.name), scene.graph[quantity.node].shape
        if d.shape == shape:
            yield d
        if use.op.name == "dense" and scene.problem.network is not None:
            units = -1 if scene.problem.network.layout == "rows" else -2
            yield np.broadcast_to(d.sum(axis=units, keepdims=True), shape)


def elementwise_for_matmul(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    node = scene.graph[quantity.node]
    if quantity.kind == "value" and node.op is not None and node.op.name in PRODUCTS:
        left, right, *bias = scene.inputs(node)
        product = elementwise(left, right, node.shape)
        if product is not None:
            nothing = np.zeros_like(left)
            yield product + node.op.forward(nothing, right, *bias)  # 0·W + b: the bias, along the right axis
    for use in products_back(scene, quantity):
        if use.place < 2:
            other = scene.inputs(use.node)[1 - use.place]
            product = elementwise(scene.gradient(use.node.name), other, scene.graph[quantity.node].shape)
            if product is not None:
                yield product


def elementwise(x: Array, y: Array, shape: tuple[int, ...]) -> Array | None:
    try:
        found = np.asarray(x * y)
    except ValueError:
        return None
    return found if found.shape == shape else None


def missing_row_sum(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """db as dZ of every example, or of one. Their mean is one average too many: see extra_one_over_m."""
    for d, axis in summed_away(scene, quantity):
        yield d
        yield np.take(d, 0, axis=axis)
        yield np.take(d, -1, axis=axis)


def summed_away(scene: Scene, quantity: Quantity) -> Iterator[tuple[Array, int]]:
    """Gradients that are summed over an axis on their way to a bias, and that axis."""
    if quantity.kind != "gradient":
        return
    shape = scene.graph[quantity.node].shape
    for use in scene.uses(quantity.node):
        d = scene.gradient(use.node.name) * use.node.shares.get(use.place, 1.0)
        if use.op.name == "dense" and use.place == 2:
            layout = scene.problem.network.layout if scene.problem.network else "rows"
            yield d, 0 if layout == "rows" else 1
        elif use.op.name in ("add", "sub") and len(shape) < d.ndim == 2:
            yield (-d if use.op.name == "sub" and use.place == 1 else d), 0


def wrong_axis(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    for d, axis in summed_away(scene, quantity):
        if d.shape[1 - axis] > 1:
            yield d.sum(axis=1 - axis)
    node = scene.graph[quantity.node]
    if quantity.kind == "value" and node.op is not None and isinstance(node.attributes.get("axis"), int):
        source = scene.graph.nodes[node.inputs[0]]
        if len(source.shape) == 2:
            attributes: dict[str, Any] = {**node.attributes, "axis": -3 - node.attributes["axis"]}
            yield np.asarray(node.op.forward(*scene.inputs(node), **attributes))


def forgot_bias(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    node = scene.graph[quantity.node]
    if quantity.kind != "value" or node.op is None:
        return
    if node.op.name == "dense" and len(node.inputs) == 3:
        inputs = scene.inputs(node)
        yield node.op.forward(inputs[0], inputs[1], np.zeros_like(inputs[2]))
    if node.op.name == "add":
        for kept, dropped in ((0, 1), (1, 0)):
            given = scene.graph.nodes[node.inputs[dropped]]
            if given.op is None and given.number is None:
                yield np.broadcast_to(scene.inputs(node)[kept], node.shape)


ROWS = (
    Mistake("transposed", "transpose", "This is the transpose of what is asked for.", transposed),
    Mistake(
        "outer_product_swapped",
        "transpose",
        "The two factors of the outer product are swapped, which transposes the gradient of the weights.",
        outer_product_swapped,
        special=1,
    ),
    Mistake(
        "weights_not_transposed",
        "transpose",
        "On the way back the weights must be transposed, and here they are not.",
        weights_not_transposed,
        special=1,
        travels=True,
    ),
    Mistake(
        "forgot_upstream_weights",
        "weights",
        "The gradient is passed back without multiplying by the weights between the layers.",
        forgot_upstream_weights,
        travels=True,
    ),
    Mistake(
        "elementwise_for_matmul",
        "product",
        "The numbers are multiplied entry by entry where a matrix product is meant.",
        elementwise_for_matmul,
        travels=True,
    ),
    Mistake(
        "missing_row_sum",
        "sum",
        "The gradient of a bias is the sum over all examples, and here it is not summed.",
        missing_row_sum,
    ),
    Mistake("wrong_axis", "axis", "The sum, or the softmax, runs along the wrong axis.", wrong_axis, travels=True),
    Mistake("forgot_bias", "bias", "The bias is not added.", forgot_bias, travels=True),
)
