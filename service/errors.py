"""From exceptions to problem documents (RFC 9457).

No exception's text reaches a client unless it was written for one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engine import EngineError
from engine.errors import KeyRefuted, shorten
from service.problem_types import PROBLEM_TYPES

MEDIA_TYPE = "application/problem+json"
KIND_OF_STATUS = {404: "not-found", 405: "method-not-allowed"}
log = logging.getLogger("verigrad")


class RequestError(Exception):
    """A request that is refused before the engine sees it."""

    kind: str

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedJson(RequestError):
    kind = "malformed-json"


class BodyTooLarge(RequestError):
    kind = "body-too-large"


def problem_document(kind: str, detail: str = "", path: str | None = None, message: str = "") -> dict[str, Any]:
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


def engine_problem(error: EngineError) -> dict[str, Any]:
    if isinstance(error, KeyRefuted):  # what the two methods found is for the log alone
        return problem_document(error.kind)
    detail = f"{error.message} (at {error.path})" if error.path else error.message
    return problem_document(error.kind, detail, error.path, error.message)


def item_problem(error: Exception, path: str) -> dict[str, Any]:
    """The document of one item of many, at this path. The others go on, so what is for the log is logged here."""
    if not isinstance(error, EngineError):
        log.exception("a fault at %s", path, exc_info=error)
        return problem_document("internal-error")
    if isinstance(error, KeyRefuted):
        alarm(error, path)
    error.path = error.path or path
    return engine_problem(error)


def alarm(error: KeyRefuted, where: str) -> None:
    log.error("KEY REFUTED: %s: %s", where, error.message)


def problem_response(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), document["status"], headers, MEDIA_TYPE)


async def refused_by_engine(request: Request, error: EngineError) -> Response:
    if isinstance(error, KeyRefuted):
        alarm(error, f"{request.method} {request.url.path}")
    return problem_response(engine_problem(error))


async def refused_request(request: Request, error: RequestError) -> Response:
    # What is left of a body that is too large is not read: the connection cannot be used again.
    headers = {"connection": "close"} if isinstance(error, BodyTooLarge) else None
    return problem_response(problem_document(error.kind, error.detail, "", error.detail), headers)


async def refused_by_routing(request: Request, error: HTTPException) -> Response:
    kind = KIND_OF_STATUS.get(error.status_code)
    if kind is None:
        title = HTTPStatus(error.status_code).phrase
        blank = {"type": "about:blank", "title": title, "status": error.status_code, "detail": title, "errors": []}
        return problem_response(blank, error.headers)
    path = shorten(request.url.path)
    allowed = (error.headers or {}).get("Allow", "another method")
    detail = f"there is nothing at {path}" if kind == "not-found" else f"{path} takes {allowed}, not {request.method}"
    return problem_response(problem_document(kind, detail), error.headers)


async def gone(request: Request, error: ClientDisconnect) -> Response:
    """Nobody reads this; without it a client that hangs up would be logged as a fault."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def failed(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the client is told nothing of it."""
    return problem_response(problem_document("internal-error"))


def add_error_handlers(app: FastAPI) -> None:
    handlers: dict[Any, Any] = {
        EngineError: refused_by_engine,
        RequestError: refused_request,
        HTTPException: refused_by_routing,
        ClientDisconnect: gone,
        Exception: failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
