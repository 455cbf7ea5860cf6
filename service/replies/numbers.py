"""Numbers for JSON, which has no NaN and no infinities: these are null, and the object around them has a `reason`."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.reading.arrays import all_finite


class Numbers:
    """The numbers of one JSON object, and why some of them are null.

    numbers = Numbers()
    {"gradient": numbers("dA1", gradient), **numbers.reason()}
    """

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, name: str, value: Array | float) -> Any:
        """What orjson writes as numbers and lists of them; it writes what is not finite as null."""
        if isinstance(value, float):
            if not isfinite(value):
                self.reasons.append(fault(name, np.asarray(value)))
            return value
        array = np.asarray(value)
        if not all_finite(array):
            self.reasons.append(fault(name, array))
        return as_json(array)

    def absent(self, reason: str) -> None:
        """null where there is no number at all."""
        self.reasons.append(reason)

    def reason(self) -> dict[str, str]:
        return {"reason": "; ".join(self.reasons)} if self.reasons else {}


def as_json(array: Array) -> Any:
    """What orjson writes as a number, or as lists of them."""
    if array.ndim == 0:
        return array.item()
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def fault(name: str, array: Array) -> str:
    """`dA1[0][0] is infinite (and 2 more)`."""
    places = np.argwhere(~np.isfinite(array))
    first = tuple(int(each) for each in places[0])
    where = name + "".join(f"[{each}]" for each in first)
    what = "undefined" if np.isnan(array[first]) else "infinite"
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    return f"{where} is {what}{more}"
