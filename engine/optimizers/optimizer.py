"""A row of the table with its settings and its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Optimizer:
    row: OptimizerRow
    settings: Mapping[str, float]
    schedule: Schedule = CONSTANT

    def start(self, parameter: Array) -> dict[str, Array]:
        """The state before the first step."""
        return {name: np.zeros_like(parameter) for name in self.row.state}

    def update(
        self, parameter: Array, gradient: Array, new: Array, state: State, work: Array, *, count: int, epoch: int
    ) -> None:
        """One step in place: writes `new`, advances `state`, uses up `gradient` and `work`."""
        rate = self.settings["learning_rate"] * self.schedule.at(epoch)
        self.row.update(parameter, gradient, new, state, work, count, **{**self.settings, "learning_rate": rate})

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


def read_optimizer(value: Any, path: str) -> Optimizer:
    """{"kind": "sgd", "learning_rate": 0.1, …}."""
    kind = read_object(value, path, required=["kind"], optional=list(value) if isinstance(value, Mapping) else [])["kind"]
    row = OPTIMIZERS[read_choice(kind, join(path, "kind"), "optimizer", OPTIMIZERS)]
    given = read_object(value, path, required=["kind", "learning_rate"], optional=[*row.settings, "schedule"])
    settings = {
        "learning_rate": read_number(given["learning_rate"], join(path, "learning_rate"), above=0.0),
        **{
            name: read_number(given.get(name, default), join(path, name), least=0.0)
            for name, default in row.settings.items()
        },
    }
    for name in BELOW_ONE:
        if settings.get(name, 0.0) >= 1.0:
            raise BadNumbers(f"expected a number less than 1, not {settings[name]:g}", path=join(path, name))
    schedule = read_schedule(given["schedule"], join(path, "schedule")) if "schedule" in given else CONSTANT
    return Optimizer(row, settings, schedule)
