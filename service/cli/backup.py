"""`verigrad backup` and `verigrad restore`: the jobs of a SQLite database, to a file and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from service.cli.exits import BAD_INPUT
from service.cli.serve import add, refuse, say, settings_of

BACKUP_EPILOG = """\
for example:
  verigrad backup jobs-of-monday.sqlite3

The service may run meanwhile. The copy holds answers and results of jobs: keep it as safe as the original.
"""
RESTORE_EPILOG = """\
for example, once the service is stopped:
  verigrad restore --replace jobs-of-monday.sqlite3
"""


def add_commands(commands: Any) -> None:
    backup = add(commands, "backup", "copy the database of jobs to a file (SQLite)", BACKUP_EPILOG)
    backup.add_argument("file", metavar="FILE", type=Path, help="a new file")
    restore = add(commands, "restore", "put such a copy in the place of the database of jobs", RESTORE_EPILOG)
    restore.add_argument("file", metavar="FILE", type=Path, help="what `verigrad backup` made")
    restore.add_argument("--replace", action="store_true", help="even if there is a database: what it holds is lost")
    for command in (backup, restore):
        command.set_defaults(run=run, parser=command)


def run(given: argparse.Namespace) -> int:
    import sqlite3

    from sqlalchemy.exc import DBAPIError

    from service.database.connection import Database, url_of
    from service.jobs.backup import CannotCopy, back_up, restore
    from service.settings import BadSetting

    try:
        settings = settings_of(given)
    except BadSetting as error:
        return refuse(given, error)
    database = Database(url_of(settings), 1)
    try:
        if given.command == "backup":
            back_up(database, given.file)
        else:
            restore(database, given.file, settings.job_lease, replace=given.replace)
    except (CannotCopy, DBAPIError, sqlite3.Error, OSError) as error:
        why = error if isinstance(error, CannotCopy | OSError) else f"the database cannot be copied ({error})"
        print(f"verigrad {given.command}: {why}", file=sys.stderr)
        return BAD_INPUT
    finally:
        database.close()
    return say(f"{given.file}\n")
