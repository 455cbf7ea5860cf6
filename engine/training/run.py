"""A long run, step by step: all that changes while it goes on, and how it is written down and taken up again.

Two arrays of parameters take turns: a step reads one and writes the other. So when a cost is no longer finite, the last
parameters that gave a finite one are still there, at no expense. A step whose parameters are not finite is not made at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from math import isfinite, sqrt
from typing import Any

import numpy as np

from engine.errors import NotFinite
from engine.ops.row import Array
from engine.training.advice import COST, GRADIENT, UPDATE, VALIDATION, divergence
from engine.training.batches import Examples
from engine.training.buffers import buffer
from engine.training.checkpoint import read_checkpoint, write_checkpoint
from engine.training.drift import confirm
from engine.training.fingerprint import fingerprint
from engine.training.model import compiled
from engine.training.request import LongTraining
from engine.training.results import EpochRecord, FitResult, GradientCheck
from engine.training.state import Position, read_state

Measured = tuple[float | None, float | None]
"""Cost and accuracy."""


class TrainingRun:
    def __init__(self, request: LongTraining) -> None:
        self.request, self.training = request, request.training
        self.optimizer, self.batches = self.training.optimizer, self.training.batches
        self.model = compiled(request)
        size, dtype = self.model.size, self.model.dtype
        self.flats = (self.model.initial, buffer((size,), dtype))
        self.views = tuple(self.model.view(each) for each in self.flats)
        self.state = {name: buffer((size,), dtype) for name in self.optimizer.row.state}
        self.work = buffer((size,), dtype)
        self.scale = max(1.0, self.model.weight(self.batches.size))
        """By which Σ of the losses may grow on its way to a cost."""

        self.done = 0
        """Steps made. The parameters are in the first of the two arrays when this is even."""
        self.total, self.right = 0.0, 0
        """Of the batches of this epoch: Σ of the losses, and the right answers."""
        self.history: list[EpochRecord] = []
        self.checks: list[GradientCheck] = []
        self.best: EpochRecord | None = None
        self.best_parameters = buffer((size,), dtype) if request.patience else None
        self.stopped = ""
        self.message = ""
        self.refuse_overflow()

    @property
    def parameters(self) -> Array:
        return self.flats[self.done % 2]

    def step(self) -> None:
        """One step, or the reason why there is none to make."""
        now = self.done % 2
        epoch, examples = self.batches.at(self.done)
        total, right = self.model.learn(self.views[now], examples)
        if not isfinite((self.total + total) * self.scale):
            self.find_cause(COST, epoch, examples)
            return
        gradient = self.model.gradient
        if self.training.gradient_norm is not None and length(gradient) <= self.training.gradient_norm:
            self.stopped = "converged"
            self.message = f"before step {self.done + 1} the gradient is no longer than stop_when allows"
            return
        if self.request.check_every and (self.done + 1) % self.request.check_every == 0:
            self.check(epoch, examples)
            if self.stopped:
                return
        self.optimizer.update(
            self.flats[now], gradient, self.flats[1 - now], self.state, self.work, count=self.done + 1, epoch=epoch
        )
        if not all_finite(self.flats[1 - now]):
            self.refuse_update(epoch, examples)
            return
        self.done += 1
        self.total += total
        self.right += right
        if self.done % self.batches.per_epoch == 0:
            self.finish_epoch(epoch)
        if self.done == self.training.steps and not self.stopped:
            self.stopped = "steps"

    def finish_epoch(self, epoch: int) -> None:
        model, examples = self.model, self.batches.examples
        cost, accuracy = self.total * model.weight(examples), model.accuracy(self.right, examples)
        self.total, self.right = 0.0, 0
        validation: Measured = (None, None)
        if model.validation is not None:
            validation = model.measure(self.views[self.done % 2], model.validation)
            if not isfinite(validation[0]):
                self.diverge(VALIDATION, epoch)
                return
        record = EpochRecord(epoch, cost, accuracy, *validation)
        self.history.append(record)
        if self.request.patience is not None:
            self.watch(record)

    def watch(self, record: EpochRecord) -> None:
        """Early stopping: remember the epoch with the lowest cost, of the validation data where there are any."""
        assert self.best_parameters is not None
        assert self.request.patience is not None
        if self.best is None or watched(record) < watched(self.best):
            self.best = record
            np.copyto(self.best_parameters, self.parameters)
        elif record.epoch - self.best.epoch >= self.request.patience:
            self.stopped = "early_stopping"
            self.message = f"no epoch since epoch {self.best.epoch} had a lower cost"

    def check(self, epoch: int, examples: Examples) -> None:
        """The drift alarm: the gradients that are about to be used, against exact increments."""
        if not all_finite(self.model.gradient):
            self.find_cause(GRADIENT, epoch, examples)
            return
        found = confirm(self.training.problem, self.model, self.parameters, examples, self.done + 1, epoch)
        self.checks.append(found)
        if found.status == "disagrees":
            self.stopped, self.message = "gradient_check", f"stopped before step {found.step}: {found.reason}"

    def refuse_update(self, epoch: int, examples: Examples) -> None:
        """A step led to parameters that are not finite: it was not made. Find out what was wrong, and forget them."""
        now = self.done % 2
        self.model.learn(self.views[now], examples)
        if all_finite(self.model.gradient):
            self.diverge(UPDATE, epoch, self.optimizer.rate(epoch))
        else:
            self.find_cause(GRADIENT, epoch, examples)
        np.copyto(self.flats[1 - now], self.flats[now])

    def find_cause(self, what: str, epoch: int, examples: Examples) -> None:
        """Whether these examples have a finite cost and gradient with the first parameters tells what was wrong."""
        total, _ = self.model.learn(self.model.view(self.first()), examples)
        starts_well = isfinite(total * self.scale) and all_finite(self.model.gradient)
        self.diverge(what, epoch, from_the_start=not starts_well)

    def diverge(self, what: str, epoch: int, rate: float | None = None, *, from_the_start: bool = False) -> None:
        self.stopped = "diverged"
        if rate is None:
            rate = self.optimizer.rate(self.batches.epoch_of(self.done))
        step = self.done if what == VALIDATION else self.done + 1
        dtype = self.request.dtype
        self.message = divergence(what, step, epoch, rate, from_the_start=from_the_start, dtype=dtype)

    def first(self) -> Array:
        """The parameters that training began with."""
        return self.model.flat(self.training.problem.leaves)

    def refuse_overflow(self) -> None:
        """Where the run begins, all costs are finite: so there is always something to return."""
        with np.errstate(all="ignore"):
            measured = self.measure(self.parameters)
        for (cost, _), name, path in zip(measured, ("inputs", "validation data"), ("inputs", "validation"), strict=True):
            if cost is not None and not isfinite(cost):
                advice = ": try float64" if self.request.dtype == "float32" else ""
                raise NotFinite(
                    f"before the first step the cost of the {name} is not finite in {self.request.dtype}{advice}", path=path
                )

    def measure(self, parameters: Array) -> tuple[Measured, Measured]:
        """Cost and accuracy of all training examples, and of the validation data."""
        view = self.model.view(parameters)
        if self.model.validation is None:
            return self.model.measure(view, self.model.data), (None, None)
        return self.model.measure(view, self.model.data), self.model.measure(view, self.model.validation)

    def candidates(self, *, interrupted: bool) -> Iterator[tuple[int, Array]]:
        """Parameters to return, by the step that made them: the first that give finite costs are taken."""
        if self.best is not None and not interrupted:
            assert self.best_parameters is not None
            yield self.best.epoch * self.batches.per_epoch, self.best_parameters
        yield self.done, self.parameters
        if self.done:
            yield self.done - 1, self.flats[1 - self.done % 2]
        yield 0, self.first()

    def result(self, *, interrupted: bool = False) -> FitResult:
        """What came of it so far."""
        model, interrupted = self.model, interrupted and not self.stopped
        if self.stopped not in ("", "diverged") and not is_finite(self.measure(self.parameters)):
            self.diverge(COST, self.batches.at(self.done)[0])
        for step, parameters in self.candidates(interrupted=interrupted):
            training, validation = self.measure(parameters)
            if is_finite((training, validation)):
                made = step
                break
        assert training[0] is not None
        return FitResult(
            parameters=model.named(parameters),
            cost=training[0],
            accuracy=training[1],
            validation_cost=validation[0],
            validation_accuracy=validation[1],
            steps=self.done,
            parameters_step=made,
            stopped="interrupted" if interrupted else self.stopped,
            message=self.message,
            history=tuple(self.history),
            checks=tuple(self.checks),
            best_epoch=self.best.epoch if self.best else None,
            iterations_per_epoch=self.batches.per_epoch,
            checkpoint=self.checkpoint() if interrupted else None,
        )

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.request)

    def checkpoint(self) -> bytes:
        """From which an equal run continues at this very point, bit for bit.

        The order of the examples depends on the seed and the epoch alone, so `done` is the random state and the position.
        """
        state: dict[str, Any] = {
            "done": self.done,
            "total": self.total,
            "right": self.right,
            "history": [asdict(each) for each in self.history],
            "checks": [asdict(each) for each in self.checks],
            "stopped": self.stopped,
            "message": self.message,
        }
        return write_checkpoint(self.fingerprint, state, self.arrays())

    def arrays(self) -> dict[str, Array]:
        named = {"even": self.flats[0], "odd": self.flats[1], **{f"state.{name}": each for name, each in self.state.items()}}
        return named if self.best_parameters is None else {**named, "best": self.best_parameters}

    def resume(self, checkpoint: bytes) -> None:
        """Take up a run where its checkpoint was made."""
        mine = self.arrays()
        found, arrays = read_checkpoint(checkpoint, self.fingerprint, mine)
        state = read_state(found, self.position, arrays)
        self.done, self.total, self.right = state.done, state.total, state.right
        self.history, self.checks = list(state.history), list(state.checks)
        self.best = min(self.history, key=watched) if self.history and self.request.patience else None
        self.stopped, self.message = state.stopped, state.message
        for name, array in mine.items():
            np.copyto(array, arrays[name])

    @property
    def position(self) -> Position:
        """What bounds the state of this run."""
        share = self.model.accuracy(1, 1)
        return Position(
            steps=self.training.steps,
            per_epoch=self.batches.per_epoch,
            answers=0 if share is None else round(self.batches.examples / share),
            check_every=self.request.check_every,
            validation=self.model.validation is not None,
        )


def watched(record: EpochRecord) -> float:
    return record.cost if record.validation_cost is None else record.validation_cost


def is_finite(measured: tuple[Measured, Measured]) -> bool:
    return all(cost is None or isfinite(cost) for cost, _ in measured)


def length(gradient: Array) -> float:
    return sqrt(float(gradient.dot(gradient)))


def all_finite(flat: Array) -> bool:
    """Σ x² is not finite if an x is not; it may overflow without, and only then is it worth a closer look."""
    return isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())
