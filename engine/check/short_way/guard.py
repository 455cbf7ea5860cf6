"""What guards the numbers of a dense network (`numbers`): the network itself is moved.

It goes op by op from the inputs to the cost: along a random direction of every W, b, Z and A at once, and by single
coordinates, each alone. The cost must answer to each of these moves as the numbers say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.check.estimates import GUARD_LEEWAY, largest
from engine.check.short_way.layer import StackLayer
from engine.check.short_way.numbers import StackNumbers
from engine.check.short_way.sample import Coordinate, Sample, coordinate_at
from engine.ops.row import Array

STEP = 1e-100
"""How far the cost is moved along each direction, and a coordinate itself: far from it there is room for small gradients and
for large ones."""
LEAST = 1e-60
"""A direction that changes the cost by less is not scaled up to count as much as the others, and no entry need be nearer."""


def is_guarded(numbers: StackNumbers, found: Mapping[str, Array], sample: Sample) -> bool:
    expected, jointly = 0.0, None
    alone: list[tuple[Coordinate, Array]] = []
    for layer, starting in sample:
        if jointly is not None:
            jointly = numbers.onward(layer, jointly)
            alone = [(each, numbers.onward(layer, moves)) for each, moves in alone]
        for u, v, share in directions(numbers, layer, found):
            # The share of each direction in what the cost moves is STEP: none cancels another or is lost beside it.
            step = STEP / share if abs(share) > LEAST else STEP
            expected += step * share
            moves = u[:, None].dot(v * step)  # a third quicker than as a product of entries
            jointly = moves if jointly is None else np.add(jointly, moves, out=moves)
        alone += [(each, numbers.moves(each, STEP)) for each in starting]
    if jointly is None:
        return True  # no tensor of a layer: what lies behind them is differenced entry by entry, and needs no guard
    moved = numbers.ending.moved_by_logits
    if not abs(moved(jointly) - expected) <= GUARD_LEEWAY * max(abs(expected), STEP * LEAST):
        return False
    return all(is_answer(numbers, found[each.tensor], each, moved(moves) / STEP) for each, moves in alone)


def is_answer(numbers: StackNumbers, values: Array, coordinate: Coordinate, moved: float) -> bool:
    """Whether the cost moves as far as an entry says."""
    expected = values.item(coordinate.entry)
    if not expected and not moved:  # as of a dead unit, which tells nothing
        entry = [int(place) for place in np.unravel_index(np.abs(values).argmax(), values.shape)]
        return is_precise_answer(numbers, values, coordinate_at(coordinate.layer, coordinate.tensor, tuple(entry)))
    near = abs(moved - expected) <= GUARD_LEEWAY * abs(expected)  # which most are: all else takes longer
    return near or is_precise_answer(numbers, values, coordinate)


def is_precise_answer(numbers: StackNumbers, values: Array, coordinate: Coordinate) -> bool:
    """The same with a step that is short however large the numbers are, and with room for what cancels in a sum."""
    moves = numbers.moves(coordinate, 1.0)
    terms = float(np.abs(moves * numbers.D[coordinate.layer.Z]).sum())
    step = STEP / max(1.0, largest(moves))
    apart = abs(numbers.answer(coordinate.layer, moves * step) / step - values.item(coordinate.entry))
    return apart <= GUARD_LEEWAY * max(terms, largest(values), LEAST)


def directions(numbers: StackNumbers, layer: StackLayer, found: Mapping[str, Array]) -> list[tuple[Array, Array, float]]:
    """Moves u·vᵀ of a layer's Z, v as a row, and what the cost answers to them according to `found`."""
    along_inputs, along_units, along_examples = layer.along_inputs, layer.along_units, layer.along_examples
    row, moves = layer.row_of_units, []
    if layer.weights:
        along, answer = numbers.values[layer.X].dot(along_inputs), along_inputs.dot(found[layer.weights])
        if layer.bias:  # the weight of an input that is always 1
            along += numbers.every
            answer += found[layer.bias]
        moves.append((along, row, float(answer.dot(along_units))))
    elif layer.bias:
        moves.append((numbers.every, row, float(found[layer.bias].dot(along_units))))
    if numbers.examples is not None:
        along_examples = along_examples[numbers.examples]
    if layer.inputs:
        along, answer = along_inputs.dot(numbers.values[layer.W]), along_examples.dot(found[layer.inputs])
        moves.append((along_examples, along[None, :], float(answer.dot(along_inputs))))
    if layer.logits:
        answer = along_examples.dot(found[layer.logits])
        moves.append((along_examples, row, float(answer.dot(along_units))))
    return moves
