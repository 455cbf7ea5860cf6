"""`verigrad keys`: create, list and revoke the keys of clients, in the database of the service."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

import orjson

from service.cli.answer import Answer, failure
from service.cli.ask import Command, deliver
from service.cli.exits import BAD_INPUT
from service.keys import SCOPES

EPILOG = """\
for example:
  verigrad keys create --scope grade --name "CS101 Gradescope"
  verigrad keys list
  verigrad keys revoke 0a1b2c3d4e5f

The database is that of VERIGRAD_DATABASE_URL, or the file in VERIGRAD_DATA_DIR: where the service has its jobs. A running
service heeds what is done here within seconds: see docs/keys.md.

exit status:
  0  done
  2  a name, a scope, an id or a setting that cannot be used
  4  the database does not answer
  5  an answer that cannot be written
"""
ID = re.compile("[0-9a-f]{12}")


class Refused(Exception):
    """The sentence says why, and the title what for."""

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(detail)
        self.title = title


def add_commands(commands: Any) -> None:
    keys = add(commands, "keys", "the keys of clients: create, list, revoke")
    parts = keys.add_subparsers(dest="part", required=True, metavar="COMMAND")
    made = with_run(add(parts, "create", "make a key, show it this once, and store its hash"), create)
    made.add_argument("--scope", required=True, choices=SCOPES, help="what it may do")
    made.add_argument("--name", required=True, help="whose it is; keys of one name share their jobs and their rate")
    made.add_argument("--entry", action="store_true", help="store nothing: print an entry for VERIGRAD_KEYS besides")
    with_run(add(parts, "list", "names, scopes, ids, and when they were created, last used and revoked"), list_keys)
    with_run(add(parts, "revoke", "let nobody in by this key any more"), revoke).add_argument("id", metavar="ID")


def add(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return command


def with_run(
    command: argparse.ArgumentParser, work: Callable[[argparse.Namespace, Any], dict[str, Any]]
) -> argparse.ArgumentParser:
    command.add_argument("--json", action="store_true", help="write JSON to a terminal too, as to a file or a pipe")
    row = Command(f"keys-{command.prog.rpartition(' ')[2]}", "", "")
    command.set_defaults(run=run, work=work, row=row, parser=command, file="-")
    return command


def run(given: argparse.Namespace) -> int:
    from sqlalchemy.exc import DBAPIError

    from service.database.connection import reason_of
    from service.database.schema import NewerSchema
    from service.settings import BadSetting, Settings

    try:
        found = Answer(orjson.dumps(given.work(given, Settings.from_environment())))
    except BadSetting as error:
        given.parser.error(str(error))
    except Refused as error:
        found = failure(error.title, str(error), BAD_INPUT)
    except NewerSchema:
        found = failure("The database is of a newer release", "use the release of Verigrad that changed it, or a newer one")
    except (DBAPIError, OSError) as error:
        found = failure(
            "The database does not answer", f"the keys are in a database that does not answer: {reason_of(error)}"
        )
    return deliver(given.row, found, b"", given)


def create(given: argparse.Namespace, settings: Any) -> dict[str, Any]:
    from service.keys import check_client, check_name, entry_of, make_key

    name, scope, key = given.name, given.scope, make_key()
    try:
        if given.entry:
            check_client(name, scope, "the key")
            return {"name": name, "scope": scope, "key": key, "entry": entry_of(name, scope, key)}
        check_name(name)
    except ValueError as error:
        raise Refused("The key cannot have this name", str(error)) from None
    from service.access.keyring import WITHIN
    from service.database.connection import url_of, where

    stored = shown(store_key(name, scope, key, settings))
    return {**stored, "key": key, "database": where(url_of(settings)), "within_seconds": WITHIN}


def store_key(name: str, scope: str, key: str, settings: Any) -> Any:
    from service.access.key_store import KeyStore, NameTaken
    from service.database.connection import Database, url_of
    from service.jobs.prepare import prepare
    from service.keys import digest_of, read_keys

    database = Database(url_of(settings))
    try:
        prepare(database)  # as a service does when it starts: there may never have been one
    finally:
        database.close()
    elsewhere = {entry.client.name: entry.client.scope for entry in read_keys(settings.keys).entries}
    store = KeyStore(settings)
    try:
        return store.create(name, scope, digest_of(key), elsewhere)
    except NameTaken as taken:
        other = f"'{name}' has a key of scope {taken}, and all keys of one name have one scope"
        raise Refused("The name is taken", f"{other}: choose another name, or revoke that key first") from None
    finally:
        store.close()


def list_keys(given: argparse.Namespace, settings: Any) -> dict[str, Any]:
    from service.access.key_store import KeyStore
    from service.keys import read_keys

    store = KeyStore(settings)
    try:
        stored = [shown(each) for each in store.all()]
    finally:
        store.close()
    clients = [entry.client for entry in read_keys(settings.keys).entries]
    fixed = [{"name": each.name, "scope": each.scope, "source": "settings"} for each in clients]
    return {"keys": [*fixed, *stored]}


def revoke(given: argparse.Namespace, settings: Any) -> dict[str, Any]:
    from service.access.key_store import KeyStore
    from service.access.keyring import WITHIN

    store = KeyStore(settings)
    try:
        found = store.revoke(given.id) if ID.fullmatch(given.id) else None
    finally:
        store.close()
    if found is None:
        why = "no key in the database has this id"
        raise Refused("There is no such key", f"{why}: `verigrad keys list` shows them; those of VERIGRAD_KEYS have none")
    return {**shown(found), "within_seconds": WITHIN}


def shown(key: Any) -> dict[str, Any]:
    from service.jobs.show import instant

    times = {name: getattr(key, name) for name in ("created_at", "used_at", "revoked_at")}
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "source": "database",
        **{name: None if seconds is None else instant(seconds) for name, seconds in times.items()},
    }
