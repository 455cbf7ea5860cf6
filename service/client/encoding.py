"""From Python to the bytes of a request. NumPy's arrays and numbers may stand wherever numbers may."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson


def encode(body: Any) -> bytes:
    """JSON, or ValueError for what is not finite: JSON has no such numbers, and null would mean 'not answered'."""
    try:
        content = write(body)
    except orjson.JSONEncodeError as error:
        raise TypeError(f"this cannot be written as JSON: {error}") from error
    if b"null" in content:  # orjson writes NaN and infinities so; looking for the word costs next to nothing
        for path in not_finite(body, ""):
            raise ValueError(f"{path or 'the body'} is not finite")
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


def not_finite(value: Any, path: str) -> Iterator[str]:
    """Where numbers are not finite."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from not_finite(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from not_finite(each, f"{path}[{place}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield path
    elif hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind == "f":
            for index in np.argwhere(~np.isfinite(array)):
                yield path + "".join(f"[{place}]" for place in index)
