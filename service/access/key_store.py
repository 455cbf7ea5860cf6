"""Keys in the database of the jobs, made by `verigrad keys` and read by the service: of each only a hash is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from service.database.connection import Database, now, url_of
from service.database.tables import keys
from service.keys import HASH, SCOPES, Client, Entry
from service.settings import Settings

CONNECTIONS = 2
"""One that reads, and one that writes down which keys were used."""
LOCK = 7_350_171_924
"""Of whoever creates a key in PostgreSQL; any number that nothing else there takes for an advisory lock."""
ANSWER = 5_000
"""Milliseconds that PostgreSQL may take to answer. One that is cut off does not answer at all, and would be waited for."""
USE = 60.0
"""Seconds by which the last use of a key must be later than what is written, to be written anew."""


class NameTaken(Exception):
    """A key of this name has another scope, which is the argument."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    id: str
    name: str
    scope: str
    created_at: float
    used_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """What is there to be known of the keys at one moment."""

    entries: tuple[Entry, ...] = ()
    """Of those that are not revoked."""
    any: bool = False
    """Whether there has ever been one."""


COLUMNS = [keys.c[name] for name in StoredKey.__slots__]
GOOD = keys.c.revoked_at.is_(None)


class KeyStore:
    def __init__(self, settings: Settings) -> None:
        # Durable: a key that was handed out is still known, and one that was revoked still revoked, after a power failure.
        self.database = Database(url_of(settings), CONNECTIONS, durable=True)
        self.is_there = False
        self.file: tuple[int, int] | None = None
        """Which SQLite file was read last."""
        if not self.database.is_sqlite:
            sa.event.listen(self.database.engine, "do_connect", give_up_early)
            sa.event.listen(self.database.engine, "connect", be_brief)

    def create(self, name: str, scope: str, digest: bytes, elsewhere: Mapping[str, str] | None = None) -> StoredKey:
        """In tables that are there (service/jobs/prepare.py). `elsewhere`: the scopes of names that are in use besides.

        Keys of one name have one scope, for whoever shares a name shares its rate and its jobs."""
        with self.database.write() as connection:
            one_at_a_time(connection)
            same_name = sa.select(keys.c.scope).where(keys.c.name == name, GOOD).limit(1)
            taken = (elsewhere or {}).get(name) or connection.scalar(same_name) or scope
            if taken != scope:
                raise NameTaken(taken)
            id = token_hex(6)
            row = keys.insert().values(id=id, name=name, scope=scope, digest=digest.hex(), created_at=now())
            connection.execute(row)
            return stored(connection, id)[0]

    def all(self) -> list[StoredKey]:
        """The oldest first, revoked ones too."""
        with self.reading() as connection:
            return stored(connection) if connection else []

    def revoke(self, id: str) -> StoredKey | None:
        """The key, if there is one of this id. One that was revoked before stays as it is."""
        with self.reading() as connection:
            if connection is None:
                return None
        with self.database.write() as connection:
            connection.execute(keys.update().where(keys.c.id == id, GOOD).values(revoked_at=now()))
            return next(iter(stored(connection, id)), None)

    def look(self) -> Look:
        with self.reading() as connection:
            if connection is None:
                return Look()
            rows = connection.execute(
                sa.select(keys.c.id, keys.c.name, keys.c.scope, keys.c.digest, keys.c.revoked_at)
            ).all()
        # A scope that a newer release may know lets nobody in here.
        good = [row for row in rows if row.revoked_at is None and row.scope in SCOPES and is_sound(row)]
        return Look(
            tuple(Entry(Client(row.name, row.scope), bytes.fromhex(row.digest), row.id) for row in good), any=bool(rows)
        )

    def note_used(self, ages: Mapping[str, float]) -> None:
        """When these keys were last used, in seconds ago. Other processes may have noted a later time."""
        if self.database.is_sqlite and not self.found_file():
            return
        with self.database.write() as connection:
            for id, age in sorted(ages.items()):
                used_at = now() - age
                older = sa.or_(keys.c.used_at.is_(None), keys.c.used_at < used_at - USE)
                connection.execute(keys.update().where(keys.c.id == id, older).values(used_at=used_at))

    @contextmanager
    def reading(self) -> Iterator[sa.Connection | None]:
        """None as long as nobody has made the tables: then there are no keys, and none are made by looking."""
        if self.database.is_sqlite and not self.found_file():
            yield None
            return
        with self.database.read() as connection:
            self.is_there = self.is_there or sa.inspect(connection).has_table(keys.name)
            yield connection if self.is_there else None

    def found_file(self) -> bool:
        """False as long as there has been none. One that is gone is an error. Of one that another was put in the place of,
        nothing stays open: what is created and revoked now would not be seen there."""
        try:
            found = Path(str(self.database.url.database)).stat()
        except FileNotFoundError:
            if self.is_there:
                raise
            return False
        if not self.is_there and not found.st_size:
            return False
        before, self.file = self.file, (found.st_dev, found.st_ino)
        if before not in (None, self.file):
            self.database.close()
        return True

    def close(self) -> None:
        self.database.close()


def is_sound(row: Any) -> bool:
    """What no release has written lets nobody in. It must not hide the other rows: else what is revoked there stays good."""
    return isinstance(row.name, str) and isinstance(row.digest, str) and HASH.fullmatch(row.digest) is not None


def has_keys(settings: Settings) -> bool | None:
    """Whether there has ever been a key in the database; None if nobody can tell."""
    store = KeyStore(settings)
    try:
        return store.look().any
    except (sa.exc.SQLAlchemyError, OSError):
        return None  # the service says why when it looks itself
    finally:
        store.close()


def stored(connection: sa.Connection, id: str | None = None) -> list[StoredKey]:
    wanted = sa.select(*COLUMNS).order_by(keys.c.created_at, keys.c.id)
    rows = connection.execute(wanted if id is None else wanted.where(keys.c.id == id))
    return [StoredKey(**row._mapping) for row in rows]


def one_at_a_time(connection: sa.Connection) -> None:
    """Until the transaction ends. In SQLite all that write wait for each other anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def give_up_early(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> None:
    parameters["tcp_user_timeout"] = ANSWER


def be_brief(connection: Any, record: Any) -> None:
    connection.execute(f"SET statement_timeout = {ANSWER}")
    connection.commit()
