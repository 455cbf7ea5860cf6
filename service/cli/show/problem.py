"""What is wrong, with the line of the input that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.text import Text

from service.cli.locate import Place, locate, place_of

MOST = 5
"""Errors that are shown with their lines."""
MARGIN = "  "
AROUND = 10
"""Columns that are shown after a place, if there is something."""


def problem(document: Any, body: bytes, file: str, width: int) -> Iterator[RenderableType]:
    yield Text(f"error: {document['title']}", "bold red")
    errors = [each for each in document["errors"] if each["path"]]  # "" is all of it: nothing to point at
    if not errors:
        yield Text(document["detail"])
    name = "standard input" if file == "-" else file
    text = body.decode("utf-8", "replace")
    for each in errors[:MOST]:
        yield Text(each["message"])
        if text:
            place = place_of(text, locate(text, each["path"]))
            yield Text(f"{MARGIN}{each['path']} ({name}, line {place.line}, column {place.column}):", "cyan")
            yield from pointed(place, width)
    if len(errors) > MOST:
        yield Text(f"and {len(errors) - MOST} more errors")
    stumble = malformed(body)
    if stumble:
        yield from pointed(stumble, width)


def malformed(body: bytes) -> Place | None:
    """Where it is no JSON any more. (An empty one has no line to show.)"""
    try:
        orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        return place_of(error.doc, error.pos)
    return None


def pointed(place: Place, width: int) -> Iterator[RenderableType]:
    """The line, or as much of it as fits, and a mark below the place."""
    room = width - 2 * len(MARGIN)
    line, column = place.text.expandtabs(1), place.column - 1
    start = 0 if cell_len(line[:column]) < room - AROUND else max(0, column - room // 2)
    part = set_cell_size(line[start:], room)  # what is cut off, or filled up, to a width
    yield Text(f"{MARGIN * 2}{part.rstrip()}")
    yield Text(f"{MARGIN * 2}{' ' * cell_len(line[start:column])}^", "bold red")
