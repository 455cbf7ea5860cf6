"""The small state of a run as a checkpoint holds it: every number within what such a run can have come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isnan
from typing import Any, get_args

import numpy as np

from engine.check.verdicts import Status
from engine.errors import BadCheckpoint, EngineError
from engine.ops.row import Array
from engine.reading.arrays import read_number, read_whole
from engine.reading.fields import read_choice, read_list, read_object
from engine.training.checkpoint import INCONSISTENT
from engine.training.results import EpochRecord, GradientCheck

STOPPED = ("", "steps", "converged", "diverged", "early_stopping", "gradient_check")
LONGEST = 10_000
"""Characters of a sentence."""


@dataclass(frozen=True, slots=True)
class Position:
    """What bounds the state of a run."""

    steps: int
    per_epoch: int
    answers: int
    """To all examples; 0 for a loss without any."""
    check_every: int | None
    validation: bool


@dataclass(frozen=True, slots=True)
class State:
    done: int
    total: float
    right: int
    history: tuple[EpochRecord, ...]
    checks: tuple[GradientCheck, ...]
    stopped: str
    message: str


def read_state(value: Any, run: Position, arrays: Mapping[str, Array]) -> State:
    try:
        state = read_fields(value, run)
    except EngineError:
        raise BadCheckpoint(INCONSISTENT) from None
    if not is_possible(state, run) or not are_possible(arrays, state.stopped):
        raise BadCheckpoint(INCONSISTENT)
    return state


def read_fields(value: Any, run: Position) -> State:
    given = read_object(value, "", required=names_of(State))
    done = read_whole(given["done"], "done", least=0, most=run.steps)
    return State(
        done=done,
        total=read_number(given["total"], "total"),
        right=read_whole(given["right"], "right", least=0, most=run.answers),
        history=tuple(
            read_record(each, epoch, run)
            for epoch, each in enumerate(read_list(given["history"], "history", "epochs", empty=True), start=1)
        ),
        checks=tuple(
            read_check(each, number, run)
            for number, each in enumerate(read_list(given["checks"], "checks", "checks", empty=True), start=1)
        ),
        stopped=read_choice(given["stopped"], "stopped", "reason", STOPPED),
        message=read_sentence(given["message"]),
    )


def is_possible(state: State, run: Position) -> bool:
    """Whether the parts fit together."""
    epochs, checks = state.done // run.per_epoch, 0
    ends_epoch = state.done % run.per_epoch == 0
    # The epoch after which a run was found to have diverged has no line.
    missing = 1 if state.stopped == "diverged" and ends_epoch else 0
    if run.check_every:
        checks = state.done // run.check_every
        due = (state.done + 1) % run.check_every == 0  # a run may stop between a check and its step
        checks += 1 if due and state.stopped and len(state.checks) > checks else 0
    return (
        epochs - missing <= len(state.history) <= epochs
        and len(state.checks) == checks
        and not (ends_epoch and (state.total or state.right))
        and not (state.done == run.steps and not state.stopped)
        and not (state.stopped == "steps" and state.done < run.steps)
    )


def are_possible(arrays: Mapping[str, Array], stopped: str) -> bool:
    """Parameters are finite; what an optimizer remembers may overflow, but while it runs it is a number."""
    for name, array in arrays.items():
        if not name.startswith("state."):
            if not np.isfinite(array).all():
                return False
        elif not stopped and np.isnan(array).any():
            return False
    return True


def read_record(value: Any, epoch: int, run: Position) -> EpochRecord:
    optional = names_of(EpochRecord)[2:]
    given = read_object(value, "", required=["epoch", "cost"], optional=optional)
    shares = ["accuracy", "validation_accuracy"] if run.validation else ["accuracy"]
    numbers = {name: read_number(given[name], name) for name in ("cost", *optional) if name in given}
    for name in shares:
        if (name in numbers) != (run.answers > 0) or not 0.0 <= numbers.get(name, 0.0) <= 1.0:
            raise BadCheckpoint(INCONSISTENT)
    if ("validation_cost" in numbers) != run.validation or ("validation_accuracy" in numbers and not run.validation):
        raise BadCheckpoint(INCONSISTENT)
    return EpochRecord(read_whole(given["epoch"], "epoch", least=epoch, most=epoch), **numbers)


def read_check(value: Any, number: int, run: Position) -> GradientCheck:
    given = read_object(value, "", required=names_of(GradientCheck))
    step = number * (run.check_every or 0)
    epoch = (step - 1) // run.per_epoch + 1
    error = given["max_error"]
    if not isinstance(error, float) or isnan(error) or error < 0.0:  # it may be infinite
        raise BadCheckpoint(INCONSISTENT)
    return GradientCheck(
        step=read_whole(given["step"], "step", least=step, most=step),
        epoch=read_whole(given["epoch"], "epoch", least=epoch, most=epoch),
        status=read_choice(given["status"], "status", "status", get_args(Status)),
        max_error=error,
        reason=read_sentence(given["reason"]),
    )


def read_sentence(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise BadCheckpoint(INCONSISTENT)
    return value


def names_of(kind: Any) -> list[str]:
    return [each.name for each in fields(kind)]
