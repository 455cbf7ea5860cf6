"""Answers for people: one file each. Nobody else sees them: to a file or a pipe goes JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import TextIOWrapper
from typing import Any, TextIO

from rich.console import Console, RenderableType

from service.cli.show.check import check
from service.cli.show.grade import grade, grade_batch
from service.cli.show.gradients import gradients
from service.cli.show.keys import created, listed, revoked
from service.cli.show.mistakes import mistakes
from service.cli.show.problem import problem
from service.cli.show.settings import settings
from service.cli.show.train import train

SHOWN: dict[str, Callable[[Any, int], Iterator[RenderableType]]] = {
    "gradients": gradients,
    "check": check,
    "grade": grade,
    "grade_batch": grade_batch,
    "mistakes": mistakes,
    "train": train,
    "keys_create": created,
    "keys_list": listed,
    "keys_revoke": revoked,
    "settings": settings,
}


def console(stream: TextIO) -> Console:
    """Names such as dW1[0] are no markup, and numbers have no colours of their own."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal that cannot show ✓ shows ?
    return Console(file=stream, markup=False, highlight=False, emoji=False)


def show(operation: str, answer: Any, stream: TextIO) -> None:
    printed = console(stream)
    for part in SHOWN[operation](answer, printed.width):
        printed.print(part)


def show_problem(document: Any, body: bytes, file: str, stream: TextIO) -> None:
    printed = console(stream)
    for part in problem(document, body, file, printed.width):
        printed.print(part, soft_wrap=False)
