"""A row of the table with its settings and its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any

import numpy as np

from engine.errors import BadNumbers
from engine.ops.row import Array
from engine.optimizers.schedules import CONSTANT, Schedule, read_schedule
from engine.optimizers.table import OPTIMIZERS, OptimizerRow
from engine.optimizers.updates import State
from engine.reading.arrays import read_number
from engine.reading.fields import join, read_choice, read_object

BELOW_ONE = ("momentum", "decay", "beta1", "beta2")
"""What these forget at every step, 1 − β, must not be nothing."""
ABOVE_ZERO = ("epsilon",)
"""Where a gradient is 0, this alone stands between the step and 0/0."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    row: OptimizerRow
    settings: Mapping[str, float]
    schedule: Schedule = CONSTANT

    def start(self, parameter: Array) -> dict[str, Array]:
        """The state before the first step."""
        return {name: np.zeros_like(parameter) for name in self.row.state}

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return min(self.settings["learning_rate"] * self.schedule.at(epoch), float_info.max)

    def refuse_overflow(self, epochs: int) -> None:
        """A schedule that grows beyond all numbers within so many epochs."""
        if max(self.schedule.at(epochs), self.rate(epochs)) == float_info.max:
            raise BadNumbers(
                f"by epoch {epochs:,} the learning rate would be larger than any number: take a factor near 1, or fewer"
                " epochs",
                path="optimizer.schedule.factor",
            )

    def update(
        self, parameter: Array, gradient: Array, new: Array, state: State, work: Array, *, count: int, epoch: int
    ) -> None:
        """One step in place: writes `new`, advances `state`, uses up `gradient` and `work`."""
        rates = {**self.settings, "learning_rate": self.rate(epoch)}
        self.row.update(parameter, gradient, new, state, work, count, **rates)

    def step(self, parameter: Array, gradient: Array) -> Array:
        """The parameter after the first step."""
        new, work = np.empty_like(parameter), np.empty_like(parameter)
        with np.errstate(all="ignore"):  # what overflows is infinite, and reported as such
            self.update(parameter, np.array(gradient, parameter.dtype), new, self.start(parameter), work, count=1, epoch=1)
        return new

    @property
    def formula(self) -> str:
        """The first step, to be filled in with p, d and the settings."""
        return self.row.formula_for(self.settings["weight_decay"])


def room(setting: str) -> dict[str, float]:
    """The range that a setting may have."""
    if setting in ABOVE_ZERO:
        return {"above": 0.0}
    return {"least": 0.0, "below": 1.0} if setting in BELOW_ONE else {"least": 0.0}


def read_optimizer(value: Any, path: str) -> Optimizer:
    """{"kind": "sgd", "learning_rate": 0.1, …}."""
    kind = read_object(value, path, required=["kind"], optional=value if isinstance(value, Mapping) else ())["kind"]
    row = OPTIMIZERS[read_choice(kind, join(path, "kind"), "optimizer", OPTIMIZERS)]
    given = read_object(value, path, required=["kind", "learning_rate"], optional=[*row.settings, "schedule"])
    settings = {
        "learning_rate": read_number(given["learning_rate"], join(path, "learning_rate"), above=0.0),
        **{name: read_number(given.get(name, each), join(path, name), **room(name)) for name, each in row.settings.items()},
    }
    schedule = read_schedule(given["schedule"], join(path, "schedule")) if "schedule" in given else CONSTANT
    return Optimizer(row, settings, schedule)
