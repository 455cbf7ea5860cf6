"""What guards the numbers of a dense network (`numbers`): the network itself is moved.

It goes op by op from the inputs to the cost: along a direction of all tensors that are asked for at once, which has no
pattern but is always the same, and by single coordinates, each alone. The cost must answer to each of these moves as the
numbers say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.check.estimates import GUARD_LEEWAY, largest
from engine.check.short_way.numbers import StackNumbers
from engine.check.short_way.sample import Coordinate, Sample
from engine.ops.row import Array

STEP = 1e-100
"""How far the cost is moved along each direction, and a coordinate itself: far from it there is room for small gradients and
for large ones."""
LEAST = 1e-60
"""A direction that changes the cost by less is not scaled up to count as much as the others, and no entry need be nearer."""
TOGETHER = 50_000
"""Logits up to which the cost is asked for all moves at once: that saves calls, and with more of them only takes memory."""


def is_guarded(numbers: StackNumbers, found: Mapping[str, Array], sample: Sample) -> bool:
    """Whether the cost moves as the gradients that were found say, jointly and by each coordinate of the sample."""
    values, every, expected = numbers.values, numbers.every, 0.0
    moves: list[Array] = []
    coordinates: list[Coordinate] = []
    for (layer, directions), arriving in zip(numbers.stack.guarded, sample, strict=True):
        if moves:  # the first along all directions, and one of each coordinate
            moves = [numbers.onward(layer, each) for each in moves]
        for direction in directions:
            u, v, share = direction(values, every, found)
            # The share of each direction in what the cost moves is STEP: none cancels another or is lost beside it.
            step = STEP / share if abs(share) > LEAST else STEP
            expected += step * share
            along = u[:, None].dot(v * step)  # a third quicker than as a product of entries
            if moves:
                moves[0] += along
            else:
                moves.append(along)
        for each in arriving:
            coordinates.append(each)
            moves.append(each.moves_behind(values, each.moves(values, STEP)))
            if not found[each.tensor].item(each.entry):  # as of a dead unit, which tells nothing
                coordinates.append(other := liveliest(each, found))
                moves.append(other.moves_behind(values, other.moves(values, STEP)))
    if not moves:
        return True  # no tensor of a layer: what lies behind them is differenced entry by entry, and needs no guard
    moved = numbers.ending.moved
    together = moves[0].size <= TOGETHER
    jointly, *alone = moved(np.array(moves)) if together else [moved(each[None])[0] for each in moves]
    if not abs(jointly - expected) <= GUARD_LEEWAY * max(abs(expected), STEP * LEAST):
        return False
    for each, far in zip(coordinates, alone, strict=True):
        if not is_answer(numbers, found[each.tensor], each, far / STEP):
            return False
    return True


def liveliest(coordinate: Coordinate, found: Mapping[str, Array]) -> Coordinate:
    """The one of the same tensor that moves the cost most."""
    values = found[coordinate.tensor]
    return coordinate.at(tuple(map(int, np.unravel_index(np.abs(values).argmax(), values.shape))))


def is_answer(numbers: StackNumbers, values: Array, coordinate: Coordinate, moved: float) -> bool:
    """Whether the cost moves as far as an entry says."""
    expected = values.item(coordinate.entry)
    near = abs(moved - expected) <= GUARD_LEEWAY * abs(expected)  # which most are: all else takes longer
    return near or is_precise_answer(numbers, values, coordinate)


def is_precise_answer(numbers: StackNumbers, values: Array, coordinate: Coordinate) -> bool:
    """The same with a step that is short however large the numbers are, and with room for what cancels in a sum."""
    moves = coordinate.moves(numbers.values, 1.0)
    terms = float(np.abs(moves * numbers.D[coordinate.layer.Z][coordinate.examples, coordinate.units]).sum())
    step = STEP / max(1.0, largest(moves))
    if not step:
        return False  # numbers that no step is short beside
    apart = abs(numbers.answer(coordinate, moves * step) / step - values.item(coordinate.entry))
    return apart <= GUARD_LEEWAY * max(terms, largest(values), LEAST)
