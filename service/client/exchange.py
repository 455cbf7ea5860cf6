"""One request from beginning to end, as steps that somebody else takes: so both clients follow the same rules."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import httpx
import orjson

from service.client.errors import Refused, TimedOut, UnexpectedReply, Unreachable, VerigradError, blank_document
from service.client.retry import Deadline, Retry, retry_after

T = TypeVar("T")

GOOD = (200, 202)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What is asked, and what the answer is read as."""

    method: str
    path: str
    read: Callable[[bytes], T]
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request, and tell the reply or how it failed."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: httpx.Headers
    content: bytes


Step = Send | Pause
Outcome = Reply | httpx.RequestError | TimeoutError | None
Steps = Generator[Step, Outcome, bytes]


def exchange(call: Call[Any], where: str, retry: Retry, deadline: Deadline, draw: Callable[[], float]) -> Steps:
    """The content of a good reply, or a VerigradError. No step begins after the deadline."""
    failures = 0
    while True:
        outcome = yield Send()
        if isinstance(outcome, Reply) and outcome.status in GOOD:
            return outcome.content
        error, cause = error_of(outcome, where)
        failures += 1
        wanted = error.retry_after if isinstance(error, Refused) else None
        pause = retry.pause(failures, wanted, draw)
        again = call.repeatable and error.temporary and failures < retry.attempts
        if not again or pause >= deadline.left():
            raise error from cause
        yield Pause(pause)


def error_of(outcome: Outcome, where: str) -> tuple[VerigradError, Exception | None]:
    if isinstance(outcome, Reply):
        return error_of_reply(outcome, where), None
    if isinstance(outcome, httpx.ConnectTimeout):
        return Unreachable(f"{where} does not take connections"), outcome
    if isinstance(outcome, httpx.TimeoutException | TimeoutError):
        return TimedOut(f"{where} has not answered within the deadline"), outcome
    if isinstance(outcome, httpx.ConnectError):
        return Unreachable(f"{where} cannot be reached: {outcome}"), outcome
    if isinstance(outcome, httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError):
        return Unreachable(f"the connection to {where} broke: {str(outcome) or type(outcome).__name__}"), outcome
    return UnexpectedReply(f"{where} cannot be asked, or its reply not be read: {outcome}"), outcome


def error_of_reply(reply: Reply, where: str) -> VerigradError:
    if reply.status < 400:
        # Redirects are not followed: the key is for the address that was given, and nobody else gets it.
        elsewhere = reply.headers.get("location")
        sent = f" and sends to {elsewhere}: give that address if it is the service's" if elsewhere else ""
        return UnexpectedReply(f"{where} answers with status {reply.status}{sent}")
    request_id = reply.headers.get("x-request-id", "")
    return Refused(document_of(reply), reply.content, request_id, retry_after(reply.headers, datetime.now(UTC)))


def document_of(reply: Reply) -> dict[str, Any]:
    blank = blank_document(reply.status)
    if not reply.headers.get("content-type", "").startswith("application/problem+json"):
        return blank
    try:
        document = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        return blank  # the status still says what happened
    return {**blank, **document, "status": reply.status} if isinstance(document, dict) else blank
