"""How large a problem is, from its wire form alone: looked at in a few microseconds, whatever may be wrong with it.

What cannot be read counts for nothing: the engine will refuse it, soon and in better words.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from engine.check.ways import GENERAL_COORDINATES
from engine.errors import EngineError
from engine.graph.graph import Graph
from engine.graph.heads import FUSIONS
from engine.limits import DEFAULT_LIMITS
from engine.ops import ACTIVATIONS, LOSSES
from engine.problems.expression_graph import expression_graph, parse_expressions
from engine.problems.network import MAXIMUM_UNITS
from engine.reading.arrays import MAXIMUM_DEPTH

SHORT = 2_000
"""Characters of expressions that are lowered at once to see their shapes; their graph is kept, so that it is not in vain."""
LONG_NODES = 1_000
"""What is assumed of longer ones, until somebody has the time to lower them."""
MULTIPLES = 4
"""Moves of one coordinate in a check."""


@dataclass(slots=True)
class Size:
    """Counts of what takes time."""

    nodes: int = 0
    elements: int = 0
    """Numbers held by all nodes."""
    work: float = 0.0
    """Elementary operations of one pass forward."""
    parameters: int = 0
    examples: int = 1
    moves: float = 0.0
    """Elementary operations that the certificate takes, by whichever method it chooses."""
    visits: int = 0
    """Steps from node to node that it takes."""
    coordinates: int = 0
    widest: int = 0
    """Numbers of the largest node."""
    short: bool = False
    """Whether the certificate takes the short way, whose cost is that of a few passes."""


NOTHING = Size()


def size_of(wire: Any, *, thorough: bool = False) -> Size:
    if not isinstance(wire, dict):
        return NOTHING
    if isinstance(wire.get("network"), dict):
        size = network_size(wire["network"], shape_of(wire.get("inputs")))
        if size is not NOTHING:
            size.short = goes_short(wire["network"], hopeful=thorough)
        return size
    if isinstance(wire.get("graph"), dict):
        return expressions_size(wire, thorough)
    if wire.get("loss") is not None:
        return loss_size(shape_of(wire.get("predictions")))
    return NOTHING


def shape_of(value: Any) -> tuple[int, ...]:
    """As the first entries have it; ragged lists are refused before they cost more than their reading."""
    shape: tuple[int, ...] = ()
    while type(value) is list and value and len(shape) <= MAXIMUM_DEPTH:
        shape += (len(value),)
        value = value[0]
    return shape


def loss_size(shape: tuple[int, ...]) -> Size:
    entries = prod(shape)
    return Size(4, 2 * entries, 20 * entries, 0, max(shape, default=1), 40 * entries**2, 12, entries, entries)


def network_size(network: dict[str, Any], inputs: tuple[int, ...]) -> Size:
    layers = network.get("layers")
    if type(layers) is not list or not layers or len(inputs) != 2 or len(layers) > DEFAULT_LIMITS.nodes:
        return NOTHING
    columns = network.get("layout") == "columns"
    examples, fan_in = inputs[::-1] if columns else inputs
    turned = network.get("orientation", "out_in" if columns else "in_out") == "out_in"
    widths = [fan_in]
    for layer in layers:
        if type(layer) is not dict:
            return NOTHING
        units = layer.get("units")
        if type(units) is not int or units < 1:
            weights = shape_of(layer.get("weights"))
            if len(weights) != 2:
                return NOTHING
            units = weights[0 if turned else 1]
        widths.append(min(units, MAXIMUM_UNITS))
    return dense_size(widths, examples)


def goes_short(network: dict[str, Any], *, hopeful: bool) -> bool:
    """As `engine.check.short_way` has it. At a kink the long way is taken: that is seldom, and who hopes expects none."""
    loss = network.get("loss")
    kind = loss.get("kind") if type(loss) is dict else loss
    names = [*(layer.get("activation") for layer in network["layers"]), kind]
    if not all(type(name) is str for name in names):
        return False
    ops = [*map(ACTIVATIONS.get, names[:-1]), LOSSES.get(str(kind))]
    if None in ops or not (hopeful or all(op and op.kinks is None for op in ops)):
        return False
    return "softmax" not in (names[:-2] if kind in FUSIONS else names)


def dense_size(widths: list[int], examples: int) -> Size:
    outputs = [examples * width for width in widths]
    weights = [fan_in * units for fan_in, units in pairwise(widths)]
    parameters = sum(weights) + sum(widths[1:])
    elements = parameters + outputs[0] + 2 * sum(outputs[1:]) + outputs[-1] + examples + 1
    work = sum(20 * Z for Z in outputs[1:]) + 2 * examples * sum(weights) + elements
    layers = len(weights)
    size = Size(4 * layers + 4, elements, work, parameters, examples, widest=max(*weights, *outputs))
    size.coordinates = elements - outputs[-1]
    if size.coordinates <= GENERAL_COORDINATES:
        size.moves = MULTIPLES * size.coordinates * work
        size.visits = size.nodes**2 // 2
        return size
    behind = 0
    for layer in range(layers - 1, -1, -1):
        behind += weights[layer + 2] if layer + 2 < layers else 0
        size.moves += MULTIPLES * outputs[layer + 1] * (2 * behind + 10 * widths[min(layer + 2, layers)])
    size.visits = 4 * (layers + 1) ** 2
    return size


def expressions_size(wire: dict[str, Any], thorough: bool) -> Size:
    """Small text can make large arrays, by broadcasting: only its graph tells, which is kept for the reading to come."""
    texts, values = wire["graph"].get("expressions"), wire.get("values")
    if type(texts) is not list or not texts or type(values) is not dict or not all(type(text) is str for text in texts):
        return NOTHING
    if not thorough and sum(map(len, texts)) > SHORT:
        return Size(LONG_NODES, visits=LONG_NODES)
    constants = wire.get("constants")
    try:
        parse_expressions(tuple(texts), DEFAULT_LIMITS)
        shapes = tuple((name, shape_of(value)) for name, value in values.items())
        named = frozenset(each for each in constants if type(each) is str) if type(constants) is list else frozenset()
        graph, _ = expression_graph(tuple(texts), shapes, named, wire["graph"].get("output"), DEFAULT_LIMITS)
    except EngineError:
        return NOTHING
    return graph.kept("size", lambda: graph_size(graph))


def graph_size(graph: Graph) -> Size:
    size = Size(nodes=len(graph.nodes), work=sum(graph.work))
    behind = 0.0
    for position in range(len(graph.nodes) - 1, -1, -1):
        node, entries = graph.nodes[position], prod(graph.nodes[position].shape)
        behind += graph.work[position]
        size.elements += entries
        size.widest = max(size.widest, entries)
        if node.differentiable and not node.hidden:
            size.coordinates += entries
            size.moves += MULTIPLES * entries * behind
            size.visits += len(graph.nodes) - position
        if node.kind == "parameter":
            size.parameters += entries
    return size
