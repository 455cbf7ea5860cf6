"""How FastAPI answers exceptions: with problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engine import EngineError
from engine.errors import shorten
from service.replies.problem_documents import (
    Document,
    RequestError,
    problem_document,
    problem_of,
    problem_reply,
    request_problem,
)
from service.telemetry.requests import GONE

KIND_OF_STATUS = {404: "not-found", 405: "method-not-allowed"}


def respond(document: Document, headers: Mapping[str, str] | None = None) -> Response:
    reply = problem_reply(document, headers)
    return Response(reply.content, reply.status, reply.headers, reply.media_type)


async def refused_by_engine(request: Request, error: EngineError) -> Response:
    return respond(problem_of(error, f"{request.method} {request.url.path}"))


async def refused_request(request: Request, error: RequestError) -> Response:
    return respond(request_problem(error), error.headers)


async def refused_by_routing(request: Request, error: HTTPException) -> Response:
    kind = KIND_OF_STATUS.get(error.status_code)
    if kind is None:
        title = HTTPStatus(error.status_code).phrase
        blank = {"type": "about:blank", "title": title, "status": error.status_code, "detail": title, "errors": []}
        return respond(blank, error.headers)
    path = shorten(request.url.path)
    allowed = (error.headers or {}).get("Allow", "another method")
    detail = f"there is nothing at {path}" if kind == "not-found" else f"{path} takes {allowed}, not {request.method}"
    return respond(problem_document(kind, detail), error.headers)


async def gone(request: Request, error: ClientDisconnect) -> Response:
    """Nobody reads this; without it a client that hangs up would be logged as a fault."""
    return Response(status_code=GONE)


async def failed(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the client is told nothing of it."""
    # The server closes the connection after a fault: the client must know not to use it again.
    return respond(problem_document("internal-error"), {"connection": "close"})


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
