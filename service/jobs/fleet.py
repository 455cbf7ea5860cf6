"""The workers that are alive: each says so now and then, and who has not for too long is taken for dead."""

from __future__ import annotations

import socket
from uuid import uuid4

import sqlalchemy as sa

from service.database.connection import Database, now
from service.database.tables import workers

FORGOTTEN = 100
"""Leases after which a dead worker is not even remembered."""


HOST = 27
"""Characters of the machine's name that a worker's has, so that all of it fits into the table."""


class DeclaredDead(Exception):
    """This worker was silent for so long that another may have taken over its job."""


def here() -> str:
    """What the names of all workers on this machine, or in this container, begin with."""
    return f"{socket.gethostname()[:HOST]}/"


def new_name() -> str:
    return f"{here()}{uuid4()}"


def lives_here(database: Database, lease: float) -> bool:
    """Whether a worker on this machine has said so lately."""
    return lives(database, lease, workers.c.id.startswith(here(), autoescape=True))


def any_lives(database: Database, lease: float) -> bool:
    return lives(database, lease, sa.true())


def lives(database: Database, lease: float, which: sa.ColumnElement[bool]) -> bool:
    with database.read() as connection:
        found = sa.select(workers.c.id).where(which, workers.c.seen_at >= now() - lease).limit(1)
        return connection.scalar(found) is not None


class Fleet:
    def __init__(self, database: Database, worker: str, lease: float) -> None:
        self.database = database
        self.worker = worker
        self.lease = lease

    def join(self) -> None:
        with self.database.write() as connection:
            connection.execute(workers.insert().values(id=self.worker, seen_at=now()))

    def beat(self) -> set[str]:
        """Say that this worker is alive, and hear who else is."""
        alive = workers.c.seen_at >= now() - self.lease
        with self.database.write() as connection:
            seen = workers.update().where(workers.c.id == self.worker, alive).values(seen_at=now())
            if not connection.execute(seen).rowcount:
                raise DeclaredDead
            connection.execute(workers.delete().where(workers.c.seen_at < now() - FORGOTTEN * self.lease))
            return {self.worker, *connection.scalars(sa.select(workers.c.id).where(alive))}  # itself, however long this took

    def leave(self) -> None:
        with self.database.write() as connection:
            connection.execute(workers.delete().where(workers.c.id == self.worker))


def count_live(connection: sa.Connection, lease: float) -> int:
    alive = sa.select(sa.func.count()).select_from(workers).where(workers.c.seen_at >= now() - lease)
    return connection.scalar(alive) or 0
