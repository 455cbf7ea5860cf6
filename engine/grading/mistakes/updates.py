"""Mistakes with optimizer steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene
from engine.graph.run import Run
from engine.ops.row import Array
from engine.quantities import Quantity


def step(scene: Scene, quantity: Quantity, *, sign: float = 1.0, rate: float | None = None) -> Iterator[Array]:
    """The update with another sign or another learning rate."""
    optimizer = scene.problem.optimizer
    if quantity.kind == "update" and optimizer is not None:
        if rate is not None:
            optimizer = replace(optimizer, settings={**optimizer.settings, "learning_rate": rate})
        yield optimizer.step(scene.value(quantity.node), sign * scene.gradient(quantity.node))


def rate_of(scene: Scene) -> float:
    optimizer = scene.problem.optimizer
    return optimizer.settings["learning_rate"] if optimizer is not None else 1.0


def one_step_late(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The parameter after two steps."""
    optimizer = scene.problem.optimizer
    if quantity.kind == "update" and optimizer is not None:
        moved = {
            name: optimizer.step(scene.value(name), scene.gradient(name)) if scene.graph[name].kind == "parameter" else value
            for name, value in scene.problem.leaves.items()
        }
        again = Run(scene.graph, moved)
        if np.isfinite(again.values[scene.graph.output]).all():
            yield optimizer.step(again[quantity.node], again.gradients[quantity.node])


def one_step_early(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The parameter as it was."""
    if quantity.kind == "update":
        yield scene.value(quantity.node)


def used_updated_weights(scene: Scene, quantity: Quantity) -> Iterator[Array]:
    """The later layer's weights were updated before the gradient was passed back through them."""
    optimizer = scene.problem.optimizer
    if quantity.kind != "gradient" or optimizer is None:
        return
    for use in scene.uses(quantity.node):
        if use.op.name == "dense" and use.place == 0:
            weights = scene.graph.nodes[use.node.inputs[1]].name
            updated = optimizer.step(scene.value(weights), scene.gradient(weights))
            inputs = scene.inputs(use.node)
            yield scene.pull(use, inputs=[inputs[0], updated, *inputs[2:]])


ROWS = (
    Mistake(
        "gradient_ascent",
        "ascent",
        "The step goes up the gradient: the learning rate times the gradient must be subtracted.",
        lambda scene, quantity: step(scene, quantity, sign=-1.0),
    ),
    Mistake(
        "learning_rate_missing",
        "learning_rate",
        "The gradient is not multiplied by the learning rate.",
        lambda scene, quantity: step(scene, quantity, rate=1.0),
    ),
    Mistake(
        "learning_rate_applied_twice",
        "learning_rate",
        "The learning rate is applied twice.",
        lambda scene, quantity: step(
            scene, quantity, rate=rate_of(scene) * rate_of(scene)
        ),  # ** would raise where it overflows
    ),
    Mistake(
        "one_step_late",
        "step",
        "This is the parameter after one step more than asked for.",
        one_step_late,
    ),
    Mistake(
        "one_step_early",
        "step",
        "This is the parameter before the step.",
        one_step_early,
    ),
    Mistake(
        "used_updated_weights",
        "updated",
        "The gradient is passed back through weights that were already updated.",
        used_updated_weights,
        travels=True,
    ),
)
