"""How large the gradients are that a gradient is computed from: what rounding may have done to it is measured by them.

Other branches do not count, nor does the output A of a fused head, from which no gradient is computed.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.check.estimates import largest
from engine.graph.backward import Plan, plan_gradients
from engine.graph.run import Run
from engine.ops.row import Array


def gradients_and_scales(run: Run, names: tuple[str, ...]) -> tuple[dict[str, Array], dict[str, float]]:
    """Gradients by name, and the largest entry of what each is computed from."""
    graph = run.graph
    plan = plan_gradients(graph, names, run.changes)
    found = run.pull_back(plan)
    between = {position: found[position] for position, contributions in plan if contributions}
    sizes = {position: largest(d) for position, d in between.items() if d is not None}
    scales = flowing(plan, sizes)
    return run.named(names, found), {name: scales.get(graph.position(name), 0.0) for name in names}


def scales_of(run: Run, sizes: Mapping[str, float]) -> dict[str, float]:
    """The same from some sizes alone, each its own among them."""
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
