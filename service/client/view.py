"""Typed views of the JSON that comes back.

Parsing is left to orjson; a view only remembers the object, and reads a field when it is first asked for. So a reply of a
hundred thousand numbers costs no more than its parsing, and arrays are made of those that are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import get_annotations
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""null becomes NaN: the object around it has a `reason`."""
Truths = NDArray[np.bool_]


Reader = Callable[[Any], Any]


class View:
    """A JSON object. Its fields are the annotations of the class: what they say is what is read.

    A field that is left out, or null, is None. `raw` is the object itself, with all that a newer service may add.
    """

    raw: Mapping[str, Any]

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.__dict__["raw"] = raw

    def __init_subclass__(cls) -> None:
        for name in get_annotations(cls):
            setattr(cls, name, Field(name, cls))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is what the service said: it cannot be changed")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, View) and self.raw == other.raw

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """What is short of it."""
        short = {name: value for name, value in self.raw.items() if not isinstance(value, list | dict)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in short.items())})"


class Field:
    """Reads itself once a view: what it finds takes its place there."""

    def __init__(self, name: str, owner: type[View]) -> None:
        self.name, self.owner = name, owner

    def __get__(self, view: View | None, owner: type[View]) -> Any:
        if view is None:
            return self
        value = view.raw.get(self.name)
        found = view.__dict__[self.name] = None if value is None else self.read(value)
        return found

    @cached_property
    def read(self) -> Reader:
        """Found late: the annotations may name what is defined further down."""
        return reader(get_type_hints(self.owner)[self.name])


def reader(hint: Any) -> Reader:
    """How a value that is not null is read as this type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (only,) = (each for each in inner if each is not NoneType)
        return reader(only)
    if origin is np.ndarray:
        (scalar,) = get_args(inner[1])
        return lambda value: np.array(value, dtype=scalar)
    if origin is list:
        each = reader(inner[0])
        return lambda value: [each(one) for one in value]
    if origin is dict:
        entry = reader(inner[1])
        return lambda value: {name: entry(one) for name, one in value.items()}
    if isinstance(hint, type) and issubclass(hint, View):
        return hint
    return unchanged


def unchanged(value: Any) -> Any:
    return value
