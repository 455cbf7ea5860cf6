"""A SQLite database of jobs, copied as it is at one moment, and put back. PostgreSQL has programs of its own for that."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkstemp
from urllib.parse import quote

from sqlalchemy.exc import DBAPIError

from service.database.connection import PATIENCE, Database
from service.jobs.fleet import any_lives
from service.jobs.prepare import lock

MARK = "verigrad_version"
"""A table that every database of jobs has."""
PREFIX = ".verigrad-copy-"
"""Of the name of a copy that is not yet whole."""


class CannotCopy(Exception):
    """The sentence says why."""


def back_up(database: Database, target: Path) -> None:
    """While the service runs: nobody waits for it. What `target` is called is whole, or is not there."""
    source = file_of(database)
    if not source.is_file():
        raise CannotCopy(f"there is no database of jobs at {source}")
    taken = CannotCopy(f"{target} is there already: choose another name, so that no older copy is lost")
    if os.path.lexists(target):
        raise taken
    if not target.absolute().parent.is_dir():
        raise CannotCopy(f"there is no folder {target.absolute().parent}")
    with copied(source, target) as made:
        try:
            target.hardlink_to(made)  # unlike to rename it, this is refused if the name has been taken meanwhile
        except FileExistsError:
            raise taken from None
        except OSError:  # not every file system can
            made.rename(target)


def restore(database: Database, source: Path, lease: float, *, replace: bool) -> None:
    """Only while nothing runs: who has the database open would see it change beneath it."""
    target = file_of(database)
    if not source.is_file():
        raise CannotCopy(f"there is no file {source}")
    check(source)
    if target.is_file() and target.stat().st_size:
        if not replace:
            raise CannotCopy(f"there is a database of jobs at {target} already: --replace puts the copy in its place")
        if somebody_lives(database, lease):
            raise CannotCopy("a worker is alive: stop the service first")
        if is_open(target):
            raise CannotCopy(f"{target} is in use: stop the service first")
    with lock(database), copied(source, target) as made:
        for rest in ("-wal", "-shm", "-journal"):  # of the old one; the new one must not be read with them
            target.with_name(target.name + rest).unlink(missing_ok=True)
        made.rename(target)


def somebody_lives(database: Database, lease: float) -> bool:
    try:
        return any_lives(database, lease)
    except DBAPIError:
        return False  # it cannot even be read: that is why it is replaced
    finally:
        database.close()


def is_open(file: Path) -> bool:
    """Whether another process has it open, such as a service without workers. SQLite gives up its write-ahead log only
    for who is alone; whoever opens it for jobs takes it up again."""
    try:
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY  # else it cannot be read: that is why it is replaced
    return False


def file_of(database: Database) -> Path:
    if not database.is_sqlite:
        raise CannotCopy("these jobs are kept in PostgreSQL, which pg_dump and pg_restore copy: see docs/operations.md")
    return Path(str(database.url.database))


@contextmanager
def copied(source: Path, target: Path) -> Iterator[Path]:
    """A whole copy on the disk, beside the target. It is gone in the end, unless it was renamed."""
    # Of a name that nobody else has: what is there already may be the source, or lead elsewhere. For its owner only.
    descriptor, name = mkstemp(prefix=PREFIX, dir=target.parent)
    os.close(descriptor)
    made = Path(name)
    try:
        with opened(source) as origin, opened(made) as copy:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # all of it in one file; whoever opens it for jobs changes that
        check(made)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        yield made
    finally:
        made.unlink(missing_ok=True)


def check(file: Path) -> None:
    try:
        with opened(file) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [MARK]).fetchone()
            whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        found, whole = None, False
    if not whole:
        raise CannotCopy(f"{file} is not a whole SQLite database")
    if not found:
        raise CannotCopy(f"{file} is not a database of jobs")


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(file.absolute()))}?mode=rw"  # rw: one that is not there is not made
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE / 1000, isolation_level=None)) as connection:
        yield connection
