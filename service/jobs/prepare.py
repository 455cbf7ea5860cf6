"""Before anything else: the tables are brought up to date, by one process at a time."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import sqlalchemy as sa

from service.database.connection import Database
from service.database.schema import newest_step, upgrade
from service.jobs.delivery import prepare_delivery

log = logging.getLogger("verigrad.database")

LOCK = 7_350_171_923
"""Any number that nothing else in a PostgreSQL database takes for an advisory lock."""
PRIVATE = 0o600
"""Jobs hold answer keys: nobody else's business."""
RETRY = 0.1
"""Seconds between two tries to get it."""


def prepare(database: Database) -> None:
    """Create or migrate what is needed here and for delivery. At once if nothing is missing; or NewerSchema."""
    with lock(database):
        with database.write() as connection:
            before = upgrade(connection)
        if before != newest_step():
            log.info("the schema of the database was at step %s and is now at %s", before or "0", newest_step())
        prepare_delivery(database)


@contextmanager
def lock(database: Database) -> Iterator[None]:
    """Others that want it wait. It ends with the process that holds it."""
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Not by waiting for it inside of a statement: DBOS builds indexes that wait for all statements to end.
            while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK))):
                sleep(RETRY)
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
        return
    path = Path(str(database.url.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        path.touch(PRIVATE)  # the folder may have been there before, and be open to others; SQLite's own files follow
        yield
    finally:
        os.close(descriptor)
