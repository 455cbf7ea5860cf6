"""The command line: `verigrad serve`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from service import VERSION
from service.exposure import refuse_exposure
from service.settings import BadSetting, Settings

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="verigrad", description="Gradients, exact and confirmed by a second method.")
    parser.add_argument("--version", action="version", version=f"verigrad {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("serve", help="start the service", description="Start the service.")
    command.add_argument("--host", help="where to listen (default: VERIGRAD_HOST, else 127.0.0.1)")
    command.add_argument("--port", type=port, help="the port, 0 for a free one (default: VERIGRAD_PORT, else 8000)")
    given = parser.parse_args(arguments)
    chosen = {name: value for name, value in (("host", given.host), ("port", given.port)) if value is not None}
    try:
        settings = Settings.from_environment(**chosen)
        refuse_exposure(settings)
    except BadSetting as error:
        parser.error(str(error))
    start(settings)


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 0 to 65535, not '{text}'")
    return int(text)


def start(settings: Settings) -> None:
    # Before NumPy is imported, which is why the server is imported here. One thread: matrices are small, and requests
    # already run side by side.
    for variable in THREADS:
        os.environ.setdefault(variable, "1")
    from service.server import serve

    serve(settings)
