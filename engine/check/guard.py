"""Guards the products that the factored check shares with the analytic gradient.

A coordinate of the weights and a direction of every tensor are differenced one at a time, through what they move in their
layer: W[i,j] moves Z[:,j] by h·A[:,i], b[j] moves Z[:,j] by h, and A[n,i] moves Z[n,:] by h·W[i,:]. A direction of random
signs finds any wrong product with near certainty, as in Freivalds' algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from engine.check.differences import Moves, difference, glance
from engine.check.estimates import BELOW_SENSE, BEYOND_SENSE, GUARD_LEEWAY, ROUNDING, UNDERFLOW, Estimate, largest
from engine.check.factored import FactoredCheck
from engine.check.increments import Kinks
from engine.check.noise import EVERYWHERE, Rounding
from engine.check.verdicts import NOISY
from engine.errors import KeyRefuted
from engine.ops.row import Array, Side


class Sample(NamedTuple):
    """A derivative along one direction of a tensor."""

    tensor: str
    move: Array
    """Of Z, (examples, units) or alike in all examples, for a step of 1 along that direction."""
    factored: float
    entries: int
    """Of the tensor, as many as are summed."""
    size: Callable[[], float]
    """The magnitude of what was summed for it, before anything cancelled. It takes long, and what is left is no larger."""


def guard(check: FactoredCheck, estimates: dict[str, Estimate], seed: int, rounding: Rounding) -> int:
    """Raise KeyRefuted if a sampled difference and the factored one disagree; returns the number of evaluations.

    `rounding` tells what it does to the entries of a gradient: where everything before it cancels, that is all there is.
    """
    evaluations = 0
    head = check.network.layers[-1].head
    # What an output's units take from each other may all cancel, and leave what rounding made of it.
    floor = 0.0 if check.suffix.shortcut else ROUNDING * largest(check.run.gradients[head])
    source = "X"
    for number, layer in enumerate(check.network.layers):
        rng = np.random.default_rng([seed, number])
        samples = list(samples_of_layer(check, estimates, source, number, rng)) if number in check.D else []
        source = layer.head
        if not samples:
            continue
        moves, h = sample_moves(check, number, samples), np.full(len(samples), check.step)
        singles = glance(moves, h)
        evaluations += 2 * len(samples)
        if singles is None or any(is_off(sample, singles[place], 0.0) for place, sample in enumerate(samples)):
            found = difference(moves, h, adapt=True)
            evaluations += found.evaluations
            for place, sample in enumerate(samples):
                single, spread = found.columns["numeric"][place], found.columns["spread"][place]
                blurred = found.columns["kinked"][place] or estimates[sample.tensor].kinked.any()
                size = max(abs(single), abs(sample.factored))
                if blurred or not is_off(sample, single, spread) or not BELOW_SENSE < size < BEYOND_SENSE:
                    continue
                if abs(single - sample.factored) > sample.entries * (NOISY * rounding.of(sample.tensor)(EVERYWHERE) + floor):
                    raise KeyRefuted(f"two forms of the numerical check disagree about d{sample.tensor}")
    return evaluations


def is_off(sample: Sample, single: float, spread: float) -> bool:
    """An entry or a direction of signs is no larger than the sum of magnitudes, so that being near it is near enough."""
    apart, excused = abs(single - sample.factored), 10.0 * spread + UNDERFLOW
    if apart <= GUARD_LEEWAY * abs(sample.factored) + excused:
        return False
    return bool(apart > GUARD_LEEWAY * sample.size() + excused)


def sample_moves(check: FactoredCheck, number: int, samples: list[Sample]) -> Moves:
    """The output's moves along the samples of a layer."""
    directions = np.empty((len(samples), *check.D[number].numeric.shape))
    for place, sample in enumerate(samples):
        directions[place] = sample.move

    def moves(steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
        inner = Kinks(np.zeros((*steps.shape, directions.shape[1]), dtype=bool))
        losses = check.suffix.after_logits(number, steps[..., None, None] * directions, side, inner)
        if kinks is not None:
            kinks.rows |= inner.rows.any(axis=-1)
        return losses.sum(axis=-1) * check.network.weight

    return moves


def samples_of_layer(
    check: FactoredCheck, estimates: dict[str, Estimate], source: str, number: int, rng: np.random.Generator
) -> Iterator[Sample]:
    """Single coordinates and one direction of the layer's weights, bias and input."""
    suffix, layer = check.suffix, check.network.layers[number]
    A, W = check.network.rows(check.run[source]), suffix.W[number]
    D = check.D[number].numeric
    examples, units = D.shape

    def size_W() -> float:
        return float(np.abs(A).sum(axis=1) @ np.abs(D).sum(axis=1))

    def size_A() -> float:
        return float(np.abs(D).sum(axis=0) @ np.abs(W).sum(axis=0))

    # Directions u·vᵀ of random signs: any wrong entry shows in uᵀ·D·v, and no product of matrices is needed for them.
    if layer.weights in estimates:
        D_W = check.network.as_in_out(estimates[layer.weights].numeric)
        i, j = int(rng.integers(len(W))), int(rng.integers(units))
        column = np.zeros((examples, units))
        column[:, j] = A[:, i]
        yield Sample(layer.weights, column, D_W[i, j], 1, size_W)
        u, v = signs(rng, len(W)), signs(rng, units)
        yield Sample(layer.weights, (A @ u)[:, None] * v, float(u @ D_W @ v), D_W.size, size_W)
    if source in estimates:
        D_A = check.network.rows(estimates[source].numeric)
        u, v = signs(rng, examples), signs(rng, len(W))
        yield Sample(source, u[:, None] * (v @ W), float(u @ D_A @ v), D_A.size, size_A)
    if layer.bias in estimates:
        D_b = estimates[layer.bias].numeric
        v = signs(rng, units)
        yield Sample(layer.bias, v, float(D_b @ v), D_b.size, lambda: float(np.abs(D).sum()))


def signs(rng: np.random.Generator, count: int) -> Array:
    """Random entries of +1 and −1."""
    return rng.integers(0, 2, count) * 2.0 - 1.0
