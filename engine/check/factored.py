"""The quick way to difference a network: every pre-activation, instead of every weight.

A weight W[i,j] moves only unit j, and moves it linearly. So the loss is differenced with respect to every pre-activation,
where only what follows that unit must be computed anew; then ∂J/∂W = Aᵀ·D, ∂J/∂b = Σ D and ∂J/∂A = D·Wᵀ hold exactly,
because a layer is linear in each of them. Since these products stand in the analytic gradient too, they are guarded: a
coordinate of the weights and one random direction of every tensor are differenced as they are (`engine.check.guard`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from engine.check.differences import (
    COLUMNS,
    MULTIPLES,
    TIGHT,
    Moves,
    difference,
    glance,
    natural_step,
    steps_for,
)
from engine.check.estimates import Estimate, largest
from engine.check.increments import Kink, Kinks
from engine.check.short_way.entrance import numbers_of_examples
from engine.check.suffix import Suffix
from engine.graph.run import Run
from engine.ops.row import Array, Side
from engine.problems import Problem

BATCH_ELEMENTS = 60_000
"""Numbers that the widest layer of a batch of perturbations may hold: what stays in the cache of a core."""
NOWHERE = np.zeros((1, 1), dtype=bool)
"""No kink at any entry of a matrix."""
Move = Callable[[slice, Array, Side | None, Kinks | None], Array]
"""For a block of units and steps (…, units of the block, examples), the changes of every example's loss, of that shape."""


class FactoredCheck:
    """The estimates of one network at one point. A unit moves in all examples at once: each has a loss of its own."""

    def __init__(self, problem: Problem, run: Run) -> None:
        assert problem.network is not None
        self.problem, self.run = problem, run
        self.network = problem.network
        self.suffix = self.bent = Suffix(problem, run)
        """`bent` are the examples that must be differenced step by step: those near a kink, where others are near none."""
        self.known = numbers_of_examples(problem, run)
        if self.known is not None:
            self.bent = Suffix(problem, run, np.flatnonzero(~self.known[0]))
        self.step = natural_step(run)
        self.evaluations = 0
        self.D: dict[int, Estimate] = {}
        """∂J/∂Z by the number of the layer, one example a row."""

    def operations(self) -> float:
        """Every unit moves four times, and with it all that follows."""
        operations = 0.0
        for number, Z in enumerate(self.bent.Z):
            behind = sum(W.size for W in self.suffix.W[number + 2 :])
            operations += len(MULTIPLES) * Z.size * (2 * behind + 10 * self.suffix.widest(number))
        return operations

    def estimates(self, wanted: Collection[str] | None = None) -> dict[str, Estimate]:
        """Of X, and of W, b, Z and A of every layer, by name: those that are wanted, or all."""
        found: dict[str, Estimate] = {}
        source = "X"
        with np.errstate(all="ignore"):
            for number, layer in enumerate(self.network.layers):
                names = [name for name in (source, layer.weights, layer.bias, layer.logits) if name]
                names = [name for name in names if wanted is None or name in wanted]
                if names:
                    D = self.D[number] = self.by_logits(number)
                    found |= {name: self.by_affine(D, number, source, name) for name in names}
                source = layer.head
            if wanted is None or source in wanted:
                found[source] = viewed(self.by_head(), self.network.rows)
        return found

    def by_affine(self, D: Estimate, number: int, source: str, name: str) -> Estimate:
        """From ∂J/∂Z of a layer to ∂J/∂Z as the problem lays it out, or to ∂J/∂A, ∂J/∂W or ∂J/∂b of Z = A·W + b."""
        suffix, layer = self.suffix, self.network.layers[number]
        if name == source:
            size = self.run.size_of(layer.weights)
            return viewed(linear(D, lambda x, W: x @ W.T, suffix.W[number], size, axis=1), self.network.rows)
        if name == layer.weights:
            A, size = self.network.rows(self.run[source]), self.run.size_of(source)
            return viewed(linear(D, lambda x, A: A.T @ x, A, size, axis=0), self.network.as_in_out)
        if name == layer.bias:
            return linear(D, lambda x, ones: ones @ x, np.ones(len(D.numeric)), 1.0, axis=0)
        return viewed(D, self.network.rows)

    def by_logits(self, number: int) -> Estimate:
        """∂J/∂Z of one layer."""
        found = self.step_by_step(number)
        return found if self.known is None else between(self.known[0], self.known[1][number], found)

    def step_by_step(self, number: int) -> Estimate:
        """The same of the examples that need it."""
        suffix, Z = self.bent, self.bent.Z[number]
        h = suffix.chosen(steps_for(self.run, self.network.layers[number].logits, self.step))
        # A unit that is 0 but for rounding is so beside the others, and moves as far as they do.
        h = np.maximum(h, self.step * np.minimum(np.abs(Z).max(axis=1, keepdims=True, initial=0.0), 1.0))
        alone = number < len(suffix.layers) - 1 and suffix.is_elementwise(number)
        if alone:

            def move(block: slice, steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
                return suffix.move_units(number, block, steps, side, kinks)
        else:

            def move(block: slice, steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
                return suffix.after_logits(number, one_unit_each(block, steps, Z.shape[1]), side, kinks)

        return self.difference(move, h.T, suffix.widest(number + alone))

    def by_head(self) -> Estimate:
        """∂J/∂A of the last layer."""
        suffix = self.suffix
        h = self.network.rows(steps_for(self.run, self.network.layers[-1].head, self.step))
        if suffix.shortcut:
            return self.by_entries(h)

        def move(block: slice, steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
            return suffix.plain_losses(one_unit_each(block, steps, h.shape[1]), side, kinks)

        return self.difference(move, h.T, h.shape[1])

    def by_entries(self, h: Array) -> Estimate:
        """The same for a fused head, whose loss has one term an entry."""
        evaluations = 0
        parts: list[tuple[Array, Array]] = []
        for examples in self.blocks_of_examples(h):

            def moves(steps: Array, side: Side | None, kinks: Kinks | None, examples: slice = examples) -> Array:
                return self.suffix.after_entries(examples, steps) * self.network.weight

            known = max((largest(numeric) for numeric, _ in parts), default=0.0)
            found = difference(moves, h[examples], adapt=True, scale=known)
            evaluations += found.evaluations
            parts.append((found.columns["numeric"], found.columns["spread"]))
        self.evaluations += evaluations // len(h)
        numeric, spread = joined(parts)
        return Estimate(numeric, spread, NOWHERE, numeric, numeric)

    @staticmethod
    def blocks_of_examples(h: Array) -> Iterator[slice]:
        """Blocks of examples whose every entry moves on its own, in all steps at once."""
        height = max(1, BATCH_ELEMENTS // (len(MULTIPLES) * h.shape[1]))
        return (slice(start, start + height) for start in range(0, len(h), height))

    def difference(self, move: Move, h: Array, widest: int) -> Estimate:
        """Differences with steps h (units, examples), a block of units at a time."""
        units, examples = h.shape
        width = max(1, BATCH_ELEMENTS // (2 * examples * widest))
        parts: list[dict[str, Array]] = []
        kinks: set[Kink] = set()
        spread = self.probe(move, h) if units > width else np.inf  # a single batch is quickly done with all its steps
        for start in range(0, units, width):
            block = slice(start, min(start + width, units))
            known = max((largest(part["numeric"]) for part in parts), default=0.0)
            part = self.at_a_glance(move, block, h, known, spread)
            if part is None:
                found = difference(self.moves_of(move, block), h[block], adapt=True, scale=known)
                self.evaluations += found.evaluations // examples
                kinks |= found.kinks
                part = found.columns
            parts.append(part)
        columns = {column: np.concatenate([part[column] for part in parts]).T for column in COLUMNS}
        return Estimate(**columns, kinks=kinks)

    def probe(self, move: Move, h: Array) -> float:
        """The spread of the first unit's differences, which stands for that of the others: they take the same step."""
        first = slice(0, 1)
        found = difference(self.moves_of(move, first), h[first], adapt=False)
        self.evaluations += 4
        return float(found.columns["spread"].max())

    def at_a_glance(self, move: Move, block: slice, h: Array, known: float, spread: float) -> dict[str, Array] | None:
        """±h alone for the units of a block; None where that is not enough: at a kink, or where steps are too coarse."""
        if not np.isfinite(spread):
            return None
        numeric = glance(self.moves_of(move, block), h[block])
        if numeric is None or not spread <= TIGHT * max(known, largest(numeric)):
            return None
        self.evaluations += 2 * len(numeric)
        nowhere = np.zeros(numeric.shape, dtype=bool)
        spreads = np.full(numeric.shape, spread)
        return {"numeric": numeric, "spread": spreads, "kinked": nowhere, "low": numeric, "high": numeric}

    def moves_of(self, move: Move, block: slice) -> Moves:
        """The cost's moves when the units of a block move."""

        def moves(steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
            return move(block, steps, side, kinks) * self.network.weight

        return moves


def between(smooth: Array, exact: Array, found: Estimate) -> Estimate:
    """Exact numbers of the smooth examples, and an estimate of those between them."""
    columns = {name: np.zeros((len(smooth), exact.shape[1]), dtype=getattr(found, name).dtype) for name in COLUMNS}
    for name, column in columns.items():
        column[~smooth] = getattr(found, name)
        if name in ("numeric", "low", "high"):
            column[smooth] = exact
    return Estimate(**columns, kinks=found.kinks)


def joined(parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Numbers and spreads of all blocks of examples."""
    if len(parts) == 1:
        return parts[0]
    numeric, spread = zip(*parts, strict=True)
    return np.concatenate(numeric), np.concatenate(spread)


def one_unit_each(block: slice, steps: Array, units: int) -> Array:
    """From steps (…, units of the block, examples) to moves (…, units of the block, examples, units)."""
    moves = np.zeros((*steps.shape, units))
    count = np.arange(steps.shape[-2])
    moves[..., count, :, count + block.start] = np.moveaxis(steps, -2, 0)
    return moves


def viewed(estimate: Estimate, view: Callable[[Array], Array]) -> Estimate:
    """An estimate with its arrays seen in another layout."""
    if view(estimate.numeric) is estimate.numeric:
        return estimate
    columns: dict[str, Any] = {name: view(getattr(estimate, name)) for name in COLUMNS}
    return replace(estimate, **columns)


def linear(D: Estimate, product: Callable[[Array, Array], Array], M: Array, size: float, *, axis: int) -> Estimate:
    """An estimate carried through a product with M that sums over `axis` of D; its spread is bounded by the size of M."""
    numeric = product(D.numeric, M)
    spread = size * D.spread.sum(axis=axis, keepdims=numeric.ndim == 2)  # broadcasts against the others
    if not D.kinked.any():
        return Estimate(numeric, spread, np.zeros((1,) * numeric.ndim, dtype=bool), numeric, numeric)
    rising, falling = np.maximum(M, 0.0), np.minimum(M, 0.0)
    low_D, high_D = (np.where(D.kinked, side, D.numeric) for side in (D.low, D.high))
    return Estimate(
        numeric,
        spread,
        product(D.kinked.astype(float), np.abs(M)) > 0.0,
        product(low_D, rising) + product(high_D, falling),
        product(high_D, rising) + product(low_D, falling),
        D.kinks,
    )
