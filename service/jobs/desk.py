"""Jobs as the API has them: a database that is opened when it is first asked for something, and asked in threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from typing import Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread
from sqlalchemy.exc import DBAPIError

from service.database.connection import Database, is_full, reason_of, url_of
from service.database.schema import NewerSchema
from service.jobs.condition import Condition, condition_of
from service.jobs.delivery import Delivery
from service.jobs.numbers import Numbers, measure
from service.jobs.prepare import prepare
from service.jobs.record import RESULT, Job
from service.jobs.refusals import IdempotencyConflict, JobsUnavailable, StorageFull, TooManyJobs
from service.jobs.store import KeyTaken, LimitReached, Store, Submission
from service.replies.problem_documents import RequestError
from service.settings import Settings
from service.telemetry.recent import Recent

AT_ONCE = 5
"""Threads that talk to the database, each with a connection."""
PIECE = 2**20
"""Bytes of a result that are held at a time."""
RETRY = 10
"""Seconds after which one who has too many jobs may try again."""

AWAY = {"retry-after": "5"}
WATCHED = 2.0
"""Seconds that who watches over the service waits for the database."""
SILENT = "the database of jobs does not answer"

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
log = logging.getLogger("verigrad.jobs")


class Desk:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limiter = CapacityLimiter(AT_ONCE)
        self.opening = threading.Lock()
        self.store: Store | None = None
        self.delivery: Delivery | None = None
        self.closing = False
        self.recent_condition = Recent(self.look, age=1.0, patience=WATCHED)
        self.recent_numbers = Recent(self.measure, age=5.0, patience=WATCHED)

    def open(self) -> Store:
        with self.opening:
            if self.store is None:
                database = Database(url_of(self.settings), AT_ONCE, durable=True)
                try:
                    prepare(database)
                except BaseException:
                    database.close()  # it is asked for again and again, and each would leave its connections open
                    raise
                self.delivery = Delivery(database)
                self.store = Store(database)
            return self.store

    def let_go(self) -> None:
        """Of whoever follows a job, for this process is about to end: they ask again elsewhere."""
        self.closing = True

    def close(self) -> None:
        with self.opening:
            if self.store is not None and self.delivery is not None:
                self.delivery.close()
                self.store.database.close()
                self.store = self.delivery = None

    async def ask(
        self, question: Callable[Concatenate[Store, Asked], Answer], *arguments: Asked.args, **options: Asked.kwargs
    ) -> Answer:
        """A method of the store, in a thread."""

        def answer() -> Answer:
            return question(self.open(), *arguments, **options)

        try:
            with fail_after(self.settings.deadline):
                return await to_thread.run_sync(answer, limiter=self.limiter, abandon_on_cancel=True)
        except (DBAPIError, OSError, NewerSchema) as error:
            raise self.refusal(error) from None

    def refusal(self, error: Exception) -> RequestError:
        if is_full(error):
            log.error("there is no room in the database of jobs (%s)", reason_of(error))
            return StorageFull("the disk where jobs are kept is full: try again later", headers=AWAY)
        log.error("the database of jobs does not answer (%s)", reason_of(error))
        return JobsUnavailable("the database where jobs are kept does not answer: try again soon", headers=AWAY)

    # What is asked for by those who watch over the service

    async def condition(self) -> Condition:
        try:
            return await self.recent_condition.get()
        except TimeoutError:
            return Condition(SILENT)

    def look(self) -> Condition:
        try:
            return condition_of(self.open().database, self.settings.job_lease)
        except NewerSchema as error:
            return Condition(str(error))
        except (DBAPIError, OSError):
            return Condition(SILENT)

    async def numbers(self) -> Numbers | None:
        """None if the database does not answer."""
        try:
            return await self.recent_numbers.get()
        except TimeoutError:
            return None

    def measure(self) -> Numbers | None:
        try:
            return measure(self.open().database, self.settings.job_lease)
        except (DBAPIError, OSError, NewerSchema) as error:
            log.warning("the database of jobs cannot be counted (%s)", reason_of(error))
            return None

    async def submit(self, owner: str, given: Submission) -> Job:
        most = self.settings.max_jobs

        def submit(store: Store) -> Job:
            assert self.delivery is not None
            return store.submit(owner, given, most, self.delivery.enqueue)

        try:
            return await self.ask(submit)
        except KeyTaken:
            raise IdempotencyConflict("this Idempotency-Key was used for a job with another body") from None
        except LimitReached:
            what = f"{most:,} jobs are queued or running, and that is the most of one key at once"
            raise TooManyJobs(f"{what}: wait until some are finished", headers={"retry-after": str(RETRY)}) from None

    async def result(self, job: str) -> tuple[int, AsyncIterator[bytes]] | None:
        """Its length, and the result piece by piece."""
        length = await self.ask(Store.length, job, RESULT)
        return None if length is None else (length, self.pieces(job, length))

    async def pieces(self, job: str, length: int) -> AsyncIterator[bytes]:
        for start in range(0, length, PIECE):
            yield await self.ask(Store.piece, job, RESULT, start, PIECE)
