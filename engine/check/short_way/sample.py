"""Single coordinates of a dense network, for `guard` to move each of them alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from engine.check.short_way.layer import StackLayer
from engine.ops.row import Array

Index = tuple[int | slice, ...]
EVERY = slice(None)
SAMPLED = 2
"""Tensors of which a check moves a coordinate, drawn by its seed. In a deep network each takes as long as all directions."""


class Coordinate(NamedTuple):
    """One entry of a tensor. As everywhere in a stack, an example is a row, and weights are in_out."""

    layer: StackLayer
    tensor: str
    entry: tuple[int, ...]
    moved: Index
    """The entries of Z that it moves: by 1, or by as much as the inputs or weights of the layer that stand there."""
    inputs: Index | None = None
    weights: Index | None = None

    def moves(self, X: Array, W: Array, step: float) -> Array:
        """Of Z = X·W + b."""
        moves = np.zeros((len(X), W.shape[1]))
        by = 1.0 if self.inputs is None else X[self.inputs]
        moves[self.moved] = (by if self.weights is None else W[self.weights]) * step
        return moves


Sample = list[tuple[StackLayer, list[Coordinate]]]
"""Those of every layer."""


def no_sample(layers: Sequence[StackLayer]) -> Sample:
    return [(layer, []) for layer in layers]


def usual_sample(layers: Sequence[StackLayer]) -> Sample:
    """An entry in the middle of the last weights that are asked for, or else of another tensor.

    Its move has the shortest way, and the product that makes gradients of weights is the same line for all layers.
    """
    found = no_sample(layers)
    asked = tensors(layers)
    weights = [(number, name) for number, name in asked if name == layers[number].weights]
    for number, name in (weights or asked)[-1:]:
        layer, own = found[number]
        own.append(coordinate(layer, name, lambda size: size // 2))
    return found


def random_sample(layers: Sequence[StackLayer], seed: int) -> Sample:
    """A random coordinate of each of some random tensors."""
    rng, found, asked = Random(seed), no_sample(layers), tensors(layers)
    for number, name in rng.sample(asked, min(SAMPLED, len(asked))):
        layer, own = found[number]
        own.append(coordinate(layer, name, rng.randrange))
    return found


def tensors(layers: Sequence[StackLayer]) -> list[tuple[int, str]]:
    """The names of those that are asked for, with the numbers of their layers."""
    return [
        (number, name)
        for number, layer in enumerate(layers)
        for name in (layer.weights, layer.bias, layer.logits, layer.inputs)
        if name
    ]


def coordinate(layer: StackLayer, name: str, choose: Callable[[int], int]) -> Coordinate:
    """Of a tensor, chosen by the sizes of its axes."""
    examples, sources, units = map(len, (layer.along_examples, layer.along_inputs, layer.along_units))
    sizes = {layer.weights: (sources, units), layer.bias: (units,), layer.logits: (examples, units)}
    return coordinate_at(layer, name, tuple([choose(size) for size in sizes.get(name, (examples, sources))]))


def coordinate_at(layer: StackLayer, name: str, entry: tuple[int, ...]) -> Coordinate:
    """W[i,j] moves Z[:,j] by X[:,i], b[j] moves Z[:,j] by 1, Z[n,j] moves itself, and X[n,i] moves Z[n,:] by W[i,:]."""
    if name == layer.weights:
        return Coordinate(layer, name, entry, (EVERY, entry[1]), inputs=(EVERY, entry[0]))
    if name == layer.bias:
        return Coordinate(layer, name, entry, (EVERY, *entry))
    if name == layer.logits:
        return Coordinate(layer, name, entry, entry)
    return Coordinate(layer, name, entry, entry[:1], weights=entry[1:])
