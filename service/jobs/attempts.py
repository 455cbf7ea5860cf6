"""What a worker writes about its job. Every write names the attempt's token, and is refused once another attempt has begun:
a worker that was thought dead cannot overwrite what its successor does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from service.database.connection import Database, now
from service.database.tables import jobs, parts
from service.jobs.record import BODY, CHECKPOINT, RESULT, text_of
from service.jobs.tallies import tally
from service.schemas.statuses import CANCELLED, QUEUED, RUNNING, UNFINISHED


class Stale(Exception):
    """Another attempt, or nobody, has this job now."""


@dataclass(frozen=True, slots=True)
class Attempt:
    job: str
    kind: str
    token: str
    number: int
    lost: int
    """Attempts before this one that ended by themselves, one after another without any progress."""
    spent: float
    """Seconds of work in the attempts before."""
    allowance: str
    body: bytes
    checkpoint: bytes | None


class Attempts:
    def __init__(self, database: Database, worker: str, most: int) -> None:
        self.database = database
        self.worker = worker
        self.most = most
        """How many may be lost in a row; after these the job is only taken over to be given up."""

    def begin(self, job: str) -> Attempt | None:
        """Take over a job; None if there is nothing to do for it. It counts before any work is done, so that a job that
        kills its worker is not tried for ever."""
        with self.database.write() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job).with_for_update()).one_or_none()
            if row is None or row.status not in UNFINISHED:
                return None
            if row.cancelling:
                connection.execute(
                    jobs.update()
                    .where(jobs.c.id == job)
                    .values(status=CANCELLED, token=None, finished_at=now(), revision=jobs.c.revision + 1)
                )
                connection.execute(parts.delete().where(parts.c.job == job))
                tally(connection, job, CANCELLED)
                return None
            token = str(uuid4())
            # A job that is running when an attempt begins was left by its worker without a word.
            lost = row.lost + (row.status == RUNNING)
            number = row.attempt + (lost < self.most)
            connection.execute(
                jobs.update()
                .where(jobs.c.id == job)
                .values(
                    status=RUNNING,
                    token=token,
                    worker=self.worker,
                    attempt=number,
                    lost=lost,
                    started_at=sa.func.coalesce(jobs.c.started_at, now()),
                    revision=jobs.c.revision + 1,
                )
            )
            found = connection.execute(sa.select(parts.c.name, parts.c.content).where(parts.c.job == job))
            content = {each.name: each.content for each in found}
        return Attempt(
            job=job,
            kind=row.kind,
            token=token,
            number=number,
            lost=lost,
            spent=row.spent,
            allowance=row.allowance,
            body=content[BODY],
            checkpoint=content.get(CHECKPOINT),
        )

    def note(self, attempt: Attempt, progress: dict[str, Any], checkpoint: bytes | None, seconds: float) -> None:
        """How far it is. With a checkpoint, what was lost before does not count any more."""
        values: dict[str, Any] = {"progress": text_of(progress), "spent": attempt.spent + seconds}
        if checkpoint is not None:
            values["lost"] = 0
        with self.database.write() as connection:
            self.update(connection, attempt, values)
            if checkpoint is not None:
                put(connection, attempt.job, CHECKPOINT, checkpoint)

    def is_cancelled(self, attempt: Attempt) -> bool:
        mine = sa.and_(jobs.c.id == attempt.job, jobs.c.token == attempt.token)
        with self.database.read() as connection:
            row = connection.execute(sa.select(jobs.c.cancelling).where(mine)).one_or_none()
        if row is None:
            raise Stale(attempt.job)
        return bool(row.cancelling)

    def finish(
        self, attempt: Attempt, status: str, *, error: dict[str, Any] | None = None, result: bytes | None = None
    ) -> None:
        """The end. Nothing is kept but the result."""
        values: dict[str, Any] = {"status": status, "token": None, "finished_at": now()}
        if error is not None:
            values["error"] = text_of(error)
        with self.database.write() as connection:
            self.update(connection, attempt, values)
            connection.execute(parts.delete().where(parts.c.job == attempt.job))
            if result is not None:
                put(connection, attempt.job, RESULT, result)
            tally(connection, attempt.job, status, error)

    def give_back(self, attempt: Attempt, checkpoint: bytes | None, seconds: float) -> None:
        """To the queue, for another worker, since this one is told to end."""
        values = {"status": QUEUED, "token": None, "worker": None, "spent": attempt.spent + seconds}
        with self.database.write() as connection:
            self.update(connection, attempt, values)
            if checkpoint is not None:
                put(connection, attempt.job, CHECKPOINT, checkpoint)

    def begin_again(self, attempt: Attempt, seconds: float) -> Attempt:
        """The child was lost, and the worker tries once more from the last checkpoint."""
        token, spent = str(uuid4()), attempt.spent + seconds
        mine = sa.select(jobs.c.lost, jobs.c.attempt).where(jobs.c.id == attempt.job, jobs.c.token == attempt.token)
        saved = sa.select(parts.c.content).where(parts.c.job == attempt.job, parts.c.name == CHECKPOINT)
        with self.database.write() as connection:
            row = connection.execute(mine.with_for_update()).one_or_none()
            if row is None:
                raise Stale(attempt.job)
            lost = row.lost + 1
            number = row.attempt + (lost < self.most)
            self.update(connection, attempt, {"token": token, "lost": lost, "attempt": number, "spent": spent})
            checkpoint = connection.scalar(saved)
        return replace(attempt, token=token, lost=lost, number=number, spent=spent, checkpoint=checkpoint)

    def update(self, connection: sa.Connection, attempt: Attempt, values: dict[str, Any]) -> None:
        mine = sa.and_(jobs.c.id == attempt.job, jobs.c.token == attempt.token)
        done = connection.execute(jobs.update().where(mine).values(revision=jobs.c.revision + 1, **values))
        if not done.rowcount:
            raise Stale(attempt.job)


def put(connection: sa.Connection, job: str, name: str, content: bytes) -> None:
    changed = connection.execute(parts.update().where(parts.c.job == job, parts.c.name == name).values(content=content))
    if not changed.rowcount:
        connection.execute(parts.insert().values(job=job, name=name, content=content))
