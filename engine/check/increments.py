"""The second oracle: exact increments, carried forward through the graph.

A batch of perturbations moves single entries of nodes; every op turns the increments of its inputs into the increment of
its result, never subtracting near-equal numbers, so that any step is as good as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.graph.graph import Graph, Node
from engine.graph.run import Run
from engine.ops.row import Array, Op, Side

MOST_KINKS = 20
STILL = np.zeros(())
STILL.flags.writeable = False


@dataclass(frozen=True, slots=True, order=True)
class Kink:
    """A point without a derivative: the node, and the entry of it (the unit and the example)."""

    node: str
    index: tuple[int, ...]


@dataclass(slots=True)
class Kinks:
    """Which perturbations reach a kink (`rows`, of the leading axes of a batch), and the first few kinks themselves."""

    rows: Array
    found: set[Kink] = field(default_factory=set)

    def note(self, name: str, mask: Array) -> None:
        """Remember the entries of `mask`, which has the perturbations along its first axis."""
        if not mask.any():
            return
        self.rows |= mask.reshape(*self.rows.shape, -1).any(axis=-1)
        for place in np.argwhere(mask.any(axis=0)):
            if len(self.found) >= MOST_KINKS:
                return
            self.found.add(Kink(name, tuple(int(each) for each in place)))


def located(graph: Graph, node: Node, mask: Array) -> str:
    """A kink lies in the first input where entry answers to entry (Z for a relu), else in the node itself."""
    first = graph.nodes[node.inputs[0]]
    return first.name if mask.shape[1:] == first.shape and not first.hidden else node.name


def pairs_of(op: Op, inputs: list[Array], moves: list[Array | None]) -> list[tuple[Array, Array | None]]:
    """(x, Δx) of every input; for `aligned` ops with equal ranks, and 0 where an input stands still."""
    if not op.aligned:
        return list(zip(inputs, moves, strict=True))
    rank = max(x.ndim for x in inputs)
    pairs: list[tuple[Array, Array | None]] = []
    for x, dx in zip(inputs, moves, strict=True):
        shape = (1,) * (rank - x.ndim) + x.shape
        if dx is None:
            pairs.append((x.reshape(shape), STILL))
        else:
            pairs.append((x.reshape(shape), dx.reshape(dx.shape[: dx.ndim - x.ndim] + shape)))
    return pairs


def propagate(
    graph: Graph,
    values: list[Array],
    seeds: Mapping[int, Array],
    *,
    side: Side | None = None,
    kinks: Kinks | None = None,
) -> Array:
    """The increments of the output for a batch of perturbations.

    `seeds` holds, by node, Δ of shape (batch, *node's shape); a row of the batch moves entries of one node only. With
    `side`, kinks are taken as straight lines of that side's slope instead, see `engine.ops.stable.ramp_increment`.
    """
    moves: list[Array | None] = [None] * len(graph.nodes)
    heads = {node.shortcut.head for node in graph.nodes if node.shortcut}
    for position, node in enumerate(graph.nodes):
        move = None
        if node.op is not None and position not in heads:
            move = shortcut_move(node, values, moves, seeds) if node.shortcut else None
            if move is None and any(moves[each] is not None for each in node.inputs):
                inputs = [values[each] for each in node.inputs]
                pairs = pairs_of(node.op, inputs, [moves[each] for each in node.inputs])
                extra: dict[str, Any] = {}
                if node.op.kinks is not None:
                    extra["side"] = side
                    if kinks is not None:
                        mask = np.asarray(node.op.kinks(*pairs, **node.attributes))
                        kinks.note(located(graph, node, mask), mask)
                move = node.op.increment(*pairs, **node.attributes, **extra)
        if position in seeds and position not in heads:
            move = seeds[position] if move is None else move + seeds[position]
        moves[position] = move
        if position == graph.output:
            break
    result = moves[graph.output]
    batch = len(next(iter(seeds.values())))
    return np.zeros(batch) if result is None else np.broadcast_to(result, (batch,))


def shortcut_move(node: Node, values: list[Array], moves: list[Array | None], seeds: Mapping[int, Array]) -> Array | None:
    """The losses of a fused head: moved by the logits, or by entries of the head alone."""
    shortcut = node.shortcut
    assert shortcut is not None
    labels = values[node.inputs[1]]
    total: Array | None = None
    step = moves[shortcut.logits]
    if step is not None:
        total = shortcut.fusion.op.increment((values[shortcut.logits], step), (labels, STILL), **node.attributes)
    if shortcut.head in seeds:
        entries = shortcut.fusion.head_increment(values[shortcut.logits], seeds[shortcut.head], labels, **node.attributes)
        alone = entries.sum(axis=shortcut.axis)
        total = alone if total is None else total + alone
    return total


def kinks_between(run: Run, moved: Run, imaginary: bool = False) -> set[Kink]:
    """The kinks that lie between two runs, or within the imaginary step of a complex one."""
    graph = run.graph
    kinks = Kinks(np.zeros(1, dtype=bool))
    for node in graph.nodes:
        if node.op is not None and node.op.kinks is not None:
            inputs = [run.values[each] for each in node.inputs]
            steps: list[Array | None] = [
                (moved.values[each].imag if imaginary else moved.values[each] - run.values[each])[None]
                for each in node.inputs
            ]
            mask = np.asarray(node.op.kinks(*pairs_of(node.op, inputs, steps), **node.attributes))
            kinks.note(located(graph, node, mask), mask)
    return kinks.found
