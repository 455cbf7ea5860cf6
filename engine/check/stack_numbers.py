"""The numbers of a dense network by differences, in as few operations as there are: for `engine.check.plain`.

As in `engine.check.factored`, every pre-activation is differenced, and the gradients of weights, biases and inputs follow by
products that hold exactly. Steps are so short here that no digit depends on their length. So whatever lies behind a unit
answers to its move in proportion, and what single units do may be added up on the way: from the loss back, one product
a layer differences all of its units, in all examples, by the exact increments of the ops.

The order of these sums is that of the gradient itself. What they rest on is therefore guarded: along a random direction of
every tensor the network itself is moved, op by op from the inputs to the cost, and it must move as far as the numbers say.
A check moves single coordinates alone, too (`engine.check.stack_sample`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from engine.check.endings import OF_CLASSES, REACH, SHORT, Ending
from engine.check.estimates import GUARD_LEEWAY
from engine.check.stack import Part, Stack
from engine.graph.forward import Values
from engine.ops.row import Array
from engine.ops.stable import alike, column_sums, ones
from engine.problems import Problem
from engine.problems.cost import class_places

GUARD_STEP = 1e-100
"""How far the cost is moved along each direction: far from it there is room for small gradients and for large ones."""
LEAST = 1e-60
"""What changes the cost less along a direction than this is not weighed up to the others."""


class StackNumbers:
    """Of the values of one run, and of all examples or of some."""

    def __init__(self, problem: Problem, stack: Stack, values: Values, examples: Array | None = None) -> None:
        self.stack, self.examples = stack, examples
        self.Z, self.A = [values[part.Z] for part in stack.parts], [values[part.X] for part in stack.parts]
        if stack.flipped or examples is not None:
            self.Z, self.A = list(map(self.rows, self.Z)), list(map(self.rows, self.A))
        self.W = [stack.as_in_out(values[part.W]) for part in stack.parts]
        Y = values[stack.labels]
        places = None
        if stack.form.op is OF_CLASSES:
            known = examples is None and Y is problem.leaves["Y"]
            places = problem.class_places if known else class_places(self.rows(Y))
        head = None if stack.form.fusion else self.rows(values[stack.parts[-1].A])
        self.ending = Ending.of(stack.form, self.Z[-1], head, self.rows(Y), places)

    def rows(self, x: Array) -> Array:
        """One example a row."""
        rows = self.stack.rows(x)
        return rows if self.examples is None else rows[self.examples]

    def of(self, names: tuple[str, ...]) -> dict[str, Array] | None:
        D = self.by_logits()
        if D is None:
            return None
        found = self.by_products(D, set(names))
        return found if len(found) == len(names) and self.is_guarded(found) else None

    def by_logits(self) -> list[Array] | None:
        """∂J/∂Z of every layer, one example a row; None near a kink."""
        each = self.ending.by_logits()
        if each is None or (self.stack.parts[-1].has_kinks and not is_clear(self.Z[-1])):
            return None
        found = [each]
        for part, Z, W in zip(self.stack.parts[-2::-1], self.Z[-2::-1], self.W[:0:-1], strict=True):
            if part.has_kinks and not is_clear(Z):
                return None
            moved = part.move((Z, alike(Z, SHORT) if part.has_kinks else SHORT))  # of which kinks take the lesser
            each = moved * (each / SHORT).dot(W.T)
            found.append(each)
        found.reverse()
        return found

    def by_products(self, D: list[Array], wanted: set[str]) -> dict[str, Array]:
        """What follows from the gradients of the pre-activations."""
        stack, found = self.stack, {}
        for part, A, W, each in zip(stack.parts, self.A, self.W, D, strict=True):
            layer = part.layer
            if layer.logits in wanted:
                found[layer.logits] = stack.rows(each)
            if layer.weights in wanted:
                found[layer.weights] = stack.as_in_out(A.T.dot(each))
            if layer.bias in wanted:
                found[layer.bias] = column_sums(each)
            if part.source in wanted:
                found[part.source] = stack.rows(each.dot(W.T))
        if stack.head in wanted and (by_head := self.ending.by_head()) is not None:
            found[stack.head] = stack.rows(by_head)
        if "losses" in wanted:
            found["losses"] = np.full(stack.examples, stack.weight)
        if stack.output in wanted:
            found[stack.output] = np.ones(())
        return found

    def is_guarded(self, found: Mapping[str, Array]) -> bool:
        """Whether moving all tensors together, along random directions, moves the cost as far as `found` says.

        The steps are such that each direction's share is GUARD_STEP: none cancels another or is lost beside it.
        """
        moves: Array | None = None
        expected = 0.0
        for number, part in enumerate(self.stack.parts):
            if moves is not None:
                moves = self.stack.parts[number - 1].move((self.Z[number - 1], moves)).dot(self.W[number])
            for u, v, share in self.directions(number, part, found):
                step = GUARD_STEP / share if abs(share) > LEAST else GUARD_STEP
                expected += step * share
                own = u[:, None].dot((v * step)[None, :])  # a third quicker than as a product of entries
                moves = own if moves is None else np.add(moves, own, out=own)
        least = GUARD_STEP * LEAST
        return moves is None or abs(self.ending.moved(moves) - expected) <= GUARD_LEEWAY * max(abs(expected), least)

    def directions(self, number: int, part: Part, found: Mapping[str, Array]) -> Iterator[tuple[Array, Array, float]]:
        """Moves u·vᵀ of a layer's Z, and what the cost answers to them according to `found`."""
        stack, layer = self.stack, part.layer
        weights, bias = layer.weights in found, layer.bias in found
        if weights or bias:  # a bias is the weight of an input that is always 1
            along = self.A[number].dot(part.inputs) if weights else np.zeros(len(self.Z[number]))
            answer = part.inputs.dot(stack.as_in_out(found[layer.weights])) if weights else np.zeros(len(part.units))
            if bias:
                along += ones(len(along))
                answer += found[layer.bias]
            yield along, part.units, float(answer.dot(part.units))
        examples = part.examples if self.examples is None else part.examples[self.examples]
        if part.source in found:
            dA = stack.rows(found[part.source])
            yield examples, part.inputs.dot(self.W[number]), float(examples.dot(dA).dot(part.inputs))
        elif layer.logits in found:
            dZ = stack.rows(found[layer.logits])
            yield examples, part.units, float(examples.dot(dZ).dot(part.units))

    def moved(self, number: int, moves: Array) -> float:
        """The exact change of the cost when the units of one layer make short moves."""
        for layer in range(number, len(self.Z) - 1):
            moves = self.stack.parts[layer].move((self.Z[layer], moves)).dot(self.W[layer + 1])
        return self.ending.moved(moves)


def is_clear(Z: Array) -> bool:
    """Whether no unit is near its kink."""
    return bool(np.minimum.reduce(np.abs(Z), axis=None) > REACH)
