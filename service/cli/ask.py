"""The commands that answer a request: one row each. They take the JSON that the service takes, and write what it writes."""

from __future__ import annotations

import argparse
import codecs
import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import orjson

from service.cli.answer import Answer, answer, failure
from service.cli.exits import BAD_INPUT, DONE, FAILED, FAULT, MEANING

SMALL = """'{"graph": {"expressions": ["J = x * x"]}, "values": {"x": 3}}'"""


def all_agree(report: Any) -> bool:
    return report["status"] in ("agrees", "kink")


def all_points(grade: Any) -> bool:
    return bool(grade["score"] >= 1)


def all_points_of_all(batch: Any) -> bool:
    return all("grade" in result and all_points(result["grade"]) for result in batch["results"])


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    help: str
    example: str
    passes: Callable[[Any], bool] | None = None
    """What --fail asks for, where there is anything to fail."""

    @property
    def operation(self) -> str:
        return self.name.replace("-", "_")


COMMANDS = (
    Command("gradients", "every value and gradient of a problem", f"echo {SMALL} | verigrad gradients -"),
    Command("check", "gradients against a numerical method", "verigrad check --fail task.json", all_agree),
    Command("grade", "a student's answers", "verigrad grade --json answers.json > grade.json", all_points),
    Command("grade-batch", "many students' answers", "verigrad grade-batch class.json", all_points_of_all),
    Command("mistakes", "the mistakes that a problem can tell apart", "verigrad mistakes task.json"),
    Command("train", "steps of an optimizer", "verigrad train task.json"),
)


def add_commands(commands: Any) -> None:
    for row in COMMANDS:
        path = f"/v1/{row.operation.replace('_', '/')}"
        command: argparse.ArgumentParser = commands.add_parser(
            row.name,
            help=row.help,
            description=f"{row.help.capitalize()}. FILE holds the JSON that POST {path} takes; the answer is the same.",
            epilog=f"for example:\n  {row.example}\n\n{MEANING}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("file", metavar="FILE", help="a JSON file; - for standard input")
        command.add_argument("--json", action="store_true", help="write JSON to a terminal too, as to a file or a pipe")
        command.add_argument(
            "--url", help="ask the service at this address (default: VERIGRAD_URL; if that is empty, compute here)"
        )
        command.add_argument("--key", help="for the service; better given as VERIGRAD_KEY, which no list of processes shows")
        if row.passes:
            command.add_argument("--fail", action="store_true", help="exit with 1 if the answer is not a good one (below)")
        command.set_defaults(run=run, row=row)


def run(given: argparse.Namespace) -> int:
    row: Command = given.row
    try:
        body = read(given.file)
    except OSError as error:
        return tell(row, failure("The input cannot be read", f"{given.file}: {error.strerror}", BAD_INPUT), b"", given)
    found = answer(row.operation, body, given.url, given.key)
    shown = deliver(row, found, body, given)
    if shown == DONE and row.passes and given.fail:
        return DONE if row.passes(orjson.loads(found.content)) else FAILED
    return shown


def deliver(row: Command, found: Answer, body: bytes, given: argparse.Namespace) -> int:
    """Tell it; that it cannot be told is a status of its own."""
    try:
        return tell(row, found, body, given)
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the stream would fail once more on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"verigrad: the answer cannot be written: {error.strerror}", file=sys.stderr)
        return FAULT


def read(file: str) -> bytes:
    """Without the byte order mark that some editors write, and JSON does not have."""
    body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return body.removeprefix(codecs.BOM_UTF8)


def tell(row: Command, found: Answer, body: bytes, given: argparse.Namespace) -> int:
    """For people on a terminal; else exactly what the service would send, as one line."""
    stream = sys.stdout if found.exit == DONE else sys.stderr
    if stream is None:  # closed by whoever started this
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if given.json or not stream.isatty():
        write(stream, found.content + b"\n")
    else:
        from service.cli.show import show, show_problem

        if found.exit == DONE:
            show(row.operation, orjson.loads(found.content), stream)
        else:
            show_problem(orjson.loads(found.content), body, given.file, stream)
    return found.exit


def write(stream: TextIO, content: bytes) -> None:
    """All of it: with PYTHONUNBUFFERED a stream has no buffer, and takes only as much at once as a pipe holds."""
    out: BinaryIO = stream.buffer
    left = memoryview(content)
    while left:
        left = left[out.write(left) :]
    out.flush()
