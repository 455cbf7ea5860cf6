"""The body of a request: parsed, and divided into the problem and the options beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from engine.errors import shorten
from engine.problems.problem import FIELDS
from engine.reading.fields import read_object
from service.replies.problem_documents import DoubledName, MalformedJson
from service.requests.doubled import MOST_NAMES, find_doubled, refuse_more
from service.requests.malformed import explain


def parse(body: bytes) -> Any:
    if not body.strip():
        raise MalformedJson("the body is empty: post a JSON object", path="")
    there = body.count(b":")
    refuse_more(there, MOST_NAMES)
    try:
        wire = orjson.loads(body)
        doubled = find_doubled(body, wire, there)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("Not enough memory"):
            raise MemoryError from None
        raise MalformedJson(explain(error), path="") from None
    except RecursionError:
        raise MalformedJson("the body is nested too deep", path="") from None
    if doubled:
        message = f"'{shorten(doubled.name, 20)}' is given twice: an object has every name once"
        raise DoubledName(message, path=shorten(doubled.path, 200))
    return wire


def divide(wire: Any, options: Collection[str], required: Collection[str] = ()) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The problem, and those of the options that are given (null counts as not given)."""
    given = read_object(wire, "", required=required, optional=(*FIELDS, *options), called="the request")
    beside = {*options, *required}
    problem = {name: value for name, value in given.items() if name not in beside}
    return problem, {name: value for name, value in given.items() if name in beside}
