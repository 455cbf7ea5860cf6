"""How much one request may ask for, and be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from engine.limits import DEFAULT_LIMITS, Limits

OPERATION = 0.3e-9
"""Seconds of an elementary operation inside an array, as estimates have it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Plain values, so that it can be sent to another process."""

    answers_shown: bool = True
    """Whether expected values may be shown: not to a grader's key."""
    submissions: int = 1_000
    layers: int = DEFAULT_LIMITS.layers
    elements: int = DEFAULT_LIMITS.elements
    seconds: float = 20.0
    """Of work, as estimated before it begins."""
    numbers: int = 2_000_000
    """Of an answer."""
    pace: float = 1.0
    """How many times as long as estimated work takes here."""
    job_seconds: float = 3_600.0
    """Of a job: what would take longer is not sent there."""

    @property
    def limits(self) -> Limits:
        return limits_of(self.layers, self.elements, self.seconds / self.pace)


@lru_cache(16)
def limits_of(layers: int, elements: int, seconds: float) -> Limits:
    operations = max(DEFAULT_LIMITS.check_operations, seconds / OPERATION)
    return replace(DEFAULT_LIMITS, layers=layers, elements=elements, check_operations=operations)
