"""What the work for one request came to, as far as it is counted. It may be done in a process beside, which counts nothing
itself: the facts travel with the reply, so that nothing is counted for a process that was ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TypedDict


class Facts(TypedDict):
    """Plain values, to be sent as JSON."""

    seconds: float
    """The work took."""
    cost: float
    """It was expected to take."""
    noted: dict[str, dict[str, int]]
    """How often: certificates by status, checks by status, verdicts."""


current: ContextVar[Facts | None] = ContextVar("facts", default=None)


@contextmanager
def gathered() -> Iterator[Facts]:
    """What is noted within."""
    facts = Facts(seconds=0.0, cost=0.0, noted={})
    token, begun = current.set(facts), perf_counter()
    try:
        yield facts
    finally:
        facts["seconds"] = perf_counter() - begun
        current.reset(token)


def note(what: str, values: Iterable[str]) -> None:
    """Forgotten where nobody gathers, as in a job or on the command line."""
    facts = current.get()
    if facts is not None:
        counts = facts["noted"].setdefault(what, {})
        for value, count in Counter(values).items():
            counts[value] = counts.get(value, 0) + count
