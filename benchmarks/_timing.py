"""Timing on a noisy machine: contestants take turns, and what counts is the ratio of their best times.

Importing this first pins BLAS to one thread, which must happen before NumPy is imported.
"""

from __future__ import annotations

import os

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
os.environ |= ONE_THREAD

from collections.abc import Callable, Mapping
from time import perf_counter


def best_times(contestants: Mapping[str, Callable[[], object]], *, seconds: float = 2.0) -> dict[str, float]:
    """The best time of each, in seconds; they alternate until the time is used up."""
    best = dict.fromkeys(contestants, float("inf"))
    for run in contestants.values():
        run()
    deadline = perf_counter() + seconds
    while perf_counter() < deadline:
        for name, run in contestants.items():
            started = perf_counter()
            run()
            best[name] = min(best[name], perf_counter() - started)
    return best


def row(title: str, times: Mapping[str, float], gate: str = "") -> None:
    """One line: every time in milliseconds, and what the gate says of them."""
    listed = "   ".join(f"{name} {seconds * 1e3:9.4f} ms" for name, seconds in times.items())
    print(f"{title:32s} {listed}   {gate}")
