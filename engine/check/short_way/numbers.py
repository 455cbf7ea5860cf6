"""The numbers of a dense network by differences, in as few operations as there are: for `engine.check.plain`.

As in `engine.check.factored`, every pre-activation is differenced, and the gradients of weights, biases and inputs follow by
products that hold exactly. Steps are so short here that no digit depends on their length. So whatever lies behind a unit
answers to its move in proportion, and what single units do may be added up on the way: from the loss back, one product
a layer differences all of its units, in all examples, by the exact increments of the ops.

The order of these sums is that of the gradient itself. What they rest on is therefore guarded (`guard`).
"""

from __future__ import annotations

import numpy as np

from engine.check.short_way.endings import LONG, OF_CLASSES, REACH, SHORT, ending_of
from engine.check.short_way.layer import StackLayer
from engine.check.short_way.sample import Coordinate
from engine.check.short_way.stack import Stack
from engine.graph.forward import Values
from engine.ops.constants import Constants, ones
from engine.ops.row import Array
from engine.problems import Problem
from engine.problems.cost import class_places

short_steps = Constants(SHORT)


class StackNumbers:
    """Of the values of one run, and of all examples or of some. All arrays have one example a row, weights are in_out."""

    def __init__(self, problem: Problem, stack: Stack, values: Values, examples: Array | None = None) -> None:
        self.stack = stack
        self.D: dict[int, Array] = {}
        """∂J/∂Z of every layer, by the position of Z, once they are found."""
        self.values = values if stack.as_it_is and examples is None else stack.in_rows(values, examples)
        Y, last = self.values[stack.labels], stack.layers[-1]
        places = None
        if stack.form.op is OF_CLASSES:
            known = examples is None and values[stack.labels] is problem.leaves["Y"]
            places = problem.class_places if known else class_places(Y)
        self.every = ones[len(Y)]
        """To sum over all examples."""
        head = None if stack.form.fusion else self.values[last.A]
        self.ending = ending_of(stack.form, self.values[last.Z], head, Y, places)

    def found(self) -> dict[str, Array] | None:
        """∂J/∂node for every name that is asked for; None if not plain."""
        stack, values, found = self.stack, self.values, {}
        each = self.ending.slopes()
        if each is None or (stack.layers[-1].has_kinks and not is_clear(values[stack.layers[-1].Z])):
            return None
        for layer in stack.backward:
            self.D[layer.Z] = each
            if layer.logits:
                found[layer.logits] = each
            if layer.weights:
                found[layer.weights] = values[layer.X].T.dot(each)
            if layer.bias:
                found[layer.bias] = self.every.dot(each)
            if layer.inputs:
                found[layer.inputs] = each.dot(values[layer.W].T)
            if layer.before is not None:
                moved = self.moved_alone(layer.before)
                if moved is None:
                    return None
                moved *= (each * LONG).dot(values[layer.W].T)
                each = moved
        if stack.behind:
            self.find_behind(found)
        return found if len(found) == len(stack.names) else None

    def moved_alone(self, layer: StackLayer) -> Array | None:
        """How far the units of a layer move when each takes a short step; None near a kink."""
        Z = self.values[layer.Z]
        if not layer.has_kinks:
            return layer.move((Z, SHORT))
        # A full array, because a kink takes a minimum, and that is quicker of two arrays.
        return layer.move((Z, short_steps.like(Z))) if is_clear(Z) else None

    def find_behind(self, found: dict[str, Array]) -> None:
        stack = self.stack
        if stack.head in stack.names and (by_head := self.ending.by_head()) is not None:
            found[stack.head] = by_head
        if "losses" in stack.names:
            found["losses"] = np.full(stack.network.examples, stack.weight)
        if stack.output in stack.names:
            found[stack.output] = np.ones(())

    def answer(self, coordinate: Coordinate, moves: Array) -> float:
        """How far the cost moves with it, when it moves Z so."""
        reached = coordinate.behind or coordinate.layer
        moves = coordinate.moves_behind(self.values, moves)
        for each in self.stack.layers:
            if each.Z > reached.Z:
                moves = self.onward(each, moves)
        return self.ending.moved(moves[None])[0]

    def onward(self, layer: StackLayer, moves: Array) -> Array:
        """From moves of the Z of the layer before to those of this one's."""
        assert layer.before is not None
        return layer.before.move((self.values[layer.before.Z], moves)).dot(self.values[layer.W])


def is_clear(Z: Array) -> bool:
    """Whether no unit is near its kink."""
    sizes = np.abs(Z)
    return sizes.item(sizes.argmin()) > REACH  # in half of the time of their minimum; not if any is not a number
