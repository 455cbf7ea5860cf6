"""Each request is logged and counted here: a line and a count, whatever became of it.

Plain ASGI around all of the application, the gate too, so that what is turned away is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.telemetry.logs import request_lines
from service.telemetry.metrics import count_request

REQUEST_ID, CLIENT = "verigrad.request_id", "verigrad.client"
"""Where the gate puts them in the ASGI scope."""
BEGUN = "verigrad.begun"
"""Where it says that the application has this request, and will tell of it here."""
BYTES_IN, COST, KEPT, REFUSED = "verigrad.bytes_in", "verigrad.cost", "verigrad.kept", "verigrad.refused"
JOB = "verigrad.job"
"""Where others put what is to be logged: the length of the body, the work as estimated, that the reply was kept from before,
and the status with which the server itself refused what the application was reading; and the id of a job."""
OFTEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by programs: logged for debugging only."""
GONE = 499
"""The status, in log and counts alone, of a request whose client hung up before it was answered (as nginx has it)."""


class Watch:
    """`row_of` gives the address of a path as the table has it, without what was put into it; None if there is none."""

    def __init__(self, app: ASGIApp, row_of: Callable[[str], str | None]) -> None:
        self.app = app
        self.row_of = row_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope[BEGUN] = begun = perf_counter()
        answer = Answer()

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.begun = message["status"], perf_counter()
            else:
                answer.length += len(message.get("body", b""))
            await send(message)

        fault = False
        try:
            await self.app(scope, receive, send_noted)
        except Exception:
            fault = True
            raise
        finally:
            status = scope.get(REFUSED) or (500 if fault else answer.status or GONE)
            told = None if status == GONE else (answer.begun or perf_counter()) - begun
            route = self.row_of(scope["path"])
            count_request(route, scope["method"], status, told)
            log_request(scope, route, status, perf_counter() - begun, answer.length)


class Answer:
    __slots__ = ("begun", "length", "status")

    def __init__(self) -> None:
        self.status, self.begun, self.length = 0, 0.0, 0


def log_request(scope: Scope, route: str | None, status: int, seconds: float, length: int) -> None:
    write = request_lines.debug if route in OFTEN else request_lines.warning if status >= 500 else request_lines.info
    fields: dict[str, Any] = {
        "request_id": scope.get(REQUEST_ID),
        "method": scope["method"],
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
        "bytes_in": scope.get(BYTES_IN, 0),
        "bytes_out": length,
    }
    if client := scope.get(CLIENT):
        fields["key"] = client.name
    if cost := scope.get(COST):
        fields["cost"] = round(cost, 6)
    if job := scope.get(JOB):
        fields["job"] = job
    if scope.get(KEPT):
        fields["kept"] = True
    write("request", **fields)


def refused_early(status: int, kind: str) -> None:
    """The server refused what never became a request of the application."""
    count_request(None, "", status, None)
    request_lines.info("request", status=status, refused=kind)
