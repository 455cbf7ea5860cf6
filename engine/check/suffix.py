"""What follows a layer of a network: from moves of its pre-activations, or of its units, to moves of the losses.

Arrays have one example a row, whatever the layout of the problem; moves have leading axes of independent perturbations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.check.increments import MOST_KINKS, STILL, Kink, Kinks
from engine.graph.graph import Node
from engine.graph.run import Run
from engine.ops.row import Array, Op, Side
from engine.problems import Problem


class Suffix:
    """The values of one run, and the exact increments of everything behind a layer; of all examples or of some."""

    def __init__(self, problem: Problem, run: Run, examples: Array | None = None) -> None:
        assert problem.network is not None
        self.network = problem.network
        self.graph = problem.graph
        self.layers = self.network.layers
        self.examples = examples
        self.Y = self.chosen(run["Y"])
        self.Z = [self.chosen(run[layer.logits]) for layer in self.layers]
        self.A = [self.chosen(run[layer.head]) for layer in self.layers]
        self.W = [self.network.as_in_out(run[layer.weights]) for layer in self.layers]
        self.heads = [with_rows(self.graph[layer.head]) for layer in self.layers]
        self.losses = with_rows(self.graph["losses"])
        self.shortcut = self.graph.shortcut

    def chosen(self, x: Array) -> Array:
        """The examples that are looked at, one a row."""
        rows = self.network.rows(x)
        return rows if self.examples is None else rows[self.examples]

    def is_elementwise(self, number: int) -> bool:
        """Whether a unit of the layer answers to its own pre-activation alone: all but softmax."""
        return "axis" not in self.heads[number][0].attributes

    def widest(self, number: int) -> int:
        """The most units of any layer from this one on."""
        return max(int(Z.shape[1]) for Z in self.Z[number:])

    def move_units(self, number: int, units: slice, steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
        """The losses' moves when single units of an elementwise layer move: steps (…, units, examples) of their Z."""
        op, attributes = self.heads[number]
        pair = (self.Z[number].T[units], steps)
        if op.kinks is None:
            moves = op.increment(pair, **attributes)
        else:
            moves = op.increment(pair, **attributes, side=side)
            if kinks is not None:
                reached = np.asarray(op.kinks(pair, **attributes))
                kinks.rows |= reached
                for place in np.argwhere(reached)[:MOST_KINKS] if reached.any() else ():
                    unit, example = units.start + int(place[-2]), int(place[-1])
                    kinks.found.add(self.kink(self.layers[number].logits, (example, unit)))
        following = self.W[number + 1][units]
        # Examples vary fastest in memory: there are more of them than units in most last layers.
        steps_after = np.multiply(moves[..., None, :], following[:, :, None]).swapaxes(-1, -2)
        return self.after_logits(number + 1, steps_after, side, kinks)

    def after_logits(self, number: int, moves: Array, side: Side | None, kinks: Kinks | None) -> Array:
        """(…, examples) from moves (…, examples, units) of a layer's pre-activations."""
        last = number == len(self.layers) - 1
        if last and self.shortcut:
            op, attributes = self.shortcut.fusion.op, self.losses[1]
            return op.increment((self.Z[number], moves), (self.Y, STILL), **attributes)
        pairs = ((self.Z[number], moves),)
        moved = self.increment(self.heads[number], pairs, self.layers[number].logits, side, kinks)
        if last:
            return self.plain_losses(moved, side, kinks)
        following = self.W[number + 1]
        flat = moved.reshape(-1, moved.shape[-1]) @ following
        return self.after_logits(number + 1, flat.reshape(*moved.shape[:-1], following.shape[1]), side, kinks)

    def after_entries(self, examples: slice, steps: Array) -> Array:
        """The moves of the losses' terms for steps (…, examples, units) of the output of a fused head, entry by entry."""
        assert self.shortcut is not None
        return self.shortcut.fusion.head_increment(self.Z[-1][examples], steps, self.Y[examples], **self.losses[1])

    def plain_losses(self, moves: Array, side: Side | None, kinks: Kinks | None) -> Array:
        pairs = (self.A[-1], moves), (self.Y, STILL)
        return self.increment(self.losses, pairs, self.layers[-1].head, side, kinks)

    def increment(
        self, made: tuple[Op, dict[str, Any]], pairs: tuple[Any, ...], source: str, side: Side | None, kinks: Kinks | None
    ) -> Array:
        """One op's increment; the kinks it reaches are those of `source`."""
        op, attributes = made
        if op.kinks is None:
            return op.increment(*pairs, **attributes)
        if kinks is not None:
            before = set(kinks.found)
            kinks.note(source, np.asarray(op.kinks(*pairs, **attributes)))
            kinks.found = before | {self.kink(each.node, each.index[-2:]) for each in kinks.found - before}
        return op.increment(*pairs, **attributes, side=side)

    def kink(self, node: str, index: tuple[int, ...]) -> Kink:
        """By its place in the layout of the problem."""
        example, *rest = index
        index = (example if self.examples is None else int(self.examples[example]), *rest)
        return Kink(node, index[::-1] if self.network.layout == "columns" else index)


def with_rows(node: Node) -> tuple[Op, dict[str, Any]]:
    """An op and its attributes for operands with one example a row."""
    assert node.op is not None
    attributes: Mapping[str, Any] = node.attributes
    return node.op, {name: -1 if name == "axis" else value for name, value in attributes.items()}
