"""A database, SQLite or PostgreSQL, and its clock: machines disagree about the time, one database does not."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from service.settings import BadSetting, Settings

FILE = "jobs.sqlite3"
PATIENCE = 30_000
"""Milliseconds that a SQLite transaction waits for another to end."""
JOURNAL = 64 * 2**20
"""Bytes of SQLite's log that are kept once they are no longer needed."""
CONNECT = 5
"""Seconds that PostgreSQL may take to accept a connection."""

NOTICED = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
"""A server that has gone without a word is noticed within half a minute."""
SQLITE_FULL, SQLITE_WRITE_FAILED, DISK_FULL = 13, 778, "53100"
"""How SQLite says that the disk is full, or that it may not take more of it; and how PostgreSQL says it."""


class now(FunctionElement[float]):  # lower case, as the functions of SQL are
    """Seconds since 1970 by the clock of the database."""

    type = sa.Double()
    inherit_cache = True


@compiles(now, "sqlite")
def now_in_sqlite(element: now, compiler: Any, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def now_in_postgresql(element: now, compiler: Any, **options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


SUBSEC = (3, 42)
"""The first SQLite that knows unixepoch('subsec'), by which DBOS tells the time where Python is 3.12 or newer."""


@sa.event.listens_for(sa.Engine, "connect")
def teach_older_sqlite(connection: Any, record: Any) -> None:
    """What Debian 12 and Ubuntu 22.04 have. All engines: DBOS has its own."""
    if isinstance(connection, sqlite3.Connection) and sqlite3.sqlite_version_info < SUBSEC:
        connection.create_function("unixepoch", 1, unixepoch)


def unixepoch(modifier: str) -> float:
    if modifier != "subsec":
        raise ValueError("only what DBOS asks for")
    return round(time(), 3)


def url_of(settings: Settings) -> sa.URL:
    if not settings.database_url:
        if os.path.exists(settings.data_dir) and not os.path.isdir(settings.data_dir):
            raise BadSetting(f"VERIGRAD_DATA_DIR must be a folder; {str(settings.data_dir)[:200]} is none")
        return sa.URL.create("sqlite", database=str(settings.data_dir.absolute() / FILE))
    try:
        settings.database_url.encode()
        url = sa.make_url(settings.database_url)
    except (sa.exc.ArgumentError, ValueError):  # the latter of a port that is no number, or of what is no text
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql") or not url.database:
        # What was given is not repeated: it may hold a password.
        raise BadSetting("VERIGRAD_DATABASE_URL must be like postgresql://user:password@host/database, or sqlite:///path")
    if url.get_backend_name() == "sqlite":
        if url.database == ":memory:" or "uri" in url.query:
            # Whether there is such a file, and so whether there are keys, would be looked for at another place.
            raise BadSetting("VERIGRAD_DATABASE_URL must name a file of SQLite by its path alone, like sqlite:///path")
        return url
    if "@" in (url.host or "") + url.database:
        # The rest of the password would be taken for a name, and be shown and logged as one.
        raise BadSetting("VERIGRAD_DATABASE_URL has more than one @: one in a password is written as %40")
    return url.set(drivername="postgresql+psycopg")


class Database:
    """Transactions that read, and transactions that write."""

    def __init__(self, url: sa.URL, connections: int = 5, *, durable: bool = False) -> None:
        """`durable`: what was written is on the disk, even if the power fails. Workers can do without: what they write
        comes out the same when it is written again."""
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.synchronous = "FULL" if durable else "NORMAL"
        self.engine = sa.create_engine(
            url,
            pool_size=connections,
            pool_pre_ping=not self.is_sqlite,
            connect_args={} if self.is_sqlite else {"connect_timeout": CONNECT, **NOTICED},
            hide_parameters=True,  # bodies of jobs are among them, and errors are logged
        )
        self.writing = self.engine.execution_options(writing=True)
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", self.prepare_sqlite)
            sa.event.listen(self.engine, "begin", begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self.writing.begin() as connection:
            yield connection

    def prepare_sqlite(self, connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by guesses of the driver
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        connection.execute("PRAGMA journal_mode = WAL")  # who reads and who writes do not wait for each other
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL}")

    def close(self) -> None:
        self.engine.dispose()


def begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that will write takes the lock first: one that reads before could not get it any more later on.
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def where(url: sa.URL) -> str:
    """For people: which database this is, with no user, password or option."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or str(url.query.get("host", "this machine"))
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database}"


def reason_of(error: Exception) -> str:
    """For the log: what the system or the driver says, where that cannot quote what was written."""
    if isinstance(error, OSError):
        return os.strerror(error.errno).lower() if error.errno else type(error).__name__
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.OperationalError):
        return str(cause)
    if isinstance(cause, psycopg.Error):  # a connection that fails has no state; its text tells only address and user
        return cause.sqlstate or str(cause).strip().partition("\n")[0] or type(cause).__name__
    return type(error).__name__


def is_full(error: Exception) -> bool:
    """Whether there is no room for what was to be written."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) in (SQLITE_FULL, SQLITE_WRITE_FAILED)
    return isinstance(cause, psycopg.Error) and cause.sqlstate == DISK_FULL
