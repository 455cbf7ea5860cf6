"""`verigrad serve` and `verigrad worker`: start the service, or workers for its jobs alone."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from typing import Any, NoReturn

from service.cli.exits import DONE, FAULT

SERVE_EPILOG = """\
for example:
  verigrad serve --port 8080
  VERIGRAD_DEADLINE=60 verigrad serve --workers 4

All settings are environment variables: see docs/settings.md. An option wins over its variable.
"""
WORKER_EPILOG = """\
for example, on another machine than the service:
  VERIGRAD_DATABASE_URL=postgresql://user:password@host/verigrad verigrad worker

They take the jobs of every service with the same database: see docs/jobs.md.
"""


OPTIONS = ("host", "port", "workers", "job_workers")
"""The settings that `verigrad serve` also takes as options."""


def add_commands(commands: Any) -> None:
    serve = add(commands, "serve", "start the service, and workers for its jobs", SERVE_EPILOG)
    add_options(serve)
    worker = add(commands, "worker", "start workers for jobs alone", WORKER_EPILOG)
    add_job_workers(worker)
    serve.set_defaults(run=run_serve, parser=serve)
    worker.set_defaults(run=run_worker, parser=worker)


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", help="where to listen (default: VERIGRAD_HOST, else 127.0.0.1)")
    command.add_argument("--port", type=port, help="the port, 0 for a free one (default: VERIGRAD_PORT, else 8000)")
    command.add_argument(
        "--workers", type=int, metavar="N", help="processes that answer requests (default: VERIGRAD_WORKERS, else 1)"
    )
    add_job_workers(command)


def add_job_workers(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--job-workers",
        type=int,
        metavar="N",
        help="processes that do jobs (default: VERIGRAD_JOB_WORKERS, else one a core)",
    )


def add(commands: Any, name: str, summary: str, epilog: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made


def run_serve(given: argparse.Namespace) -> int:
    end_when_told()
    # Imported here, as below, so that no other command waits for it.
    from service.access.exposure import refuse_exposure
    from service.access.key_store import has_keys
    from service.processes.supervisor import serve
    from service.settings import BadSetting

    try:
        settings = settings_of(given, *OPTIONS)
        keyed = has_keys(settings)
        refuse_exposure(settings, keyed is not False)
        return serve(settings, keyed=bool(keyed))
    except BadSetting as error:
        return refuse(given, error)


def run_worker(given: argparse.Namespace) -> int:
    end_when_told()
    from service.processes.supervisor import work
    from service.settings import BadSetting

    try:
        return work(settings_of(given, "job_workers"))
    except BadSetting as error:
        return refuse(given, error)


def end_when_told() -> None:
    """From the start: the first process of a container ends at SIGTERM only if it says so, and imports take a moment."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def refuse(given: argparse.Namespace, error: Exception) -> NoReturn:
    parser: argparse.ArgumentParser = given.parser
    parser.error(str(error))


def say(text: str, status: int = DONE) -> int:
    """Write it as the answer. That it cannot be written is a status of its own, unless there is a worse one."""
    try:
        if sys.stdout is None:  # closed by whoever started this
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left would fail once more on the way out
        print(f"verigrad: the answer cannot be written: {error.strerror}", file=sys.stderr)
        return status or FAULT
    return status


def settings_of(given: argparse.Namespace, *names: str) -> Any:
    from service.database.connection import url_of
    from service.settings import Settings

    chosen = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    settings = Settings.from_environment(**chosen)
    url_of(settings)  # refused now, and not again and again by every worker
    return settings


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 0 to 65535, not '{text}'")
    return int(text)
