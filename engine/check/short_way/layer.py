"""What the quick check of a dense network knows of one of its layers: see `stack`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from engine.check.suffix import with_rows
from engine.graph.graph import Graph, bind
from engine.ops.row import Array
from engine.problems.network import Layer, Network

SMALL = 1_024
"""Numbers of a direction that all networks share."""


class StackLayer(NamedTuple):
    """Where its values are, what is asked for, how its units move, and along what its tensors are moved by the guard."""

    before: StackLayer | None
    X: int
    """The position of its inputs."""
    W: int
    Z: int
    A: int
    inputs: str
    """The name of their gradient if it is asked for, or empty."""
    weights: str
    bias: str
    logits: str
    move: Callable[..., Array]
    """The exact increment of its units, from (Z, ΔZ)."""
    has_kinks: bool
    along_inputs: Array
    along_units: Array
    row_of_units: Array
    """The same, as a matrix of one row."""
    along_examples: Array


def stack_layer(
    graph: Graph, network: Network, layer: Layer, source: str, before: StackLayer | None, names: Collection[str]
) -> StackLayer:
    op, attributes = with_rows(graph[layer.head])
    Z = graph.position(layer.logits)
    shape = graph[layer.weights].shape
    sizes = *(shape if network.orientation == "in_out" else shape[::-1]), network.examples
    along_inputs, along_units, along_examples = [direction(graph, size, 3 * Z + axis) for axis, size in enumerate(sizes)]
    return StackLayer(
        before=before,
        X=graph.position(source),
        W=graph.position(layer.weights),
        Z=Z,
        A=graph.position(layer.head),
        inputs=source if source in names else "",
        weights=layer.weights if layer.weights in names else "",
        bias=layer.bias if layer.bias in names else "",
        logits=layer.logits if layer.logits in names else "",
        move=bind(op.increment, attributes),
        has_kinks=op.kinks is not None,
        along_inputs=along_inputs,
        along_units=along_units,
        row_of_units=along_units[None, :],
        along_examples=along_examples,
    )


def direction(graph: Graph, size: int, seed: int) -> Array:
    """Small ones are kept for other networks, large ones with the graph, whatever is asked for."""
    if size <= SMALL:
        return small_direction(size, seed)
    return graph.kept(("direction", size, seed), lambda: random_direction(size, seed))


def random_direction(size: int, seed: int) -> Array:
    """Numbers from ½ to 1½ of either sign: were they alike, a move of all logits would be none."""
    rng = np.random.default_rng(seed)
    found = (rng.integers(0, 2, size) * 2.0 - 1.0) * rng.uniform(0.5, 1.5, size)
    found.flags.writeable = False  # all checks share it
    return found


small_direction = lru_cache(256)(random_direction)
