"""Long training: a run with someone who watches it, may stop it, and may want it to be taken up again later."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Protocol

import numpy as np

from engine.reading.arrays import kind_of
from engine.training.request import LongTraining
from engine.training.results import FitResult, Progress
from engine.training.run import TrainingRun

INTERVAL = 0.5
"""Seconds between two reports of progress."""


class Event(Protocol):
    """As `threading.Event` and its relatives are."""

    def is_set(self) -> bool: ...


Stop = Callable[[], bool] | Event


def fit(
    request: LongTraining,
    *,
    checkpoint: bytes | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Stop | None = None,
    interval: float = INTERVAL,
) -> FitResult:
    """Train until all steps are done, or there is a reason to stop.

    `progress` is called between steps, every `interval` seconds and at the end; a checkpoint can be had from it. `stop`
    is asked before every step; a run that it interrupts leaves a checkpoint with its result. From a checkpoint of an equal
    request the run continues as if it had never stopped.

    Whatever happens, the parameters that are returned are finite, and so are their costs: a run whose first costs are not
    is refused as NotFinite.
    """
    run = TrainingRun(request)
    if checkpoint is not None:
        run.resume(checkpoint)
    asked = never if stop is None else stop if callable(stop) else getattr(stop, "is_set", None)
    if asked is None:
        raise TypeError(f"stop is a function that answers whether to stop, or an event, not {kind_of(stop)}")
    interrupted = False
    told = perf_counter()
    while not run.stopped:
        interrupted = bool(asked())
        if interrupted:
            break
        with np.errstate(all="ignore"):  # what is not finite is found, and stops the run
            run.step()
        if progress is not None and (run.stopped or perf_counter() - told >= interval):
            progress(report(run))
            told = perf_counter()
    with np.errstate(all="ignore"):
        return run.result(interrupted=interrupted)


def never() -> bool:
    return False


def report(run: TrainingRun) -> Progress:
    position = run.done % run.batches.per_epoch
    cost = run.history[-1].cost if run.history else None
    if cost is None and position:
        cost = run.total * run.model.weight(min(position * run.batches.size, run.batches.examples))
    return Progress(
        epoch=run.done // run.batches.per_epoch,
        epochs=run.training.epochs,
        step=run.done,
        steps=run.training.steps,
        cost=cost,
        checkpoint=run.checkpoint,
    )
