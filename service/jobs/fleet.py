"""The workers that are alive: each says so now and then, and who has not for too long is taken for dead."""

from __future__ import annotations

import sqlalchemy as sa

from service.jobs.database import Database, now
from service.jobs.tables import workers

FORGOTTEN = 100
"""Leases after which a dead worker is not even remembered."""


class DeclaredDead(Exception):
    """This worker was silent for so long that another may have taken over its job."""


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
            return set(connection.scalars(sa.select(workers.c.id).where(alive)))

    def leave(self) -> None:
        with self.database.write() as connection:
            connection.execute(workers.delete().where(workers.c.id == self.worker))


def count_live(connection: sa.Connection, lease: float) -> int:
    alive = sa.select(sa.func.count()).select_from(workers).where(workers.c.seen_at >= now() - lease)
    return connection.scalar(alive) or 0
