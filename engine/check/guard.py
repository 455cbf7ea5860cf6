"""Guards the products that the factored check shares with the analytic gradient.

A few coordinates and one direction of every tensor are differenced one at a time, through what they move in their layer:
W[i,j] moves Z[:,j] by h·A[:,i], b[j] moves Z[:,j] by h, and A[n,i] moves Z[n,:] by h·W[i,:].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.check.differences import Moves, difference
from engine.check.estimates import EPSILON, Estimate
from engine.check.factored import FactoredCheck
from engine.check.increments import Kinks
from engine.errors import KeyRefuted
from engine.ops.row import Array, Side

SAMPLED = 1
LEEWAY = 1e-8
"""Relative to the sum of magnitudes; a wrong product is wrong by far more."""


class Sample(NamedTuple):
    """A derivative along one direction of a tensor."""

    tensor: str
    move: Array
    """Of Z, (examples, units), for a step of 1 along that direction."""
    factored: float
    size: float
    """The magnitude of what was summed for it."""


def guard(check: FactoredCheck, estimates: dict[str, Estimate], seed: int) -> int:
    """Raise KeyRefuted if a sampled difference and the factored one disagree; returns the number of evaluations."""
    evaluations = 0
    source = "X"
    for number, layer in enumerate(check.network.layers):
        rng = np.random.default_rng([seed, number])
        samples = list(samples_of_layer(check, estimates, source, number, rng))
        found = difference(sample_moves(check, number, samples), np.full(len(samples), check.step), adapt=True)
        columns = found.columns
        for place, sample in enumerate(samples):
            single, spread = columns["numeric"][place], columns["spread"][place]
            blurred = columns["kinked"][place] or estimates[sample.tensor].kinked.any() or not np.isfinite(single + spread)
            off = abs(single - sample.factored)
            if not blurred and off > LEEWAY * sample.size + 10.0 * spread + 1e3 * EPSILON:
                raise KeyRefuted(
                    f"two forms of the numerical check disagree about d{sample.tensor}: {sample.factored} and {single}"
                )
        evaluations += found.evaluations
        source = layer.head
    return evaluations


def sample_moves(check: FactoredCheck, number: int, samples: list[Sample]) -> Moves:
    """The output's moves along the samples of a layer."""
    directions = np.stack([sample.move for sample in samples])

    def moves(steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
        inner = Kinks(np.zeros((*steps.shape, directions.shape[1]), dtype=bool))
        losses = check.suffix.after_logits(number, steps[..., None, None] * directions, side, inner)
        if kinks is not None:
            kinks.rows |= inner.rows.any(axis=-1)
        return losses.sum(axis=-1) * check.weight

    return moves


def samples_of_layer(
    check: FactoredCheck, estimates: dict[str, Estimate], source: str, number: int, rng: np.random.Generator
) -> Iterator[Sample]:
    """Single coordinates and one direction of the layer's weights, bias and input."""
    suffix, layer = check.suffix, check.network.layers[number]
    A, W = suffix.rows(check.run[source]), suffix.W[number]
    D_A = suffix.rows(estimates[source].numeric)
    D_W = suffix.as_in_out(estimates[layer.weights].numeric)
    examples, units = suffix.Z[number].shape
    # What is summed for these gradients, before anything cancels.
    D = np.abs(suffix.rows(estimates[layer.logits].numeric))
    size_W = float(np.abs(A).sum(axis=1) @ D.sum(axis=1))
    size_A = float(D.sum(axis=0) @ np.abs(W).sum(axis=0))
    for _ in range(SAMPLED):
        i, j, n = (int(rng.integers(most)) for most in (len(W), units, examples))
        column, row = np.zeros((examples, units)), np.zeros((examples, units))
        column[:, j], row[n] = A[:, i], W[i]
        yield Sample(layer.weights, column, D_W[i, j], size_W)
        yield Sample(source, row, D_A[n, i], size_A)
    # Directions u·vᵀ of random signs: any wrong entry shows in uᵀ·D·v, and no product of matrices is needed for them.
    u, v = signs(rng, len(W)), signs(rng, units)
    yield Sample(layer.weights, np.outer(A @ u, v), float(u @ D_W @ v), size_W)
    u, v = signs(rng, examples), signs(rng, len(W))
    yield Sample(source, np.outer(u, v @ W), float(u @ D_A @ v), size_A)
    if layer.bias:
        D_b = estimates[layer.bias].numeric
        v = signs(rng, units)
        yield Sample(layer.bias, np.broadcast_to(v, (examples, units)), float(D_b @ v), float(D.sum()))


def signs(rng: np.random.Generator, count: int) -> Array:
    """Random entries of +1 and −1."""
    return rng.integers(0, 2, count) * 2.0 - 1.0
