"""Checkpoints: bytes that describe themselves, and hold nothing that could run.

    magic (19) · sha256 of all that follows (32) · length of the header (8) · header as JSON · arrays, one after another

The header holds the small state and, of every array, its name, type and shape. Foreign, damaged and cut bytes are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np

from engine.errors import BadCheckpoint, shorten
from engine.ops.row import Array

MAGIC = b"verigrad checkpoint"
VERSION = 1
DIGEST, LENGTH = 32, 8
INCONSISTENT = "this checkpoint does not hold what it should"
DIFFERENT = "this checkpoint belongs to another run: its problem or its settings differ"


def write_checkpoint(fingerprint: str, state: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """`state` is plain JSON; `fingerprint` says which run this is."""
    header = {
        "version": VERSION,
        "fingerprint": fingerprint,
        "state": state,
        "arrays": described(arrays),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    little = [np.ascontiguousarray(each, dtype=each.dtype.newbyteorder("<")) for each in arrays.values()]
    body = b"".join([len(text).to_bytes(LENGTH, "little"), text, *(each.tobytes() for each in little)])
    return MAGIC + sha256(body).digest() + body


def read_checkpoint(data: bytes, fingerprint: str, like: Mapping[str, Array]) -> tuple[Any, dict[str, Array]]:
    """The state and arrays of a checkpoint of this very run, which has arrays `like` these.

    The state is whatever JSON it is: `engine.training.state` reads it.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise BadCheckpoint("a checkpoint is bytes")
    data = bytes(data)
    if not data.startswith(MAGIC):
        raise BadCheckpoint("these bytes are not a checkpoint of a training run")
    start = len(MAGIC) + DIGEST
    if len(data) < start + LENGTH or sha256(data[start:]).digest() != data[len(MAGIC) : start]:
        raise BadCheckpoint("this checkpoint is damaged or incomplete: its checksum does not fit")
    end = start + LENGTH + int.from_bytes(data[start : start + LENGTH], "little")
    try:
        header = json.loads(data[start + LENGTH : end])
    except (ValueError, RecursionError):
        raise BadCheckpoint(INCONSISTENT) from None
    if not isinstance(header, dict) or "version" not in header:
        raise BadCheckpoint(INCONSISTENT)
    version = header.pop("version")
    if type(version) is not int or version != VERSION:
        raise BadCheckpoint(f"this checkpoint has format {shorten(version, 20)}; this engine reads format {VERSION}")
    if set(header) != {"fingerprint", "state", "arrays"}:
        raise BadCheckpoint(INCONSISTENT)
    if header["fingerprint"] != fingerprint:
        raise BadCheckpoint(DIFFERENT)
    if header["arrays"] != described(like) or len(data) - end != sum(each.nbytes for each in like.values()):
        raise BadCheckpoint(INCONSISTENT)
    return header["state"], read_arrays(like, data, end)


def described(arrays: Mapping[str, Array]) -> list[list[Any]]:
    return [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]


def read_arrays(like: Mapping[str, Array], data: bytes, start: int) -> dict[str, Array]:
    arrays = {}
    for name, mine in like.items():
        little = np.frombuffer(data, mine.dtype.newbyteorder("<"), mine.size, start)
        arrays[name] = little.astype(mine.dtype).reshape(mine.shape)
        start += little.nbytes
    return arrays
