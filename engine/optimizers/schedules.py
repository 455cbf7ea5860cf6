"""Schedules scale the learning rate by epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any

from engine.reading.arrays import read_number, read_whole
from engine.reading.fields import join, read_choice, read_object

MOST_EPOCHS = 2**53
MOST_FACTOR = 1e6


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the learning rate is multiplied with: 1, or factor^⌊(epoch − 1) / every⌋."""

    every: int = 1
    factor: float = 1.0

    def at(self, epoch: int) -> float:
        try:
            return float(self.factor ** ((epoch - 1) // self.every))
        except OverflowError:
            return float_info.max


CONSTANT = Schedule()


def read_constant(value: Any, path: str) -> Schedule:
    read_object(value, path, required=["kind"])
    return CONSTANT


def read_step(value: Any, path: str) -> Schedule:
    given = read_object(value, path, required=["kind", "every", "factor"])
    return Schedule(
        read_whole(given["every"], join(path, "every"), least=1, most=MOST_EPOCHS),
        read_number(given["factor"], join(path, "factor"), above=0.0, most=MOST_FACTOR),
    )


SCHEDULES: dict[str, Callable[[Any, str], Schedule]] = {"constant": read_constant, "step": read_step}


def read_schedule(value: Any, path: str) -> Schedule:
    """{"kind": "step", "every": 10, "factor": 0.5}: halved after every ten epochs."""
    kind = read_object(value, path, required=["kind"], optional=value if isinstance(value, Mapping) else ())["kind"]
    return SCHEDULES[read_choice(kind, join(path, "kind"), "schedule", SCHEDULES)](value, path)
