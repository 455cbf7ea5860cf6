"""What the quick check of a dense network knows of one of its layers: see `stack`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from engine.check.suffix import with_rows
from engine.graph.graph import Graph, bind
from engine.ops.row import Array
from engine.problems.network import Layer, Network


class StackLayer(NamedTuple):
    """Where its values are, what is asked for, and how its units move."""

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
    examples: int
    sources: int
    """Numbers of an example that it takes in."""
    units: int


def stack_layer(
    graph: Graph, network: Network, layer: Layer, source: str, before: StackLayer | None, names: Collection[str]
) -> StackLayer:
    op, attributes = with_rows(graph[layer.head])
    Z = graph.position(layer.logits)
    shape = graph[layer.weights].shape
    sources, units = shape if network.orientation == "in_out" else shape[::-1]
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
        examples=network.examples,
        sources=sources,
        units=units,
    )
