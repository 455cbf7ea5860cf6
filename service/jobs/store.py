"""What the API does with jobs: submit, look, list, cancel."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa

from service.database.connection import Database, now
from service.database.tables import jobs, parts
from service.jobs.record import BODY, COLUMNS, Job, job_of
from service.jobs.tallies import tally
from service.schemas.statuses import CANCELLED, QUEUED, RUNNING, UNFINISHED

Enqueue = Callable[[sa.Connection, str, int], None]
"""Have a job delivered, in this transaction, after so many others of its owner."""


class KeyTaken(Exception):
    """The idempotency key belongs to a job that was submitted with another body."""


class LimitReached(Exception):
    """The owner has as many jobs queued and running as allowed."""


class BadCursor(Exception):
    """Not a cursor that came with a page."""


@dataclass(frozen=True, slots=True)
class Submission:
    kind: str
    body: bytes
    digest: str
    """Equal for bodies that say the same."""
    allowance: str = "{}"
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    jobs: list[Job]
    """The newest first."""
    cursor: str | None
    """Of the next page, if there is one."""


class Store:
    def __init__(self, database: Database) -> None:
        self.database = database

    def submit(self, owner: str, given: Submission, most: int, enqueue: Enqueue) -> Job:
        """A new job; or the one that this key and body have made before."""
        with self.database.write() as connection:
            one_at_a_time(connection, owner)
            if given.idempotency_key is not None and (known := self.known(connection, owner, given)):
                return known
            mine = sa.select(sa.func.count()).where(jobs.c.owner == owner, jobs.c.status.in_(UNFINISHED))
            place = connection.scalar(mine) or 0
            if place >= most:
                raise LimitReached
            id = str(uuid4())
            connection.execute(
                jobs.insert().values(
                    id=id,
                    owner=owner,
                    kind=given.kind,
                    status=QUEUED,
                    revision=1,
                    progress="{}",
                    attempt=0,
                    lost=0,
                    spent=0.0,
                    cancelling=False,
                    allowance=given.allowance,
                    idempotency_key=given.idempotency_key,
                    digest=given.digest,
                    created_at=now(),
                )
            )
            connection.execute(parts.insert().values(job=id, name=BODY, content=given.body))
            enqueue(connection, id, place)
            return job_of(connection.execute(sa.select(*COLUMNS).where(jobs.c.id == id)).one())

    def known(self, connection: sa.Connection, owner: str, given: Submission) -> Job | None:
        """The job that this key made."""
        same_key = sa.and_(jobs.c.owner == owner, jobs.c.idempotency_key == given.idempotency_key)
        row = connection.execute(sa.select(*COLUMNS).where(same_key)).one_or_none()
        if row is None:
            return None
        job = job_of(row)
        digest = connection.scalar(sa.select(jobs.c.digest).where(same_key))
        if (job.kind, digest) != (given.kind, given.digest):
            raise KeyTaken
        return job

    def get(self, id: str, owner: str | None) -> Job | None:
        """A job of this owner, or of anyone."""
        with self.database.read() as connection:
            row = connection.execute(sa.select(*COLUMNS).where(jobs.c.id == id, *of(owner))).one_or_none()
        return None if row is None else job_of(row)

    def length(self, id: str, name: str) -> int | None:
        """The bytes of a part, if there is one."""
        wanted = sa.select(sa.func.length(parts.c.content)).where(parts.c.job == id, parts.c.name == name)
        with self.database.read() as connection:
            found: int | None = connection.scalar(wanted)
        return found

    def piece(self, id: str, name: str, start: int, length: int) -> bytes:
        """Some of them, counted from 0."""
        content = sa.func.substr(parts.c.content, start + 1, length, type_=sa.LargeBinary())
        with self.database.read() as connection:
            return bytes(connection.scalar(sa.select(content).where(parts.c.job == id, parts.c.name == name)) or b"")

    def page(self, owner: str | None, limit: int, *, status: str = "", kind: str = "", cursor: str = "") -> Page:
        wanted = [*of(owner)]
        if status:
            wanted.append(jobs.c.status == status)
        if kind:
            wanted.append(jobs.c.kind == kind)
        if cursor:
            created_at, id = read_cursor(cursor)
            older = sa.and_(jobs.c.created_at == created_at, jobs.c.id < id)
            wanted.append(sa.or_(jobs.c.created_at < created_at, older))
        newest_first = sa.select(*COLUMNS).where(*wanted).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        with self.database.read() as connection:
            found = [job_of(row) for row in connection.execute(newest_first.limit(limit + 1))]
        more = len(found) > limit
        return Page(found[:limit], write_cursor(found[limit - 1]) if more else None)

    def cancel(self, id: str) -> bool:
        """Whether there was anything to cancel. One that runs is told to its worker, and ends in a moment."""
        with self.database.write() as connection:
            ended = connection.execute(
                jobs.update()
                .where(jobs.c.id == id, jobs.c.status == QUEUED)
                .values(status=CANCELLED, finished_at=now(), revision=jobs.c.revision + 1)
            )
            if ended.rowcount:
                connection.execute(parts.delete().where(parts.c.job == id))
                tally(connection, id, CANCELLED)
                return True
            asked = jobs.update().where(jobs.c.id == id, jobs.c.status == RUNNING).values(cancelling=True)
            return connection.execute(asked).rowcount > 0


def of(owner: str | None) -> list[sa.ColumnElement[bool]]:
    return [] if owner is None else [jobs.c.owner == owner]


def one_at_a_time(connection: sa.Connection, owner: str) -> None:
    """Submissions of one owner wait for each other until the transaction ends. In SQLite all that write do anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(owner, 0))))


def write_cursor(last: Job) -> str:
    return urlsafe_b64encode(f"{last.created_at!r} {last.id}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[float, str]:
    try:
        created_at, id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        return float(created_at), id
    except ValueError:
        raise BadCursor from None
