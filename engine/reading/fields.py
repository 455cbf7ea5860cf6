"""Reading an object of the wire form: which fields it may have, which it must, and what is said when it is otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.errors import BadProblem, UnknownName, shorten, suggestion
from engine.reading.arrays import kind_of


def read_object(
    value: Any, path: str, *, required: Collection[str] = (), optional: Collection[str] = (), called: str = ""
) -> Mapping[str, Any]:
    """An object with all required fields and no unknown ones. A field given as null counts as not given.

    It is called by its path, if not otherwise.
    """
    if not isinstance(value, Mapping):
        expected = f"{called} to be an object" if called else "an object"
        raise BadProblem(f"expected {expected}, not {kind_of(value)}{as_object(value, required)}", path=path)
    present = {name: each for name, each in value.items() if each is not None}
    if not all(name in present for name in required) or not all(name in required or name in optional for name in value):
        for fault in field_faults(value, path, required, optional, called):
            raise fault
    return present


def field_faults(
    value: Mapping[str, Any], path: str, required: Collection[str], optional: Collection[str], called: str = ""
) -> Iterator[BadProblem]:
    """Every field that is unknown, and every one that is missing."""
    where = called or path
    known = dict.fromkeys([*required, *optional])
    unknown = [name for name in value if name not in known]
    for name in unknown:
        hint = suggestion(str(name), known, listed=name == unknown[0])  # the list of all once is enough
        yield BadProblem(f"{where} has no field '{shorten(name, 40)}'{hint}", path=join(path, str(name)))
    for name in required:
        if value.get(name) is None:
            yield BadProblem(f"{where} needs the field '{name}'", path=join(path, name))


def read_choice(value: Any, path: str, what: str, known: Collection[str]) -> str:
    """One of a few names."""
    if not isinstance(value, str):
        raise BadProblem(f"expected the name of {article(what)}, not {kind_of(value)}", path=path)
    if value not in known:
        raise UnknownName(what, value, known, path=path)
    return value


def read_list(value: Any, path: str, of: str, *, empty: bool = False) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise BadProblem(f"expected a list of {of}, not {kind_of(value)}", path=path)
    if not value and not empty:
        raise BadProblem(f"an empty list: expected {of}", path=path)
    return list(value)


def read_flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise BadProblem(f"expected true or false, not {kind_of(value)}", path=path)
    return value


def as_object(value: Any, required: Collection[str]) -> str:
    """A name alone, where an object says which kind it is: how to write that."""
    field = next(iter(required), "")
    return f'; write {{"{field}": "{shorten(value, 20)}"}}' if isinstance(value, str) and field in ("kind", "mode") else ""


def join(path: str, field: str) -> str:
    return f"{path}.{shorten(field, 40)}" if path else shorten(field, 40)


def article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"
