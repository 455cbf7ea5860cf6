"""The command line, `verigrad`: start a service, answer a request without one, or see to the keys of clients.

Nothing heavy is imported here: each command imports what it needs once it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from service import VERSION
from service.cli import ask, backup, healthy, keys, serve, settings
from service.cli.exits import INTERRUPTED, NO_READER

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    # Before NumPy is imported. One thread: matrices are small, and a service has its requests run side by side.
    for variable in THREADS:
        os.environ.setdefault(variable, "1")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None) -> int:
    try:
        given = parser().parse_args(arguments)
        status: int = given.run(given)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python would flush what is left on its way out, and fail again: nobody reads it, so let it go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_READER
    return status


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="verigrad", description="Gradients, exact and confirmed by a second method.")
    made.add_argument("--version", action="version", version=f"verigrad {VERSION}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (serve, ask, keys, settings, healthy, backup):
        group.add_commands(commands)
    return made
