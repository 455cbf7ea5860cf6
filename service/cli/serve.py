"""`verigrad serve`: start the service."""

from __future__ import annotations

import argparse
from typing import Any

EPILOG = """\
for example:
  verigrad serve --port 8080
  VERIGRAD_DEADLINE=60 verigrad serve --workers 4

All settings are environment variables: see docs/settings.md. An option wins over its variable.
"""


def add_command(commands: Any) -> None:
    command: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="start the service",
        description="Start the service.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--host", help="where to listen (default: VERIGRAD_HOST, else 127.0.0.1)")
    command.add_argument("--port", type=port, help="the port, 0 for a free one (default: VERIGRAD_PORT, else 8000)")
    command.add_argument(
        "--workers", type=int, metavar="N", help="processes that answer requests (default: VERIGRAD_WORKERS, else 1)"
    )
    command.set_defaults(run=run, parser=command)


def run(given: argparse.Namespace) -> int:
    # Imported here, so that no other command waits for the web framework.
    from service.exposure import refuse_exposure
    from service.settings import BadSetting, Settings

    chosen = {name: getattr(given, name) for name in ("host", "port", "workers") if getattr(given, name) is not None}
    try:
        settings = Settings.from_environment(**chosen)
        refuse_exposure(settings)
    except BadSetting as error:
        given.parser.error(str(error))
    from service.server import serve

    serve(settings)
    return 0


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 0 to 65535, not '{text}'")
    return int(text)
