"""Jobs of kind `train`: a long run of the engine, watched, and written down so that it can be taken up again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine import fit, read_fit
from engine.errors import BadCheckpoint
from engine.training import FitResult, LongTraining, Progress
from service.jobs.failures import diverged, refuted
from service.jobs.work import Outcome, Work, failed, succeeded
from service.operations.allowance import Allowance
from service.replies.numbers import Numbers
from service.replies.render import present
from service.schemas.statuses import INTERRUPTED

INTERVAL = 0.5
"""Seconds between two reports of progress."""


def read_train(wire: Any, allowance: Allowance) -> LongTraining:
    return read_fit(wire, allowance.limits)


def train(work: Work) -> Outcome:
    request = read_train(work.wire, work.allowance)
    try:
        result = follow(request, work, work.checkpoint)
    except BadCheckpoint:  # of another version of the engine: from the beginning, then
        result = follow(request, work, None)
    rendered = render_fit(result)
    if result.stopped == "interrupted":
        return Outcome(INTERRUPTED, rendered, checkpoint=result.checkpoint)
    if result.stopped == "diverged":
        return failed(diverged(result.message), rendered)
    if result.stopped == "gradient_check":
        return failed(refuted(result.message), rendered)
    return succeeded(rendered)


def follow(request: LongTraining, work: Work, checkpoint: bytes | None) -> FitResult:
    def tell(progress: Progress) -> None:
        work.report(render_progress(progress), progress.checkpoint)

    return fit(request, checkpoint=checkpoint, progress=tell, stop=work.stop, interval=INTERVAL)


def render_progress(progress: Progress) -> dict[str, Any]:
    numbers = Numbers()
    cost = {} if progress.cost is None else {"cost": numbers("cost", progress.cost)}
    return {
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "step": progress.step,
        "steps": progress.steps,
        "fraction": progress.fraction,
        **cost,
        **numbers.reason(),
    }


def render_fit(result: FitResult) -> dict[str, Any]:
    """Parameters and costs are finite, whatever happened; an error of a check on the way may be infinite."""
    numbers = Numbers()
    measured = ("accuracy", "validation_cost", "validation_accuracy", "best_epoch")
    return {
        "parameters": {name: numbers(name, value) for name, value in result.parameters.items()},
        "cost": result.cost,
        **given({name: getattr(result, name) for name in measured}),
        "steps": result.steps,
        "parameters_step": result.parameters_step,
        "iterations_per_epoch": result.iterations_per_epoch,
        "stopped": result.stopped,
        **present("message", result.message),
        "history": [given(asdict(each)) for each in result.history],
        "checks": [
            {**given(asdict(each)), "max_error": numbers(f"max_error at step {each.step}", each.max_error)}
            for each in result.checks
        ],
        **numbers.reason(),
    }


def given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}
