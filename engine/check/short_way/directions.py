"""The random directions along which `guard` moves the tensors of a layer: each moves its Z by a product u·vᵀ.

They are drawn before a number is seen, and always the same. Called with the values of a run, ones for its examples and the
gradients that were found, one gives u, v as a row, and what the cost answers according to these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import numpy as np

from engine.check.short_way.layer import StackLayer
from engine.graph.forward import Values
from engine.graph.graph import Graph
from engine.ops.row import Array

Found = Mapping[str, Array]
Move = tuple[Array, Array, float]
Direction = Callable[[Values, Array, Found], Move]

SMALL = 1_024
"""Numbers of a direction that all networks share."""


def directions(graph: Graph, layer: StackLayer) -> Iterator[Direction]:
    """For whatever is asked for of a layer."""
    along_examples, along_inputs, along_units = [
        direction(graph, size, 3 * layer.Z + axis) for axis, size in enumerate((layer.examples, layer.sources, layer.units))
    ]
    if layer.weights and layer.bias:
        yield of_weights_and_bias(layer, along_inputs, along_units)
    elif layer.weights:
        yield of_weights(layer, along_inputs, along_units)
    elif layer.bias:
        yield of_bias(layer, along_units)
    if layer.inputs:
        yield of_inputs(layer, along_examples, along_inputs)
    if layer.logits:
        yield of_logits(layer, along_examples, along_units)


def of_weights(layer: StackLayer, along_inputs: Array, along_units: Array) -> Direction:
    X, weights, row = layer.X, layer.weights, along_units[None, :]

    def moved(values: Values, every: Array, found: Found) -> Move:
        answer = along_inputs.dot(found[weights])
        return values[X].dot(along_inputs), row, float(answer.dot(along_units))

    return moved


def of_weights_and_bias(layer: StackLayer, along_inputs: Array, along_units: Array) -> Direction:
    """The bias is the weight of an input that is always 1."""
    X, weights, bias, row = layer.X, layer.weights, layer.bias, along_units[None, :]

    def moved(values: Values, every: Array, found: Found) -> Move:
        along = values[X].dot(along_inputs)
        along += every
        answer = along_inputs.dot(found[weights])
        answer += found[bias]
        return along, row, float(answer.dot(along_units))

    return moved


def of_bias(layer: StackLayer, along_units: Array) -> Direction:
    bias, row = layer.bias, along_units[None, :]
    return lambda values, every, found: (every, row, float(found[bias].dot(along_units)))


def of_inputs(layer: StackLayer, along_examples: Array, along_inputs: Array) -> Direction:
    W, inputs = layer.W, layer.inputs

    def moved(values: Values, every: Array, found: Found) -> Move:
        along = along_examples[: len(every)]  # some may be left out
        answer = along.dot(found[inputs])
        return along, along_inputs.dot(values[W])[None, :], float(answer.dot(along_inputs))

    return moved


def of_logits(layer: StackLayer, along_examples: Array, along_units: Array) -> Direction:
    logits, row = layer.logits, along_units[None, :]

    def moved(values: Values, every: Array, found: Found) -> Move:
        along = along_examples[: len(every)]  # some may be left out
        return along, row, float(along.dot(found[logits]).dot(along_units))

    return moved


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
