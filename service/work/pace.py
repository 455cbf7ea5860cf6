"""How fast this machine is, against the one where the coefficients of `service.work.cost` were measured."""

from __future__ import annotations

from time import perf_counter

import numpy as np

REFERENCE = 0.000_06
"""Seconds that `exercise` took there."""
TIMES = 12
SLOWEST = 10.0


def pace() -> float:
    """How many times as long the same work takes here. Measured in a millisecond or two; the best of some tries, because
    whatever disturbs a measurement makes it longer."""
    return min(max(min(timed() for _ in range(TIMES)) / REFERENCE, 1 / SLOWEST), SLOWEST)


def timed() -> float:
    started = perf_counter()
    exercise()
    return perf_counter() - started


def exercise() -> None:
    """What the engine does most of the time: small arrays, from Python."""
    a, W = np.ones((4, 8)), np.ones((8, 8))
    kept = {}
    for number in range(20):
        a = np.tanh(a @ W + 0.5)
        kept[f"A{number}"] = float(a.sum())
