"""Timing on a noisy machine: contestants take turns, and what counts is the ratio of their medians.

Importing this first pins everybody to one thread, which must happen before NumPy is imported.
"""

from __future__ import annotations

import os

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
ONE_THREAD["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # of jax
os.environ |= ONE_THREAD

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple


TURN = 2e-3
"""Seconds. What is shorter is done several times in a turn, as `timeit` does it: else a turn would measure most of all how
long it takes to get back from memory what the one before drove out of the caches. A contestant that loops has it there."""


class Time(NamedTuple):
    """Of one run, in milliseconds."""

    median: float
    best: float


def timed(
    contestants: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 2.0,
    least: int = 5,
    share: float = 1.0,
    clock: Callable[[], float] = process_time,
) -> dict[str, Time]:
    """The time of each. They alternate until the seconds are used up, and each runs a few times at least.

    The processor's time is what counts where others come between; where another process does the work, give a clock of the
    wall. `share` is the part of the usual seconds and times that there is patience for.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    repeats = {name: repeats_in_a_turn(run, clock) for name, run in contestants.items()}
    least = max(1, round(least * share))
    deadline = perf_counter() + seconds * share
    while times and (perf_counter() < deadline or min(map(len, times.values())) < least):
        for name, run in contestants.items():
            count = repeats[name]
            started = clock()
            for _ in range(count):
                run()
            times[name].append((clock() - started) * 1e3 / count)
    return {name: Time(median(each), min(each)) for name, each in times.items()}


def repeats_in_a_turn(run: Callable[[], object], clock: Callable[[], float]) -> int:
    run()
    started = clock()
    run()
    return max(1, round(TURN / max(clock() - started, 1e-6)))
