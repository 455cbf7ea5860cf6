"""Single coordinates of a dense network, moved alone: beside the guard of `engine.check.stack_numbers`, for who has a seed.

W[i,j] moves Z[:,j] by A[:,i], b[j] moves Z[:,j] by 1, and A[n,i] moves Z[n,:] by W[i,:].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple

import numpy as np

from engine.check.estimates import GUARD_LEEWAY, largest
from engine.check.stack_numbers import GUARD_STEP, LEAST, StackNumbers
from engine.ops.row import Array

SAMPLED = 2
"""Tensors of which a coordinate is moved. In a deep network each takes as long as the guard."""


class Coordinate(NamedTuple):
    """One entry of a tensor, through what it moves in its layer."""

    tensor: str
    layer: int
    moves: Array
    """Of Z, for a step of 1."""
    expected: float


def is_confirmed(numbers: StackNumbers, found: Mapping[str, Array], seed: int) -> bool:
    """Whether the cost answers to single coordinates as `found` says."""
    for each in sample(numbers, found, seed):
        apart = abs(numbers.moved(each.layer, each.moves * GUARD_STEP) / GUARD_STEP - each.expected)
        if apart <= GUARD_LEEWAY * abs(each.expected):  # saves to look at all of the tensor
            continue
        if not apart <= GUARD_LEEWAY * max(largest(found[each.tensor]), LEAST):
            return False
    return True


def sample(numbers: StackNumbers, found: Mapping[str, Array], seed: int) -> Iterator[Coordinate]:
    rng = Random(seed)
    tensors = [
        (number, name)
        for number, layer in enumerate(numbers.stack.layers)
        for name in (layer.names.weights, layer.names.bias, layer.names.logits, layer.source)
        if name in found
    ]
    for number, name in rng.sample(tensors, min(SAMPLED, len(tensors))):
        yield coordinate(numbers, number, name, found[name], rng)


def coordinate(numbers: StackNumbers, layer: int, name: str, values: Array, rng: Random) -> Coordinate:
    """A random one of a tensor."""
    network, names = numbers.network, numbers.stack.layers[layer].names
    A, W, Z = numbers.inputs[layer], numbers.W[layer], numbers.Z[layer]
    n, i, j = rng.randrange(len(Z)), rng.randrange(len(W)), rng.randrange(W.shape[1])
    moves = np.zeros(Z.shape)
    if name == names.weights:
        moves[:, j], expected = A[:, i], network.as_in_out(values)[i, j]
    elif name == names.bias:
        moves[:, j], expected = 1.0, values[j]
    elif name == names.logits:
        moves[n, j], expected = 1.0, network.rows(values)[n, j]
    else:
        moves[n], expected = W[i], network.rows(values)[n, i]
    return Coordinate(name, layer, moves, float(expected))
