"""The recurrences of the optimizers, as PyTorch has them, in place: nothing is allocated.

All share one form: update(p, g, new, state, work, count, learning_rate, …). From the parameter p and its gradient g they
write the next parameter into `new` and advance the `state`, arrays that begin as zeros; `count` is 1 at the first step. g
is used up; `work` is for intermediate results. Every line is elementwise, so p may be one tensor or all of them in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np

from engine.ops.row import Array

State = Mapping[str, Array]
Update = Callable[..., None]


def descend(p: Array, direction: Array, new: Array, learning_rate: float) -> None:
    """p ← p − α·direction, which is used up."""
    np.multiply(direction, learning_rate, out=direction)
    np.subtract(p, direction, out=new)


def remember(mean: Array, x: Array, decay: float, work: Array) -> None:
    """mean ← β·mean + (1−β)·x."""
    np.multiply(mean, decay, out=mean)
    np.multiply(x, 1.0 - decay, out=work)
    np.add(mean, work, out=mean)


def decayed(update: Update) -> Update:
    """Weight decay as L2: the gradient of J + ½λ‖p‖² is g + λ·p."""

    def with_decay(
        p: Array,
        g: Array,
        new: Array,
        state: State,
        work: Array,
        count: int,
        *,
        weight_decay: float,
        **settings: float,
    ) -> None:
        if weight_decay:
            np.multiply(p, weight_decay, out=work)
            np.add(g, work, out=g)
        update(p, g, new, state, work, count, **settings)

    return with_decay


def sgd(p: Array, g: Array, new: Array, state: State, work: Array, count: int, *, learning_rate: float) -> None:
    """p ← p − α·g."""
    descend(p, g, new, learning_rate)


def momentum(
    p: Array, g: Array, new: Array, state: State, work: Array, count: int, *, learning_rate: float, momentum: float
) -> None:
    """v ← μ·v + g, p ← p − α·v."""
    velocity = state["velocity"]
    np.multiply(velocity, momentum, out=velocity)
    np.add(velocity, g, out=velocity)
    np.copyto(g, velocity)
    descend(p, g, new, learning_rate)


def nesterov(
    p: Array, g: Array, new: Array, state: State, work: Array, count: int, *, learning_rate: float, momentum: float
) -> None:
    """v ← μ·v + g, p ← p − α·(g + μ·v)."""
    velocity = state["velocity"]
    np.multiply(velocity, momentum, out=velocity)
    np.add(velocity, g, out=velocity)
    np.multiply(velocity, momentum, out=work)
    np.add(g, work, out=g)
    descend(p, g, new, learning_rate)


def adagrad(
    p: Array, g: Array, new: Array, state: State, work: Array, count: int, *, learning_rate: float, epsilon: float
) -> None:
    """s ← s + g², p ← p − α·g/(√s + ε)."""
    square_sum = state["square_sum"]
    np.multiply(g, g, out=work)
    np.add(square_sum, work, out=square_sum)
    np.sqrt(square_sum, out=work)
    np.add(work, epsilon, out=work)
    np.divide(g, work, out=g)
    descend(p, g, new, learning_rate)


def rmsprop(
    p: Array,
    g: Array,
    new: Array,
    state: State,
    work: Array,
    count: int,
    *,
    learning_rate: float,
    decay: float,
    epsilon: float,
) -> None:
    """v ← ρ·v + (1−ρ)·g², p ← p − α·g/(√v + ε)."""
    square_mean = state["square_mean"]
    np.multiply(g, g, out=work)
    remember(square_mean, work, decay, work)
    np.sqrt(square_mean, out=work)
    np.add(work, epsilon, out=work)
    np.divide(g, work, out=g)
    descend(p, g, new, learning_rate)


def adam(
    p: Array,
    g: Array,
    new: Array,
    state: State,
    work: Array,
    count: int,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², p ← p − α·m̂/(√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)."""
    mean, square_mean = state["mean"], state["square_mean"]
    remember(mean, g, beta1, work)
    np.multiply(g, g, out=g)
    remember(square_mean, g, beta2, work)
    np.sqrt(square_mean, out=work)
    np.divide(work, sqrt(1.0 - beta2**count), out=work)
    np.add(work, epsilon, out=work)
    np.divide(mean, work, out=g)
    descend(p, g, new, learning_rate / (1.0 - beta1**count))


def adamw(
    p: Array,
    g: Array,
    new: Array,
    state: State,
    work: Array,
    count: int,
    *,
    learning_rate: float,
    weight_decay: float,
    **settings: float,
) -> None:
    """p ← p·(1 − α·λ), and then a step of adam: the decay does not pass through the means."""
    np.multiply(p, 1.0 - learning_rate * weight_decay, out=new)
    adam(new, g, new, state, work, count, learning_rate=learning_rate, **settings)
