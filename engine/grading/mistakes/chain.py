"""Mistakes with the chain rule: what is multiplied, what is added, and whose derivative it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene, Use
from engine.ops.row import Array
from engine.quantities import Quantity


def forgot_upstream_gradient(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The local derivative answered for the global one: ∂J/∂out taken as 1. Around the loss, that is but a missing 1/m."""
    if quantity.kind == "gradient" and scene.loss_of(quantity.node) is None and quantity.node not in scene.graph.starts:
        found = [scene.pull(use, np.ones(use.node.shape)) for use in scene.uses(quantity.node)]
        if found:
            yield np.asarray(sum(found))


def global_for_local(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """∂J/∂input answered where ∂node/∂input is asked for."""
    if quantity.kind == "local" and quantity.by in scene.run.gradients:
        shape = scene.graph[quantity.node].shape
        yield scene.gradient(quantity.by)
        if not shape:
            yield scene.gradient(quantity.node) * scene.right(quantity)


def dropped_path(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """One of the ways on which a node influences the output is forgotten."""
    if quantity.kind == "gradient":
        uses = list(scene.uses(quantity.node))
        if len(uses) > 1:
            parts = [scene.pull(use) for use in uses]
            for dropped in range(len(parts)):
                yield np.asarray(sum(part for place, part in enumerate(parts) if place != dropped))


def sibling_gradient(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The derivative by the other operand of the same operation: all of it, or what comes through this operation."""
    if quantity.kind not in ("gradient", "local"):
        return
    graph = scene.graph
    asked = quantity.by or quantity.node
    for user in {use.node.name: use.node for use in scene.uses(asked)}.values():
        for place, source in enumerate(user.inputs):
            sibling = graph.nodes[source]
            if sibling.name == asked or sibling.hidden or not sibling.differentiable:
                continue
            if sibling.shape != graph[asked].shape:
                continue
            if quantity.kind == "gradient":
                yield scene.gradient(sibling.name)
                assert user.op is not None
                yield scene.pull(Use(user, user.op, place))
            elif sibling.name in graph.direct_inputs(quantity.node):
                name = f"{quantity.node}/{sibling.name}"
                yield scene.right(Quantity(name, "local", quantity.node, sibling.name))


ROWS = (
    Mistake(
        "forgot_upstream_gradient",
        "chain",
        "This is the local derivative: it must still be multiplied by the gradient that comes from above.",
        forgot_upstream_gradient,
        travels=True,
    ),
    Mistake(
        "global_for_local",
        "chain",
        "This is the derivative of the output, but the local derivative of this one step is asked for.",
        global_for_local,
    ),
    Mistake(
        "dropped_path",
        "path",
        "This quantity influences the output in several ways, and the gradients of all of them must be added.",
        dropped_path,
        travels=True,
    ),
    Mistake(
        "sibling_gradient",
        "sibling",
        "This is the derivative with respect to the other operand of the same operation.",
        sibling_gradient,
        travels=True,
    ),
)
