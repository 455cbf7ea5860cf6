"""The numbers of a dense network by differences, in as few operations as there are: for `engine.check.plain`.

As in `engine.check.factored`, every pre-activation is differenced, and the gradients of weights, biases and inputs follow by
products that hold exactly. Steps are so short here that no digit depends on their length. So whatever lies behind a unit
answers to its move in proportion, and what single units do may be added up on the way: from the loss back, one product
a layer differences all of its units, in all examples, by the exact increments of the ops.

The order of these sums is that of the gradient itself. What they rest on is therefore guarded: along a random direction of
every W, b, Z and A the network itself is moved, op by op from the inputs to the cost, and it must move as far as the numbers
say. What the loss is computed from is differenced entry by entry anyway.
A check moves single coordinates alone, too (`engine.check.stack_sample`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from engine.check.endings import OF_CLASSES, REACH, SHORT, Ending
from engine.check.estimates import GUARD_LEEWAY
from engine.check.stack import Stack
from engine.graph.forward import Values
from engine.ops.row import Array
from engine.ops.stable import alike, column_sums, ones
from engine.problems import Problem
from engine.problems.cost import class_places

GUARD_STEP = 1e-100
"""How far the cost is moved along each direction: far from it there is room for small gradients and for large ones."""
LEAST = 1e-60
"""A direction that changes the cost by less is not scaled up to count as much as the others."""


class StackNumbers:
    """Of the values of one run, and of all examples or of some. All arrays have one example a row, weights are in_out."""

    def __init__(self, problem: Problem, stack: Stack, values: Values, examples: Array | None = None) -> None:
        self.stack, self.network, self.examples = stack, stack.network, examples
        self.Z = [values[layer.Z] for layer in stack.layers]
        self.inputs = [values[layer.X] for layer in stack.layers]
        if self.network.layout == "columns" or examples is not None:
            self.Z, self.inputs = list(map(self.rows, self.Z)), list(map(self.rows, self.inputs))
        self.W = [self.network.as_in_out(values[layer.W]) for layer in stack.layers]
        Y = values[stack.labels]
        places = None
        if stack.form.op is OF_CLASSES:
            known = examples is None and Y is problem.leaves["Y"]
            places = problem.class_places if known else class_places(self.rows(Y))
        head = None if stack.form.fusion else self.rows(values[stack.layers[-1].A])
        self.ending = Ending.of(stack.form, self.Z[-1], head, self.rows(Y), places)

    def rows(self, x: Array) -> Array:
        """The examples that are looked at."""
        rows = self.network.rows(x)
        return rows if self.examples is None else rows[self.examples]

    def of(self, names: tuple[str, ...]) -> dict[str, Array] | None:
        """∂J/∂node for every name, laid out as the problem does it; None if not plain."""
        D = self.by_logits()
        if D is None:
            return None
        found = self.by_products(D, set(names))
        return found if len(found) == len(names) and self.is_guarded(found) else None

    def by_logits(self) -> list[Array] | None:
        """∂J/∂Z of every layer; None near a kink."""
        each = self.ending.by_logits()
        if each is None or (self.stack.layers[-1].has_kinks and not is_clear(self.Z[-1])):
            return None
        found = [each]
        for layer, Z, W in zip(self.stack.layers[-2::-1], self.Z[-2::-1], self.W[:0:-1], strict=True):
            if layer.has_kinks and not is_clear(Z):
                return None
            # A full array, because a kink takes a minimum, and that is quicker of two arrays.
            moved = layer.move((Z, alike(Z, SHORT) if layer.has_kinks else SHORT))
            each = moved * (each / SHORT).dot(W.T)
            found.append(each)
        found.reverse()
        return found

    def by_products(self, D: list[Array], wanted: set[str]) -> dict[str, Array]:
        """What follows from the gradients of the pre-activations."""
        network, found = self.network, {}
        for layer, inputs, W, each in zip(self.stack.layers, self.inputs, self.W, D, strict=True):
            names = layer.names
            if names.logits in wanted:
                found[names.logits] = network.rows(each)
            if names.weights in wanted:
                found[names.weights] = network.as_in_out(inputs.T.dot(each))
            if names.bias in wanted:
                found[names.bias] = column_sums(each)
            if layer.source in wanted:
                found[layer.source] = network.rows(each.dot(W.T))
        if self.stack.head in wanted and (by_head := self.ending.by_head()) is not None:
            found[self.stack.head] = network.rows(by_head)
        if "losses" in wanted:
            found["losses"] = np.full(network.examples, self.stack.weight)
        if self.stack.output in wanted:
            found[self.stack.output] = np.ones(())
        return found

    def is_guarded(self, found: Mapping[str, Array]) -> bool:
        """Whether moving all tensors together, along random directions, moves the cost as far as `found` says.

        The steps are such that each direction's share is GUARD_STEP: none cancels another or is lost beside it.
        """
        moves: Array | None = None
        expected = 0.0
        for number in range(len(self.Z)):
            if moves is not None:
                moves = self.onward(number - 1, moves)
            for u, v, share in self.directions(number, found):
                step = GUARD_STEP / share if abs(share) > LEAST else GUARD_STEP
                expected += step * share
                own = u[:, None].dot((v * step)[None, :])  # a third quicker than as a product of entries
                moves = own if moves is None else np.add(moves, own, out=own)
        least = GUARD_STEP * LEAST
        return moves is None or abs(self.ending.moved(moves) - expected) <= GUARD_LEEWAY * max(abs(expected), least)

    def directions(self, number: int, found: Mapping[str, Array]) -> Iterator[tuple[Array, Array, float]]:
        """Moves u·vᵀ of a layer's Z, and what the cost answers to them according to `found`."""
        network, layer = self.network, self.stack.layers[number]
        names, along_inputs, along_units = layer.names, layer.along_inputs, layer.along_units
        weights, bias = names.weights in found, names.bias in found
        if weights or bias:  # a bias is the weight of an input that is always 1
            along = self.inputs[number].dot(along_inputs) if weights else np.zeros(len(self.Z[number]))
            answer = along_inputs.dot(network.as_in_out(found[names.weights])) if weights else np.zeros(len(along_units))
            if bias:
                along += ones(len(along))
                answer += found[names.bias]
            yield along, along_units, float(answer.dot(along_units))
        along_examples = layer.along_examples if self.examples is None else layer.along_examples[self.examples]
        if layer.source in found:
            dA = network.rows(found[layer.source])
            yield along_examples, along_inputs.dot(self.W[number]), float(along_examples.dot(dA).dot(along_inputs))
        if names.logits in found:
            dZ = network.rows(found[names.logits])
            yield along_examples, along_units, float(along_examples.dot(dZ).dot(along_units))

    def moved(self, number: int, moves: Array) -> float:
        """The exact change of the cost when the units of one layer make short moves."""
        for each in range(number, len(self.Z) - 1):
            moves = self.onward(each, moves)
        return self.ending.moved(moves)

    def onward(self, number: int, moves: Array) -> Array:
        """From moves of a layer's Z to those of the next one's."""
        return self.stack.layers[number].move((self.Z[number], moves)).dot(self.W[number + 1])


def is_clear(Z: Array) -> bool:
    """Whether no unit is near its kink."""
    return bool(np.minimum.reduce(np.abs(Z), axis=None) > REACH)
