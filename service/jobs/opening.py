"""The first process that the supervisor starts: it waits for the database, brings its tables up to date, and ends.

A database that is away for a moment, as when all is started together, is tried again; one that stays away ends the service
with a sentence, for whoever watches over it to see.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from time import monotonic, sleep

from sqlalchemy.exc import DBAPIError

from service.database.connection import Database, reason_of, url_of, where
from service.database.schema import NewerSchema
from service.jobs.prepare import prepare
from service.settings import Settings
from service.telemetry.logs import start_log

FIRST, LONGEST = 0.5, 5.0
"""Seconds before the second try, and the most before a later one: twice as many each time."""

log = logging.getLogger("verigrad.database")


class Unopened(Exception):
    """The database cannot be used. The text is for the operator, and has no password in it."""


def open_patiently(database: Database, patience: float, wait: Callable[[float], None] = sleep) -> None:
    until, pause = monotonic() + patience, FIRST
    while True:
        try:
            return prepare(database)
        except NewerSchema as error:
            raise Unopened(str(error)) from None
        except OSError as error:  # of the file or its folder: it does not go away by waiting
            raise Unopened(f"the database at {where(database.url)} cannot be opened: {reason_of(error)}") from None
        except DBAPIError as error:
            left = until - monotonic()
            if left <= 0:
                told = f"the database at {where(database.url)} did not answer for {patience:g} s"
                raise Unopened(f"{told} (VERIGRAD_DATABASE_WAIT): {reason_of(error)}") from None
            pause = min(pause, max(left, 0.01))
            what = f"the database at {where(database.url)} does not answer ({reason_of(error)})"
            log.warning("%s: trying again in %.1f s", what, pause)
            wait(pause)
            pause = min(2 * pause, LONGEST)


def main(pipe: int) -> None:
    start_log()
    settings = Settings.from_environment()
    database = Database(url_of(settings))
    try:
        open_patiently(database, settings.database_wait)
    except Unopened as error:
        log.error("%s", error)
        sys.exit(1)
    finally:
        database.close()
