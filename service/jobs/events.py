"""A job as server-sent events: `progress` whenever something about it has changed, and at the end how it ended.

The id of an event is the revision of the job: who comes back with the last one hears what is new since, and nothing twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic

import anyio
import orjson

from service.jobs.desk import Desk
from service.jobs.record import Job
from service.jobs.show import show
from service.jobs.store import Store

LOOK = 0.5
"""Seconds between two looks at the job."""
SILENCE = 15.0
"""Seconds after which a comment tells whatever is in between that the connection is alive."""
RETRY = b"retry: 1000\n\n"
"""Milliseconds after which a browser whose connection broke comes back."""


async def follow(desk: Desk, job: Job, heard: int) -> AsyncIterator[bytes]:
    """Everything after the revision that was heard last."""
    yield RETRY
    said = monotonic()
    current: Job | None = job
    while current is not None and not desk.closing:
        if current.revision > heard:
            yield event(current)
            heard, said = current.revision, monotonic()
        if current.finished:
            return
        if monotonic() - said >= SILENCE:
            yield b":\n\n"
            said = monotonic()
        await anyio.sleep(LOOK)
        current = await desk.ask(Store.get, job.id, None)


def event(job: Job) -> bytes:
    name = job.status if job.finished else "progress"
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (job.revision, name.encode(), orjson.dumps(show(job)))


def heard_last(header: str | None) -> int:
    """Of a Last-Event-ID; whatever is not one of ours counts as nothing."""
    return int(header) if header and header.isdecimal() and len(header) < 10 else 0
