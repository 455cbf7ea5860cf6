"""A long run, step by step: all that changes while it goes on, and how it is written down and taken up again.

Two arrays of parameters take turns: a step reads one and writes the other. So when a cost is no longer finite, the last
parameters that gave a finite one are still there, at no expense.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from math import isfinite, sqrt
from typing import Any

import numpy as np

from engine.errors import BadCheckpoint
from engine.ops.row import Array
from engine.reading.arrays import read_whole
from engine.training.advice import divergence
from engine.training.batches import Examples
from engine.training.buffers import buffer
from engine.training.checkpoint import INCONSISTENT, read_checkpoint, write_checkpoint
from engine.training.drift import confirm
from engine.training.fingerprint import fingerprint
from engine.training.model import compiled
from engine.training.request import LongTraining
from engine.training.results import EpochRecord, FitResult, GradientCheck


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

    @property
    def parameters(self) -> Array:
        return self.flats[self.done % 2]

    @property
    def previous(self) -> Array:
        return self.flats[1 - self.done % 2]

    def step(self) -> None:
        """One step, or the reason why there is none to make."""
        now = self.done % 2
        epoch, examples = self.batches.at(self.done)
        total, right = self.model.learn(self.views[now], examples)
        if not isfinite(total):
            self.diverge(epoch)
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
        validation: tuple[float | None, float | None] = (None, None)
        if model.validation is not None:
            validation = model.measure(self.views[self.done % 2], model.validation)
        if not np.isfinite(self.parameters).all() or not isfinite(validation[0] or 0.0):
            self.diverge(epoch)
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
        found = confirm(self.training.problem, self.model, self.parameters, examples, self.done + 1, epoch)
        self.checks.append(found)
        if found.status == "disagrees":
            self.stopped, self.message = "gradient_check", f"stopped before step {found.step}: {found.reason}"

    def diverge(self, epoch: int) -> None:
        """Back to the last parameters that gave a finite cost."""
        self.stopped, self.message = "diverged", divergence(self.optimizer, self.done + 1, epoch)
        if self.done:
            np.copyto(self.parameters, self.previous)

    def result(self, *, interrupted: bool = False) -> FitResult:
        """What came of it so far."""
        model, checkpoint = self.model, None
        if interrupted and not self.stopped:
            checkpoint = self.checkpoint()
            stopped = "interrupted"
        else:
            stopped = self.stopped
        view = self.views[self.done % 2]
        cost, accuracy = model.measure(view, model.data)
        if not isfinite(cost) and stopped not in ("diverged", "interrupted"):
            self.diverge(self.training.epochs)
            stopped = self.stopped
            cost, accuracy = model.measure(view, model.data)
        parameters = self.parameters
        if self.best is not None and stopped not in ("diverged", "interrupted"):
            assert self.best_parameters is not None
            parameters = self.best_parameters
            cost, accuracy = model.measure(model.view(parameters), model.data)
        validation: tuple[float | None, float | None] = (None, None)
        if model.validation is not None:
            validation = model.measure(model.view(parameters), model.validation)
        return FitResult(
            parameters=model.named(parameters),
            cost=cost,
            accuracy=accuracy,
            validation_cost=validation[0],
            validation_accuracy=validation[1],
            steps=self.done,
            stopped=stopped,
            message=self.message,
            history=tuple(self.history),
            checks=tuple(self.checks),
            best_epoch=self.best.epoch if self.best else None,
            iterations_per_epoch=self.batches.per_epoch,
            checkpoint=checkpoint,
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
            "best": asdict(self.best) if self.best else None,
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
        state, arrays = read_checkpoint(checkpoint, self.fingerprint, mine)
        try:
            self.done = read_whole(state["done"], "done", least=0, most=self.training.steps)
            self.total, self.right = float(state["total"]), int(state["right"])
            self.history = [EpochRecord(**each) for each in state["history"]]
            self.checks = [GradientCheck(**each) for each in state["checks"]]
            self.best = EpochRecord(**state["best"]) if state["best"] else None
            self.stopped, self.message = str(state["stopped"]), str(state["message"])
        except (KeyError, TypeError, ValueError):
            raise BadCheckpoint(INCONSISTENT) from None
        for name, array in mine.items():
            np.copyto(array, arrays[name])


def watched(record: EpochRecord) -> float:
    return record.cost if record.validation_cost is None else record.validation_cost


def length(gradient: Array) -> float:
    return sqrt(float(np.dot(gradient, gradient)))
