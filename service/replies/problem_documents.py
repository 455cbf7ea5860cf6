"""From exceptions to problem documents (RFC 9457).

No exception's text reaches a client unless it was written for one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine import EngineError
from engine.errors import KeyRefuted
from service.replies.problem_types import PROBLEM_TYPES
from service.telemetry.facts import Facts

MEDIA_TYPE = "application/problem+json"
Document = dict[str, Any]
log = logging.getLogger("verigrad")


class RequestError(Exception):
    """A request that is refused for another reason than its mathematics. `path` is where in the body, if it is there."""

    kind: str

    def __init__(self, detail: str, *, path: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path
        self.headers = headers or {}


class MalformedJson(RequestError):
    kind = "malformed-json"


class DoubledName(RequestError):
    kind = "bad-problem"


class BodyTooLarge(RequestError):
    kind = "body-too-large"


class NoKey(RequestError):
    kind = "no-key"


class Forbidden(RequestError):
    kind = "not-allowed"


class KeysUnavailable(RequestError):
    kind = "keys-unavailable"


class NotFound(RequestError):
    kind = "not-found"


class TooManyRequests(RequestError):
    kind = "too-many-requests"


class TooMuchWork(RequestError):
    kind = "too-much-work"


class Busy(RequestError):
    kind = "busy"


class DeadlineExceeded(RequestError):
    kind = "deadline-exceeded"


class WorkLost(RequestError):
    kind = "work-lost"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    content: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    facts: Facts | None = field(default=None, compare=False)
    """About the work, to be counted; None where none was done."""

    @property
    def media_type(self) -> str:
        return "application/json" if self.status < 400 else MEDIA_TYPE


def problem_document(kind: str, detail: str = "", path: str | None = None, message: str = "") -> Document:
    """`errors` has the path of what is wrong in the body ("" is all of it), and is empty where no body is at fault."""
    row = PROBLEM_TYPES[kind]
    errors = [] if path is None else [{"path": path, "message": message}]
    return {
        "type": row.uri,
        "title": row.title,
        "status": row.status,
        "detail": detail or row.meaning,
        "errors": errors,
    }


def engine_problem(error: EngineError) -> Document:
    if isinstance(error, KeyRefuted):  # what the two methods found is for the log alone
        return problem_document(error.kind)
    detail = f"{error.message} (at {error.path})" if error.path else error.message
    return problem_document(error.kind, detail, error.path, error.message)


def request_problem(error: RequestError) -> Document:
    detail = f"{error.detail} (at {error.path})" if error.path else error.detail
    return problem_document(error.kind, detail, error.path, error.detail)


def problem_of(error: Exception, where: str) -> Document:
    """The document of any exception; what the operator must know of it is logged."""
    if isinstance(error, KeyRefuted):
        log.error("KEY REFUTED: %s: %s", where, error.message)
    if isinstance(error, EngineError):
        return engine_problem(error)
    if isinstance(error, RequestError):
        return request_problem(error)
    log.error("a fault at %s", where, exc_info=error)
    return problem_document("internal-error")


def item_problem(error: Exception, path: str) -> Document:
    """The document of one item of many, at this path."""
    if isinstance(error, EngineError):
        error.path = error.path or path
    return problem_of(error, path)


def problem_reply(document: Document, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(orjson.dumps(document), document["status"], headers or {})
