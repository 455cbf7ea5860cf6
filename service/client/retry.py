"""When a request is sent again, and after how long: rules without clocks, threads or connections.

Every operation of the service may be repeated: an answer depends on its request alone, and nothing is kept of it. So a
request is sent again whenever the failure may pass: no connection, a connection that broke, and the statuses 429, 502, 503
and 504. Any other reply is final. A request that waits for its answer is given all the time there is, because an answer that
takes long is being computed, and asking twice would double that; so a timeout while reading is final as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

CONNECT = 5.0
"""Seconds for a connection: one that takes longer is better tried anew."""
SHORTEST = 0.001
"""A timeout of 0 would mean none."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Pauses are drawn between 0 and a bound that doubles (full jitter), so that many clients do not come back at once."""

    attempts: int = 5
    """At most, the first included; 1 for never again."""
    first: float = 0.25
    """Bound of the first pause, in seconds."""
    longest: float = 8.0
    """No bound is above this."""

    def pause(self, failures: int, retry_after: float | None, draw: Callable[[], float]) -> float:
        """After so many failures. What the service asks for is kept, and the draw is added."""
        return (retry_after or 0.0) + draw() * min(self.longest, self.first * 2.0 ** (failures - 1))


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a request must be done with, pauses and repetitions included."""

    until: float
    clock: Callable[[], float]

    def left(self) -> float:
        return self.until - self.clock()


class Left(float):
    """Seconds that were left when they were asked for, and whom to ask again."""

    deadline: Deadline

    @classmethod
    def of(cls, deadline: Deadline, most: float) -> Left:
        made = cls(min(max(deadline.left(), SHORTEST), most))
        made.deadline = deadline
        return made


class TimeLeft(dict[str, float]):
    """The timeouts of one request, for httpx. It looks one up as each phase begins, and is told what is left then."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.deadline = deadline

    def get(self, phase: str, default: object = None) -> Left:
        return Left.of(self.deadline, CONNECT if phase == "connect" else math.inf)


def retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds, of either form that the header has; None where it is absent or says nothing.

    A date is taken relative to the reply's own, so that two clocks that differ do not matter.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    then = read_date(text)
    return None if then is None else max(0.0, (then - (read_date(headers.get("date", "")) or now)).total_seconds())


def read_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
