"""The size of what a gradient is made of: by it, what rounding may have done is measured.

That of another branch does nothing to it, nor that of the output A of a fused head: no other gradient is computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.check.estimates import largest
from engine.graph.backward import Plan, plan_gradients
from engine.graph.run import ONE, Run
from engine.ops.row import Array


def gradients_and_scales(run: Run, names: tuple[str, ...]) -> tuple[dict[str, Array], dict[str, float]]:
    """Gradients by name, and the largest entry of what each is computed from."""
    graph = run.graph
    plan = plan_gradients(graph, names, run.changes)
    found = run.pull_back(plan, graph.output, ONE)
    between = {position: found[position] for position, contributions in plan if contributions}
    sizes = {position: largest(d) for position, d in between.items() if d is not None}
    scales = flowing(plan, sizes)
    places = {name: graph.position(name) for name in names}
    gradients = {name: found[place] for name, place in places.items()}
    return (
        {name: np.zeros(graph[name].shape) if d is None else d for name, d in gradients.items()},
        {name: scales.get(place, 0.0) for name, place in places.items()},
    )


def scales_of(run: Run, sizes: Mapping[str, float]) -> dict[str, float]:
    """The same, or the size of the gradient itself, where no more is known than some sizes."""
    places = {name: run.graph.position(name) for name in sizes}
    plan = plan_gradients(run.graph, tuple(sizes), run.changes)
    scales = flowing(plan, {place: sizes[name] for name, place in places.items()})
    return {name: scales[place] for name, place in places.items()}


def flowing(plan: Plan, sizes: Mapping[int, float]) -> dict[int, float]:
    """By position, the largest of a gradient and of those from which it is computed."""
    scales = dict(sizes)
    for position, contributions in plan:
        for each in contributions:
            scales[each.source] = max(scales.get(each.source, 0.0), scales.get(position, 0.0))
    return scales
