"""Single coordinates of a dense network, for `guard` to move each of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from engine.check.short_way.layer import StackLayer
from engine.graph.forward import Values
from engine.ops.constants import ones
from engine.ops.row import Array

ALL = slice(None)


class Coordinate(NamedTuple):
    """One entry of a tensor. As everywhere in a stack, an example is a row, and weights are in_out."""

    layer: StackLayer
    behind: StackLayer | None
    """The layer that its moves reach next."""
    tensor: str
    entry: tuple[int, ...]
    examples: slice
    """Those in which it moves Z."""
    units: slice
    """Those of which it moves Z: by 1, or by as much as the inputs or weights that are named."""
    inputs: slice | None = None
    weights: slice | None = None

    def at(self, entry: tuple[int, ...]) -> Coordinate:
        """Another one of the same tensor."""
        return coordinate_at(self.layer, self.behind, self.tensor, entry)

    def moves(self, values: Values, step: float) -> Array:
        """Of Z = X·W + b, where it moves: W[i,j] by X[:,i], X[n,i] by W[i,:], and b and Z by 1."""
        layer = self.layer
        if self.inputs is not None:
            by = values[layer.X][:, self.inputs]
        elif self.weights is not None:
            by = values[layer.W][self.weights]
        else:
            by = ones[len(values[layer.Z])][self.examples, None]
        moves: Array = by * step
        return moves

    def moves_behind(self, values: Values, moves: Array) -> Array:
        """Of all Z of the layer that they reach next, or else of its own."""
        Z, at = values[self.layer.Z], (self.examples, self.units)
        if self.behind is None:
            return spread(Z.shape, at, moves)
        following = values[self.behind.W]
        onward = self.layer.move((Z[at].copy(), moves)).dot(following[self.units])  # quicker of what lies side by side
        return onward if self.examples is ALL else spread((len(Z), following.shape[1]), self.examples, onward)


def spread(shape: tuple[int, ...], at: slice | tuple[slice, slice], moves: Array) -> Array:
    """Moves of some entries as those of all."""
    whole = np.zeros(shape)
    whole[at] = moves
    return whole


Sample = list[list[Coordinate]]
"""For every layer those of which the moves reach its Z next, or if it is the last those of its own."""


def no_sample(layers: Sequence[StackLayer]) -> Sample:
    return [[] for _ in layers]


def tensors(layers: Sequence[StackLayer]) -> list[tuple[int, str]]:
    """Those that are asked for, by the numbers of their layers and their names."""
    return [
        (number, name)
        for number, layer in enumerate(layers)
        for name in (layer.weights, layer.bias, layer.logits, layer.inputs)
        if name
    ]


def random_sample(layers: Sequence[StackLayer], seed: int, most: int) -> Sample:
    """A random coordinate of each of some random tensors among those that are asked for.

    The first is of weights, if any are asked for: theirs are the gradients that come of a product of all examples.
    """
    rng, found, asked = Random(seed), no_sample(layers), tensors(layers)
    rng.shuffle(asked)
    asked.sort(key=lambda each: each[1] != layers[each[0]].weights)
    chosen = asked[:1] + rng.sample(asked[1:], max(0, min(most, len(asked)) - 1))
    for number, name in chosen:
        reached = min(number + 1, len(layers) - 1)
        behind = layers[reached] if reached > number else None
        entry = tuple([rng.randrange(size) for size in sizes(layers[number], name)])
        found[reached].append(coordinate_at(layers[number], behind, name, entry))
    return found


def sizes(layer: StackLayer, name: str) -> tuple[int, ...]:
    """Of the axes of a tensor."""
    return {
        layer.weights: (layer.sources, layer.units),
        layer.bias: (layer.units,),
        layer.logits: (layer.examples, layer.units),
        layer.inputs: (layer.examples, layer.sources),
    }[name]


def coordinate_at(layer: StackLayer, behind: StackLayer | None, name: str, entry: tuple[int, ...]) -> Coordinate:
    """W[i,j] and b[j] move Z[:,j], Z[n,j] moves itself, and X[n,i] moves Z[n,:]."""
    first, last = (slice(each, each + 1) for each in (entry[0], entry[-1]))
    if name == layer.weights:
        return Coordinate(layer, behind, name, entry, ALL, last, inputs=first)
    if name == layer.bias:
        return Coordinate(layer, behind, name, entry, ALL, last)
    if name == layer.logits:
        return Coordinate(layer, behind, name, entry, first, last)
    return Coordinate(layer, behind, name, entry, first, ALL, weights=last)
