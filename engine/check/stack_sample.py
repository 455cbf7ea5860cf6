"""Single coordinates of a dense network, moved alone: beside the guard of `engine.check.stack_numbers`, for who has a seed.

W[i,j] moves Z[:,j] by A[:,i], b[j] moves Z[:,j] by 1, and A[n,i] moves Z[n,:] by W[i,:].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple

import numpy as np

from engine.check.estimates import GUARD_LEEWAY, largest
from engine.check.stack_numbers import GUARD_STEP, StackNumbers
from engine.ops.row import Array


class Coordinate(NamedTuple):
    """One entry of a tensor, through what it moves in its layer."""

    tensor: str
    layer: int
    moves: Array
    """Of Z, for a step of 1."""
    expected: float


def is_confirmed(numbers: StackNumbers, found: Mapping[str, Array], seed: int) -> bool:
    """Whether the cost answers to one coordinate of every tensor as `found` says."""
    for each in sample(numbers, found, seed):
        apart = abs(numbers.moved(each.layer, each.moves * GUARD_STEP) / GUARD_STEP - each.expected)
        if not (apart <= GUARD_LEEWAY * abs(each.expected) or apart <= GUARD_LEEWAY * largest(found[each.tensor])):
            return False
    return True


def sample(numbers: StackNumbers, found: Mapping[str, Array], seed: int) -> Iterator[Coordinate]:
    stack, rng = numbers.stack, Random(seed)
    for layer, (part, A, W, Z) in enumerate(zip(stack.parts, numbers.A, numbers.W, numbers.Z, strict=True)):
        n, i, j = rng.randrange(len(Z)), rng.randrange(len(W)), rng.randrange(W.shape[1])
        for tensor, entry, moved, move in (
            (part.layer.weights, (i, j), np.s_[:, j], A[:, i]),
            (part.layer.bias, j, np.s_[:, j], 1.0),
            (part.layer.logits, (n, j), (n, j), 1.0),
            (part.source, (n, i), n, W[i]),
        ):
            if tensor in found:
                view = stack.as_in_out if tensor == part.layer.weights else stack.rows
                moves = np.zeros(Z.shape)
                moves[moved] = move
                yield Coordinate(tensor, layer, moves, float(view(found[tensor])[entry]))
