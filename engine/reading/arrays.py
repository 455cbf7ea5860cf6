"""From numbers as they come in JSON to arrays: finite float64, rectangular, and nothing else.

The quick way looks at whole lists at once; whatever it does not like is handed to the slow way, which finds the first
offending entry and says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np

from engine.errors import BadNumbers, shorten
from engine.ops.row import Array

PLAIN, LISTS = {int, float}, {list, tuple}
MAXIMUM_DEPTH = 8
FEW, ROW = 500, 16
"""Numbers, in all and in a row, that are looked at one by one before it takes longer than adding them up."""


def read_array(value: Any, path: str) -> Array:
    """A number, a list of numbers, a list of rows, …, as a float64 array."""
    array = None if isinstance(value, np.ndarray) else quick_array(value)
    return careful_array(value, path) if array is None else array


def quick_array(value: Any) -> Array | None:
    """The array, or None if there is the least doubt."""
    row = value[0] if type(value) is list and value and type(value[0]) is list else value
    few = type(row) is not list or len(row) < ROW or len(value) * len(row) <= FEW
    try:
        if not (is_plain(value, 0) if few else adds_up(value, 0)):
            return None
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if not array.size or array.ndim > MAXIMUM_DEPTH or not all_finite(array) or not (few or without_flags(value, array)):
        return None
    return array


def adds_up(value: Any, depth: int) -> bool:
    """Whether all leaves can be added to numbers, TypeError if not: text and null cannot, but true and false can.

    Nothing else looks at a hundred thousand numbers in so short a time.
    """
    if type(value) is not list:
        return type(value) in PLAIN
    if value and type(value[0]) is list:
        return depth < MAXIMUM_DEPTH and all(adds_up(row, depth + 1) for row in value)
    return type(sum(value)) in PLAIN


def without_flags(value: Any, array: Array) -> bool:
    """Whether all are numbers where the array has 1 and 0, which may stand for true and false."""
    doubtful = ((array == 0.0) | (array == 1.0)).reshape(len(array), -1).any(axis=1)
    if array.ndim == 1:
        return not doubtful.any() or is_plain(value, 0)
    return all(is_plain(value[row], 1) for row in np.flatnonzero(doubtful))


def all_finite(array: Array) -> bool:
    """Of real numbers. Their squares have a sum that is not finite if one of them is not, and seldom else."""
    return isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def careful_array(value: Any, path: str) -> Array:
    if isinstance(value, np.ndarray):
        array = value
        if array.dtype.kind not in "fiu":
            raise BadNumbers(f"expected numbers, not {array.dtype}", path=path)
    else:
        if not is_plain(value, 0):
            find_fault(value, path)
        try:
            array = np.array(value, dtype=np.float64)
        except (ValueError, OverflowError):
            find_fault(value, path)
            raise BadNumbers("expected numbers in lists of equal length", path=path) from None
    if array.ndim > MAXIMUM_DEPTH:
        raise BadNumbers(f"lists are nested {array.ndim} deep; {MAXIMUM_DEPTH} is the most", path=path)
    if array.size == 0:
        raise BadNumbers("an empty list: expected at least one number", path=path)
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        raise BadNumbers("expected a finite number, not NaN or an infinity", path=path + indices(place))
    return np.array(array, dtype=np.float64, order="C")  # a copy: whoever gave an array may write to it later


def read_number(
    value: Any,
    path: str,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> float:
    """One finite number, within its range."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise BadNumbers(f"expected a number, not {kind_of(value)}", path=path)
    number = float(value) if type(value) is float and isfinite(value) else float(read_array(value, path))
    if above is not None and not number > above:
        raise BadNumbers(f"expected a number greater than {above:g}, not {number:g}", path=path)
    if least is not None and number < least:
        raise BadNumbers(f"expected a number of at least {least:g}, not {number:g}", path=path)
    if below is not None and not number < below:
        raise BadNumbers(f"expected a number less than {below:g}, not {number:g}", path=path)
    if most is not None and number > most:
        raise BadNumbers(f"expected a number of at most {most:g}, not {number:g}", path=path)
    return number


def read_whole(value: Any, path: str, *, least: int, most: int) -> int:
    """One whole number, within its range; 3.0 is not 3."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        hint = f": write {value:.0f}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else ""
        raise BadNumbers(f"expected a whole number, not {kind_of(value)}{hint}", path=path)
    if value < least:
        raise BadNumbers(f"expected a whole number of at least {least}, not {number_text(value)}", path=path)
    if value > most:
        raise BadNumbers(f"expected a whole number of at most {most}, not {number_text(value)}", path=path)
    return int(value)


def is_plain(value: Any, depth: int) -> bool:
    """Whether all leaves are ints and floats, and equally deep; all lists of one depth are looked at together."""
    if not isinstance(value, list | tuple):
        return type(value) in PLAIN
    level: Sequence[Any] = value
    for _ in range(depth, MAXIMUM_DEPTH + 1):
        kinds = set(map(type, level))
        if kinds <= PLAIN:
            return True
        if not kinds <= LISTS:
            return False
        level = list(chain.from_iterable(level))
    return False


def find_fault(value: Any, path: str) -> None:
    """Raise for the first entry that is not a number in a rectangular list; return if there is none."""
    for fault in array_faults(value, path):
        raise fault


def array_faults(value: Any, path: str, depth: int = 0) -> Iterator[BadNumbers]:
    """Every entry that is not a number in a rectangular list, in order. A row of plain numbers is looked at as one."""
    if depth > MAXIMUM_DEPTH:
        yield BadNumbers(f"lists are nested more than {MAXIMUM_DEPTH} deep", path=path)
        return
    if not isinstance(value, list | tuple):
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
            yield BadNumbers(f"expected a number, not {kind_of(value)}", path=path)
        elif overflows([value]):
            yield BadNumbers("this whole number is too large for a 64-bit float", path=path)
        return
    first: tuple[int, ...] | None = None
    for position, entry in enumerate(value):
        is_list = isinstance(entry, list | tuple)
        if depth < MAXIMUM_DEPTH and is_row(entry):
            shape: tuple[int, ...] = (len(entry),)
        else:
            if is_list or not first:
                yield from array_faults(entry, f"{path}[{position}]", depth + 1)
            shape = shape_of(entry)
        if first is None:
            first = shape
        elif shape != first:
            expected, found = f"{extent(first)} as in {path}[0]", extent(shape) if is_list else kind_of(entry)
            yield BadNumbers(f"ragged: expected {expected}, not {found}", path=f"{path}[{position}]")


def is_row(value: Any) -> bool:
    """A list of plain numbers and nothing else."""
    if type(value) is not list:
        return False
    kinds = set(map(type, value))
    return kinds <= PLAIN and (int not in kinds or not overflows(value))


def overflows(numbers: Sequence[Any]) -> bool:
    """Whether one is a whole number beyond all floats."""
    try:
        float(max(numbers)), float(min(numbers))
    except OverflowError:
        return True
    return False


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a list that is known to be rectangular."""
    shape = []
    while isinstance(value, list | tuple):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def extent(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a number"
    return f"a list of {shape[0]}" + (f" lists of {'×'.join(map(str, shape[1:]))}" if len(shape) > 1 else "")


def indices(place: Any) -> str:
    return "".join(f"[{int(each)}]" for each in place)


def kind_of(value: Any) -> str:
    """What a value is, in words that never echo more than a few characters of it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{shorten(value, 20)}"'
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, float | int | np.floating | np.integer):
        return f"the number {number_text(value)}"
    return f"a {type(value).__name__}"


def number_text(value: Any) -> str:
    """Short, also for a whole number with more digits than Python would print."""
    if isinstance(value, int) and abs(value) >= 10**25:
        return "one with more than 25 digits"
    return shorten(str(value), 25)
