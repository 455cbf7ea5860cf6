"""`verigrad healthy`: for whatever watches over a container, which has no curl. One sentence, and an exit status."""

from __future__ import annotations

import argparse
from typing import Any

from service.cli.exits import DONE, FAILED
from service.cli.serve import add, refuse, say, settings_of

EPILOG = """\
exit status: 0 if it is, 1 if not. The settings must be those of the service, or of the worker.
"""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
PATIENCE = 4.0
"""Seconds that the service may take to answer."""
LEASES = 2
"""Of a job, without a sign of life: one late sign is no reason to start anything again."""


def add_commands(commands: Any) -> None:
    healthy = add(commands, "healthy", "tell whether the service on this machine answers", EPILOG)
    healthy.add_argument(
        "--worker", action="store_true", help="instead, whether a worker on this machine, or in this container, is alive"
    )
    healthy.set_defaults(run=run_healthy, parser=healthy)


def run_healthy(given: argparse.Namespace) -> int:
    from service.settings import BadSetting, Settings

    try:
        well, sentence = worker(settings_of(given)) if given.worker else service(Settings.from_environment())
    except BadSetting as error:
        return refuse(given, error)
    return say(f"{sentence}\n", DONE if well else FAILED)


def service(settings: Any) -> tuple[bool, str]:
    from http.client import HTTPException
    from urllib.request import ProxyHandler, build_opener

    host = ANYWHERE.get(settings.host, settings.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/healthz"
    direct = build_opener(ProxyHandler({}))  # it is on this machine, whatever HTTP_PROXY says
    try:
        with direct.open(address, timeout=PATIENCE):
            return True, f"the service answers at {address}"
    except (OSError, HTTPException, ValueError) as error:  # ValueError: of a host that is none
        return False, f"the service does not answer at {address!a}: {error}"


def worker(settings: Any) -> tuple[bool, str]:
    from pathlib import Path

    from sqlalchemy.exc import DBAPIError

    from service.database.connection import Database, reason_of, url_of
    from service.jobs.fleet import here, lives_here

    database = Database(url_of(settings), 1)
    if database.is_sqlite and not Path(str(database.url.database)).is_file():  # to look would be to make one
        return False, "there is no database of jobs yet"
    try:
        well = lives_here(database, LEASES * settings.job_lease)
    except DBAPIError as error:
        return False, f"the database of jobs cannot be asked ({reason_of(error)})"
    finally:
        database.close()
    return well, f"{'a' if well else 'no'} worker on {here().rstrip('/')} has shown a sign of life"
