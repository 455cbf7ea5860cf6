"""Where in the text of a request a path points: `network.layers[1].weights`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

DECODER = json.JSONDecoder()
SPACE = re.compile(r"[ \t\n\r]*")
INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column count from 1."""

    line: int
    column: int
    text: str
    """Of the line."""


def place_of(text: str, offset: int) -> Place:
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start:] if end < 0 else text[start:end]
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1, line.rstrip("\r"))


def locate(text: str, path: str) -> int:
    """The offset of the value there; of the innermost value around it that exists, if something is missing."""
    here = after_space(text, 0)
    while path:
        inner = step(text, here, path)
        if inner is None:
            break
        here, path = inner
    return here


def step(text: str, here: int, path: str) -> tuple[int, str] | None:
    """One value further in, and the rest of the path."""
    if text[here] == "{":
        return into_object(text, here, path.removeprefix("."))
    index = INDEX.match(path)
    if text[here] == "[" and index:
        for place, (item, _) in enumerate(items(text, here)):
            if place == int(index[1]):
                return item, path[index.end() :]
    return None


def into_object(text: str, here: int, path: str) -> tuple[int, str] | None:
    """By the longest name that the path can begin with: names may have dots and brackets in them. The last of two that
    are the same counts, as it does when JSON is read."""
    found: tuple[int, str] | None = None
    longest = -1
    for start, name in items(text, here):
        rest = path[len(name) :]
        if path.startswith(name) and (not rest or rest[0] in ".[") and len(name) >= longest:
            found, longest = (start, rest), len(name)
    return found


def items(text: str, here: int) -> Iterator[tuple[int, str]]:
    """Where the values of an object (with their names) or of a list (without) begin."""
    named = text[here] == "{"
    here = after_space(text, here + 1)
    while text[here] not in "]}":
        name = ""
        if named:
            name, here = DECODER.raw_decode(text, here)
            here = after_space(text, after_space(text, here) + 1)  # past the colon
        yield here, name
        _, here = DECODER.raw_decode(text, here)
        here = after_space(text, here)
        if text[here] == ",":
            here = after_space(text, here + 1)


def after_space(text: str, here: int) -> int:
    found = SPACE.match(text, here)
    return found.end() if found else here
