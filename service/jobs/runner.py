"""A job from the queue to its end: its child is watched, what it says written down, and what is not allowed ends it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from service.database.connection import reason_of
from service.jobs.attempts import Attempt, Attempts, Stale
from service.jobs.failures import lost, timed_out
from service.jobs.messages import Message
from service.jobs.processes import Child, ChildLost
from service.replies.problem_documents import Document
from service.schemas.statuses import CANCELLED, FAILED, INTERRUPTED

LOOK = 0.25
"""Seconds between two looks at whether the job was cancelled, or ran out of time."""
PAUSE = 0.25
"""Seconds before a lost child is replaced; twice as many each time."""
OUTAGE = 600.0
"""Seconds that the database may be away before a worker gives up on what it has to write."""
SALVAGE = 60.0
"""Seconds to make a result of the last checkpoint."""

Result = TypeVar("Result")
log = logging.getLogger("verigrad.jobs")


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float
    memory: int
    drain: float
    """Seconds that a job is given to stop when its worker is told to end."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    pass


@dataclass(frozen=True, slots=True)
class TimedOut:
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Lost:
    seconds: float


@dataclass(frozen=True, slots=True)
class GivenBack:
    seconds: float


End = Message | Cancelled | TimedOut | Lost | GivenBack


class Runner:
    def __init__(self, attempts: Attempts, limits: Limits, draining: threading.Event) -> None:
        self.attempts = attempts
        self.limits = limits
        self.draining = draining

    def run(self, job: str) -> None:
        """Returns when this worker has nothing more to do for the job."""
        attempt = surely(lambda: self.attempts.begin(job))
        try:
            while attempt is not None:
                attempt = self.attempt(attempt)
        except Stale:
            log.warning("job %s: another worker has taken over", job)

    def attempt(self, attempt: Attempt) -> Attempt | None:
        """The next attempt, if there has to be one."""
        if attempt.lost >= self.attempts.most:
            # Making a result may be what kills the worker: then the next one does not even try.
            result = self.salvage(attempt) if attempt.lost == self.attempts.most else None
            self.fail(attempt, lost(self.attempts.most), result)
            return None
        log.info("job %s: attempt %d", attempt.job, attempt.number)
        end = self.watch(attempt)
        match end:
            case Message():
                self.conclude(attempt, end)
            case Cancelled():
                surely(lambda: self.attempts.finish(attempt, CANCELLED))
            case TimedOut(checkpoint):
                result = self.salvage(replace(attempt, checkpoint=checkpoint))
                self.fail(attempt, timed_out(self.limits.seconds), result)
            case GivenBack(seconds):
                log.info("job %s: goes back to the queue, with its last checkpoint", attempt.job)
                surely(lambda: self.attempts.give_back(attempt, None, seconds))
            case Lost(seconds):
                again = surely(lambda: self.attempts.begin_again(attempt, seconds))
                self.draining.wait(PAUSE * 2 ** min(again.lost - 1, 4))
                return again
        return None

    def watch(self, attempt: Attempt) -> End:
        begun = looked = monotonic()
        told_to_stop: float | None = None
        checkpoint = attempt.checkpoint
        with Child(attempt, self.limits.memory) as child:
            while True:
                try:
                    message = child.next(LOOK)
                except ChildLost as end:
                    log.warning("job %s: its process was lost (%s)", attempt.job, end)
                    return Lost(monotonic() - begun)
                now = monotonic()
                if message is not None and "status" in message.what:
                    return message
                if message is not None:
                    checkpoint = message.content[0] if message.content else checkpoint
                    self.note(attempt, message, now - begun)
                if now - looked >= LOOK:
                    looked = now
                    if self.is_cancelled(attempt):
                        return Cancelled()
                if attempt.spent + now - begun >= self.limits.seconds:
                    return TimedOut(checkpoint)
                if self.draining.is_set() and told_to_stop is None:
                    child.stop()
                    told_to_stop = now
                if told_to_stop is not None and now - told_to_stop >= self.limits.drain:
                    return GivenBack(now - begun)

    def conclude(self, attempt: Attempt, message: Message) -> None:
        status, error = message.what["status"], message.what["error"]
        result, checkpoint = (each or None for each in message.content)
        if status == INTERRUPTED:
            log.info("job %s: goes back to the queue", attempt.job)
            surely(lambda: self.attempts.give_back(attempt, checkpoint, 0.0))
            return
        log.info("job %s: %s", attempt.job, status)
        surely(lambda: self.attempts.finish(attempt, status, error=error, result=result))

    def fail(self, attempt: Attempt, error: Document, result: bytes | None) -> None:
        log.warning("job %s: failed: %s", attempt.job, error["detail"])
        surely(lambda: self.attempts.finish(attempt, FAILED, error=error, result=result))

    def salvage(self, attempt: Attempt) -> bytes | None:
        """What the last checkpoint holds, as a result: the job's own work, told to stop before its first step."""
        if attempt.checkpoint is None:
            return None
        until = monotonic() + SALVAGE
        with Child(attempt, self.limits.memory, salvage=True) as child:
            while (left := until - monotonic()) > 0:
                try:
                    message = child.next(left)
                except ChildLost:
                    return None
                if message is not None and message.what.get("status") == INTERRUPTED:
                    return message.content[0] or None
                if message is not None and "status" in message.what:
                    return None
        return None

    def note(self, attempt: Attempt, message: Message, seconds: float) -> None:
        try:
            checkpoint = message.content[0] if message.content else None
            self.attempts.note(attempt, message.what["progress"], checkpoint, seconds)
        except DBAPIError as error:
            log.warning("job %s: progress could not be written down (%s)", attempt.job, reason_of(error))

    def is_cancelled(self, attempt: Attempt) -> bool:
        try:
            return self.attempts.is_cancelled(attempt)
        except DBAPIError as error:
            log.warning("job %s: the database does not answer (%s)", attempt.job, reason_of(error))
            return False


def surely(do: Callable[[], Result]) -> Result:
    """Again and again, until the database takes it: what a job has come to is not thrown away because of a restart."""
    until = monotonic() + OUTAGE
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError) as error:
            if monotonic() > until:
                raise
            log.warning("the database does not answer (%s): trying again", reason_of(error))
            sleep(PAUSE)
