"""From Python to the bytes of a request. NumPy's arrays and numbers may stand wherever numbers may."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

ANSWERS = "answers"
"""The field in which a number that is not finite is written as text: one student's must not keep the others from a grade."""


def encode(body: Any) -> bytes:
    """JSON, or ValueError for what is not finite: JSON has no such numbers, and null would mean 'not answered'."""
    try:
        content = write(body)
    except orjson.JSONEncodeError as error:
        raise TypeError(f"this cannot be written as JSON: {error}") from error
    if b"null" in content:  # orjson writes NaN and infinities so; looking for the word costs next to nothing
        return write(spelled(body, ""))
    return content


def write(body: Any) -> bytes:
    try:
        return orjson.dumps(body, default=convert, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:
        return orjson.dumps(body, default=convert)  # slower, but it takes arrays of any byte order


def convert(value: Any) -> Any:
    """What orjson does not write by itself: arrays in another order of memory, and tensors of other libraries."""
    if not hasattr(value, "__array__"):
        raise TypeError(f"a {type(value).__name__} is not JSON")
    array = np.asarray(value)
    if array.ndim and array.dtype.kind in "fiub" and array.dtype.isnative and not array.flags.c_contiguous:
        return np.ascontiguousarray(array)
    return array.tolist()


def spelled(value: Any, path: str, *, answered: bool = False) -> Any:
    """The same with text among answers for what is not finite; ValueError where it is elsewhere."""
    if isinstance(value, Mapping):
        return {
            name: spelled(each, f"{path}.{name}" if path else str(name), answered=answered or name == ANSWERS)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [spelled(each, f"{path}[{place}]", answered=answered) for place, each in enumerate(value)]
    if hasattr(value, "__array__") and not isinstance(value, float):
        array = np.asarray(value)
        finite = array.dtype.kind != "f" or np.isfinite(array).all()
        return value if finite else spelled(array.tolist(), path, answered=answered)
    if isinstance(value, float) and not math.isfinite(value):
        if not answered:
            raise ValueError(f"{path or 'the body'} is not finite")
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
