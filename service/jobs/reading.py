"""A job is read before it is queued: what is wrong with it is said at once, and not after an hour in the queue."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

from engine.errors import BadProblem
from engine.reading.arrays import kind_of
from engine.reading.fields import read_object
from service.jobs.kinds import KINDS, beneath
from service.operations.allowance import Allowance


def read_job(wire: Any, allowance: Allowance) -> dict[str, Any]:
    """Its kind, and a digest that is the same for bodies that say the same."""
    kind, body = read_kind(wire)
    with beneath(kind):
        KINDS[kind].read(body, allowance)
    return {"kind": kind, "digest": sha256(orjson.dumps(wire, option=orjson.OPT_SORT_KEYS)).hexdigest()}


def read_kind(wire: Any) -> tuple[str, Any]:
    if not isinstance(wire, dict):
        raise BadProblem(f'expected a job: an object such as {{"train": {{…}}}}, not {kind_of(wire)}')
    given = read_object(wire, "", optional=list(KINDS), called="a job")
    if len(given) != 1:
        raise BadProblem(f"a job is one of {', '.join(KINDS)}, with the body of that endpoint; {len(given)} are given")
    (kind,) = given
    return kind, given[kind]
