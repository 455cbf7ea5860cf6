"""Local and total derivatives of one node by another, of shape (node's shape + input's shape)."""

from __future__ import annotations

from math import prod

import numpy as np

from engine.errors import TooLarge, UnknownName, shape_text
from engine.graph.backward import Planner, walk
from engine.graph.run import Run
from engine.limits import DEFAULT_LIMITS
from engine.ops.row import Array


def local_jacobian(run: Run, node: str, by: str, most: int = DEFAULT_LIMITS.jacobian_entries) -> Array:
    """∂node/∂input with everything else held: through the node itself and the unnamed parts of its expression only."""
    graph = run.graph
    position = graph.position(node)
    inputs = graph.direct_inputs(node)
    if by not in inputs:
        raise UnknownName(f"direct input of '{node}':", by, inputs)
    through = {position} | {each for each, part in enumerate(graph.nodes) if part.owner == node}
    return jacobian(run, position, graph.position(by), most, through)


def total_jacobian(run: Run, node: str, by: str, most: int = DEFAULT_LIMITS.jacobian_entries) -> Array:
    """d node / d ancestor through everything between them; zeros if there is no way."""
    return jacobian(run, run.graph.position(node), run.graph.position(by), most)


def jacobian(run: Run, of: int, by: int, most: int, through: set[int] | None = None) -> Array:
    """One walk backward for every entry of the node."""
    graph = run.graph
    rows, columns = graph.nodes[of].shape, graph.nodes[by].shape
    if prod(rows + columns) > most:
        raise TooLarge(
            f"the Jacobian of '{graph.nodes[of].name}' by '{graph.nodes[by].name}' would be"
            f" {shape_text(rows + columns)}: more than {most:,} numbers"
        )
    behind = sum(graph.work[by : of + 1])
    if prod(rows) * behind > DEFAULT_LIMITS.check_operations:
        raise TooLarge(f"the Jacobian of '{graph.nodes[of].name}' would take {prod(rows):,} walks through the graph")
    plan = Planner(graph, run.changes, plain=True).plan(of, {by}, through)
    result = np.zeros((prod(rows), *columns))
    for entry in range(prod(rows)):
        seed = np.zeros(prod(rows))
        seed[entry] = 1.0
        found: list[Array | None] = [None] * len(graph.nodes)
        found[of] = seed.reshape(rows)
        with np.errstate(all="ignore"):
            walk(plan, run.values, found, {})
        gradient = found[by]
        if gradient is not None:
            result[entry] = gradient
    return result.reshape(rows + columns)
