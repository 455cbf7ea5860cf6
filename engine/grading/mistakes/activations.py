"""Mistakes with activations and their derivatives."""

from __future__ import annotations

from collections.abc import Iterator

from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene, Use
from engine.ops import ACTIVATIONS
from engine.ops.row import Array
from engine.quantities import Quantity

CONFUSED = ("sigmoid", "tanh", "relu")
"""The activations whose derivatives are taken for one another."""


def activation_behind(scene: Scene, quantity: Quantity) -> Use | None:
    """The activation whose derivative leads to this gradient."""
    return scene.activation_of(quantity.node) if quantity.kind == "gradient" else None


def missing_activation_derivative(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    use = activation_behind(scene, quantity)
    if use is not None:
        yield scene.gradient(use.node.name)


def derivative_at_z_not_a(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """z·(1 − z) where a·(1 − a) is meant."""
    use = activation_behind(scene, quantity)
    if use is not None and use.op.from_output is not None:
        yield use.op.from_output(scene.gradient(use.node.name), scene.value(quantity.node), **use.node.attributes)


def derivative_at_a_not_z(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """f'(a) where f'(z) is meant: the activation applied once more before its derivative is taken."""
    use = activation_behind(scene, quantity)
    if use is not None:
        a, d = scene.value(use.node.name), scene.gradient(use.node.name)
        yield use.op.rule(0)(d, use.op.forward(a, **use.node.attributes), a, **use.node.attributes)


def wrong_activation_derivative(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The derivative of another activation, at z or from the a at hand."""
    use = activation_behind(scene, quantity)
    if use is None or use.op.name == "softmax":
        return
    z, a, d = scene.value(quantity.node), scene.value(use.node.name), scene.gradient(use.node.name)
    for name in CONFUSED:
        other = ACTIVATIONS[name]
        if name != use.op.name and other.from_output is not None:
            yield other.rule(0)(d, other.forward(z), z)
            yield other.from_output(d, a)


def softmax_diagonal_only(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    use = activation_behind(scene, quantity)
    if use is not None and use.op.name == "softmax":
        a = scene.value(use.node.name)
        yield scene.gradient(use.node.name) * a * (1.0 - a)


def used_pre_activation(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """Z where A is meant: as the input of the next layer, or in the gradient of its weights."""
    node = scene.graph[quantity.node]
    if quantity.kind == "value" and node.op is not None:
        if node.op.name in ACTIVATIONS and node.op.name != "identity":
            yield scene.inputs(node)[0]
        elif node.op.name in ("dense", "matmul"):
            before = pre_activation(scene, node.inputs[0])
            if before is not None:
                yield node.op.forward(before, *scene.inputs(node)[1:])
    if quantity.kind == "gradient":
        for use in scene.uses(quantity.node):
            if use.op.name == "dense" and use.place == 1:
                before = pre_activation(scene, use.node.inputs[0])
                if before is not None:
                    yield scene.pull(use, inputs=[before, *scene.inputs(use.node)[1:]])


def pre_activation(scene: Scene, position: int) -> Array | None:
    node = scene.graph.nodes[position]
    if node.op is None or node.op.name not in ACTIVATIONS or node.op.name == "identity":
        return None
    return scene.inputs(node)[0]


ROWS = (
    Mistake(
        "missing_activation_derivative",
        "activation",
        "The derivative of the activation is missing.",
        missing_activation_derivative,
        special=2,
        travels=True,
    ),
    Mistake(
        "derivative_at_z_not_a",
        "activation",
        "The derivative of the activation is computed from z where its formula takes a.",
        derivative_at_z_not_a,
        special=2,
        travels=True,
    ),
    Mistake(
        "derivative_at_a_not_z",
        "activation",
        "The derivative of the activation is taken at a instead of at z.",
        derivative_at_a_not_z,
        special=2,
        travels=True,
    ),
    Mistake(
        "wrong_activation_derivative",
        "activation",
        "This is the derivative of another activation than the one that is given.",
        wrong_activation_derivative,
        special=1,
        travels=True,
    ),
    Mistake(
        "softmax_diagonal_only",
        "softmax",
        "Every output of a softmax depends on every logit; here only the diagonal of its Jacobian is used.",
        softmax_diagonal_only,
        travels=True,
    ),
    Mistake(
        "used_pre_activation",
        "pre_activation",
        "The pre-activation z is used where the activation a is meant.",
        used_pre_activation,
        travels=True,
    ),
)
