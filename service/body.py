"""The body of a request: parsed, and divided into the problem and the options beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from engine.errors import BadProblem
from engine.problems.problem import FIELDS
from engine.reading.arrays import kind_of
from engine.reading.fields import read_object
from service.problem_documents import MalformedJson

NOT_JSON = (b"NaN", b"Infinity", b"nan", b"inf")


def parse(body: bytes) -> Any:
    if not body.strip():
        raise MalformedJson("the body is empty: post a JSON object", path="")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = "; NaN and infinities are not JSON" if any(word in near(body, error) for word in NOT_JSON) else ""
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedJson(f"the body is not JSON: {where}: {error.msg}{hint}", path="") from None


def near(body: bytes, error: orjson.JSONDecodeError) -> bytes:
    """What the parser stumbled over, from one character before."""
    return error.doc[max(error.pos - 1, 0) : error.pos + 8].encode("utf-8", "replace")


def divide(wire: Any, options: Collection[str], required: Collection[str] = ()) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The problem, and those of the options that are given (null counts as not given)."""
    given = read_object(wire, "", required=required, optional=(*FIELDS, *options))
    beside = {*options, *required}
    problem = {name: value for name, value in given.items() if name not in beside}
    return problem, {name: value for name, value in given.items() if name in beside}


def read_names(options: Mapping[str, Any], field: str) -> list[Any]:
    """A list, which may be empty; what its entries stand for is for the engine to say."""
    value = options.get(field, [])
    if not isinstance(value, list):
        raise BadProblem(f"expected a list of names, not {kind_of(value)}", path=field)
    return value
