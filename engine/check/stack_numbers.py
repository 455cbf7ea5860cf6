"""The numbers of a dense stack by differences, in as few operations as there are: for `engine.check.plain`.

As in `engine.check.factored`, every pre-activation is differenced, and the gradients of weights, biases and inputs follow by
products that hold exactly. As long as no kink is reached, a unit moves the logits of an example along a line, whatever
straight layers lie between, and one product a layer carries those lines from the logits back to all units of the layer
before. Only the loss is curved; its exact changes along lines are those of `engine.ops.lines`.

The products, the lines and all that rests on them are guarded as in `engine.check.guard`: for every tensor a random
direction, and for weights a coordinate too, move the network itself, op by op, and with it the loss. All go through in
one walk, each from its own layer on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from engine.check.differences import STEP, VANISHING
from engine.check.stack import GUARD_STEP, UPDOWN, Part, Stack
from engine.graph.graph import UNCHANGED
from engine.graph.run import Run
from engine.ops.lines import ClassLosses
from engine.ops.row import Array
from engine.problems import Problem

NEAR = 1e-8
"""Relative to what is guarded. Where its parts cancel that may not suffice, and then it is not plain."""
EVERY = slice(None)


def numbers_of_stack(problem: Problem, run: Run, names: tuple[str, ...]) -> dict[str, Array] | None:
    """∂J/∂node for every name; None where it is no such network, or not plain: near a kink, or far from ordinary."""
    stack = Stack.of(problem)
    if stack is None or run.changes is not UNCHANGED:
        return None
    classes = ClassLosses.of(stack.rows(run[stack.head]), stack.rows(run.values[stack.labels]))
    return None if classes is None else StackNumbers(stack, run, classes).of(names)


class StackNumbers:
    """Of one run."""

    def __init__(self, stack: Stack, run: Run, classes: ClassLosses) -> None:
        values = run.values
        self.stack, self.classes, self.scale = stack, classes, stack.loss["scale"] * stack.weight
        self.Y = stack.rows(values[stack.labels])
        self.Z = [stack.rows(values[part.Z]) for part in stack.parts]
        self.W = [stack.as_in_out(values[part.W]) for part in stack.parts]
        self.A = [stack.rows(run["X"]), *(stack.rows(values[part.A]) for part in stack.parts[:-1])]

    def of(self, names: tuple[str, ...]) -> dict[str, Array] | None:
        D = self.by_logits()
        if D is None:
            return None
        found = self.by_products(D, set(names))
        return found if len(found) == len(names) and self.is_guarded(found) else None

    def by_logits(self) -> list[Array] | None:
        """∂J/∂Z of every layer, one example a row."""
        classes, moves = self.classes, self.unit_moves()
        if moves is None:
            return None
        found = [central(classes.along_logits(self.scale).increment(EVERY, UPDOWN))]
        lines = self.W[-1] - self.W[-1][:, :1]  # only how a unit's weights differ counts
        for number in range(len(moves) - 1, -1, -1):
            found.append(central(classes.along(lines, self.scale).increment(EVERY, moves[number])))
            if number:
                lines = lines_before(self.W[number], moves[number][0] / STEP, lines)
        return None if any(each is None for each in found) else [each for each in reversed(found) if each is not None]

    def unit_moves(self) -> list[Array] | None:
        """How each hidden unit moves with its pre-activation; None where that, or what follows from it, reaches a kink."""
        moves: list[Array] = []
        reach = 2.0 * STEP
        for part, Z, W in zip(self.stack.parts[:-1], self.Z, self.W, strict=False):
            if moves:  # what one unit moves directly, or many before it together
                size = max(float(np.maximum.reduce(W, axis=None)), -float(np.minimum.reduce(W, axis=None)))
                reach = max(2.0 * STEP, reach * size * len(W))
            if part.has_kinks and not float(np.minimum.reduce(np.abs(Z), axis=None)) > reach:
                return None
            moves.append(part.move((Z, part.steps)))
            if len(moves) == 1:  # the first layer may be steep
                reach = max(reach, 2.0 * float(np.maximum.reduce(np.abs(moves[0]), axis=None)))
        return moves

    def by_products(self, D: list[Array], wanted: set[str]) -> dict[str, Array]:
        """What follows from the gradients of the pre-activations."""
        stack, found = self.stack, {}
        for part, A, W, each in zip(stack.parts, self.A, self.W, D, strict=True):
            layer = part.layer
            if layer.logits in wanted:
                found[layer.logits] = stack.rows(each)
            if layer.weights in wanted:
                found[layer.weights] = stack.as_in_out(A.T @ each)
            if layer.bias in wanted:
                found[layer.bias] = np.add.reduce(each, axis=0)
            if part.source in wanted:
                found[part.source] = stack.rows(each @ W.T)
        if stack.head in wanted:
            found[stack.head] = self.by_head()
        if "losses" in wanted:
            found["losses"] = np.full(stack.examples, stack.weight)
        if stack.output in wanted:
            found[stack.output] = np.ones(())
        return found

    def by_head(self) -> Array:
        """∂J/∂A of the last layer: by steps that never leave the domain of the loss."""
        room = self.stack.room(self.Z[-1], -1)
        steps = np.where(room < VANISHING, 1.0, room) * UPDOWN
        moved = self.stack.terms_move(self.Z[-1], steps, self.Y)
        return self.stack.rows((moved[0] - moved[1]) / (steps[0] * (2.0 / self.stack.weight)))

    def is_guarded(self, found: Mapping[str, Array]) -> bool:
        """Whether moving the network itself along some directions, layer by layer, gives what `found` says of them."""
        expected: list[Array] = []
        moves = np.empty((0, *self.Z[0].shape))
        for number, part in enumerate(self.stack.parts):
            directions = list(self.directions(number, part, found, expected))
            count, before, Z = len(moves), moves, self.Z[number]
            moves = np.empty((count + len(directions), *Z.shape))
            if count:
                moved = self.stack.parts[number - 1].move((self.Z[number - 1], before))
                np.dot(moved.reshape(-1, moved.shape[-1]), self.W[number], out=moves[:count].reshape(-1, Z.shape[1]))
            for place, direction in enumerate(directions, count):
                moves[place] = direction
        if not expected:
            return True
        singles, sums = np.add.reduce(self.classes.increment(moves), axis=-1) * self.scale, np.array(expected)
        return bool((np.abs(singles - sums) <= NEAR * np.abs(sums)).all())

    def directions(self, number: int, part: Part, found: Mapping[str, Array], expected: list[Array]) -> Iterator[Array]:
        """How Z moves along a coordinate of the layer's weights and along directions u·vᵀ of all its tensors, GUARD_STEP
        long; what each is to give goes to `expected`."""
        stack, layer = self.stack, part.layer
        if layer.weights in found:
            x, (i, j) = stack.as_in_out(found[layer.weights]), part.coordinate
            column = np.zeros(self.Z[number].shape)
            np.multiply(self.A[number][:, i], GUARD_STEP, out=column[:, j])
            expected.append(x[i, j] * GUARD_STEP)
            yield column
            expected.append(part.inputs @ x @ part.units)
            yield (self.A[number] @ part.inputs)[:, None] * part.units
        if layer.bias in found:
            expected.append(part.units @ found[layer.bias])
            yield part.units
        if part.source in found:
            expected.append(part.examples @ stack.rows(found[part.source]) @ part.inputs)
            yield part.examples[:, None] * (part.inputs @ self.W[number])


def lines_before(W: Array, slopes: Array, lines: Array) -> Array:
    """From the lines of a layer's units (units, examples or none, classes) to those of the units of the layer before."""
    own = slopes.T[:, :, None] * lines.reshape(len(lines), -1, lines.shape[-1])
    return (W @ own.reshape(len(own), -1)).reshape(len(W), *own.shape[1:])


def central(moved: Array | None) -> Array | None:
    """From the changes by ±h."""
    if moved is None:
        return None
    slope = moved[0] - moved[1]
    slope *= 0.5 / STEP
    return slope
