"""What a worker and its child say to each other over pipes: a JSON object, and bytes beside it. Nothing in it could run."""

from __future__ import annotations

import io
from typing import IO, Any, NamedTuple

import orjson

LENGTH = 8


class Message(NamedTuple):
    what: dict[str, Any]
    content: list[bytes]


def send(pipe: IO[bytes], what: dict[str, Any], *content: bytes) -> None:
    text = orjson.dumps({**what, "lengths": [len(each) for each in content]})
    for each in (len(text).to_bytes(LENGTH, "big") + text, *content):
        write_all(pipe, each)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message | None:
    """None if the other end is closed, be it in the middle of a message."""
    try:
        what = orjson.loads(read_all(pipe, int.from_bytes(read_all(pipe, LENGTH), "big")))
        return Message(what, [read_all(pipe, length) for length in what.pop("lengths")])
    except EOFError:
        return None


def write_all(pipe: IO[bytes], content: bytes) -> None:
    """A pipe without a buffer may take less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[pipe.write(rest) :]


def read_all(pipe: IO[bytes], length: int) -> bytes:
    found = io.BytesIO()
    while (missing := length - found.tell()) > 0:
        some = pipe.read(missing)
        if not some:
            raise EOFError
        found.write(some)
    return found.getvalue()
