"""Sees to it that every unfinished job is on its way, whatever was lost: looks at how things are, not at what happened.

One worker does this at a time, the live one with the smallest id. That two do it for a moment does no harm.
"""

from __future__ import annotations

import logging
from time import monotonic

import sqlalchemy as sa

from service.database.connection import Database, now
from service.database.tables import jobs
from service.jobs.delivery import Delivery
from service.schemas.statuses import FINISHED, UNFINISHED

RECONCILE = 5.0
"""Seconds between two looks for jobs that are not being delivered at all."""
PURGE = 60.0
"""Seconds between two looks for jobs that were kept long enough."""
AT_ONCE = 200

log = logging.getLogger("verigrad.jobs")


class Sweeper:
    def __init__(self, database: Database, delivery: Delivery, retention: float) -> None:
        self.database = database
        self.delivery = delivery
        self.retention = retention
        self.missing: set[str] = set()
        self.reconciled = self.purged = float("-inf")

    def sweep(self, live: set[str]) -> None:
        self.take_from_the_dead(live)
        if monotonic() - self.reconciled >= RECONCILE:
            self.deliver_what_is_missing()
            self.reconciled = monotonic()
        if monotonic() - self.purged >= min(PURGE, self.retention):
            while self.purge() == AT_ONCE:
                pass
            self.purged = monotonic()

    def take_from_the_dead(self, live: set[str]) -> None:
        left = {job for job, worker in self.delivery.under_way().items() if worker not in live}
        if left:
            log.warning("handing out again what lost its worker: %s", ", ".join(sorted(left)))
            self.delivery.hand_out_again(left)

    def deliver_what_is_missing(self) -> None:
        """Unfinished jobs that DBOS does not know, or takes to be done. They must be missing twice: between two looks a
        job may have been on its way from one state to the next."""
        with self.database.read() as connection:
            unfinished = set(connection.scalars(sa.select(jobs.c.id).where(jobs.c.status.in_(UNFINISHED))))
        missing = unfinished - self.delivery.waiting() - self.delivery.under_way().keys()
        lost, self.missing = missing & self.missing, missing
        if lost:
            log.warning("delivering anew what was not on its way: %s", ", ".join(sorted(lost)))
            self.delivery.forget(lost)
            with self.database.write() as connection:
                for place, job in enumerate(sorted(lost)):
                    self.delivery.enqueue(connection, job, place)
            self.missing = set()

    def purge(self) -> int:
        old = sa.and_(jobs.c.status.in_(FINISHED), jobs.c.finished_at < now() - self.retention)
        with self.database.read() as connection:
            found = list(connection.scalars(sa.select(jobs.c.id).where(old).limit(AT_ONCE)))
        if found:
            self.delivery.forget(found)  # first: what is left if this is interrupted is found again
            with self.database.write() as connection:
                connection.execute(jobs.delete().where(jobs.c.id.in_(found)))
        return len(found)
