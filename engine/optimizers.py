"""Optimizers: one row each. A step takes a parameter, its gradient and the settings, and gives the new parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.reading.arrays import read_number
from engine.reading.fields import join, read_choice, read_object


@dataclass(frozen=True, slots=True)
class OptimizerRow:
    name: str
    settings: Mapping[str, float]
    """Optional settings beside learning_rate, with their defaults."""
    step: Callable[..., Array]
    formula: str
    """{p} the parameter, {d} its gradient; settings by name."""


OPTIMIZERS: dict[str, OptimizerRow] = {
    row.name: row
    for row in (
        OptimizerRow(
            "sgd",
            {"weight_decay": 0.0},
            lambda p, d, learning_rate, weight_decay: p - learning_rate * (d + weight_decay * p),
            "{p} - {learning_rate} * ({d} + {weight_decay} * {p})",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A row of the table with its settings."""

    row: OptimizerRow
    settings: Mapping[str, float]

    def step(self, parameter: Array, gradient: Array) -> Array:
        with np.errstate(all="ignore"):  # what overflows is infinite, and reported as such
            return self.row.step(parameter, gradient, **self.settings)


def read_optimizer(value: Any, path: str) -> Optimizer:
    """{"kind": "sgd", "learning_rate": 0.1, …}."""
    kind = read_object(value, path, required=["kind"], optional=list(value) if isinstance(value, Mapping) else [])["kind"]
    row = OPTIMIZERS[read_choice(kind, join(path, "kind"), "optimizer", OPTIMIZERS)]
    given = read_object(value, path, required=["kind", "learning_rate"], optional=list(row.settings))
    settings = {
        "learning_rate": read_number(given["learning_rate"], join(path, "learning_rate"), above=0.0),
        **{
            name: read_number(given.get(name, default), join(path, name), least=0.0)
            for name, default in row.settings.items()
        },
    }
    return Optimizer(row, settings)
