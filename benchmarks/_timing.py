"""Timing on a noisy machine: contestants take turns, and what counts is the ratio of their best times.

Importing this first pins BLAS to one thread, which must happen before NumPy is imported.
"""

from __future__ import annotations

import os

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
os.environ |= ONE_THREAD

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter, process_time


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


def median_times(
    contestants: Mapping[str, Callable[[], object]], *, seconds: float = 3.0, least: int = 5
) -> dict[str, float]:
    """The median of each, in seconds of the processor: what counts where a run takes so long that others come between.

    They alternate until the time is used up, and each runs a few times at least.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        run()
    deadline = perf_counter() + seconds
    while perf_counter() < deadline or min(map(len, times.values())) < least:
        for name, run in contestants.items():
            started = process_time()
            run()
            times[name].append(process_time() - started)
    return {name: median(each) for name, each in times.items()}


def row(title: str, times: Mapping[str, float], gate: str = "") -> None:
    """One line: every time in milliseconds, and what the gate says of them."""
    listed = "   ".join(f"{name} {seconds * 1e3:9.4f} ms" for name, seconds in times.items())
    print(f"{title:32s} {listed}   {gate}")
