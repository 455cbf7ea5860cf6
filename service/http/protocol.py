"""HTTP/1.1 as uvicorn speaks it, with the limits that it has none of: bytes, seconds and connections.

What fails a check is answered with a problem document, once the requests before it are answered, and the connection is
closed; the application does not hear of it, or is told that the client has gone.

Bytes are counted as they are read from the socket, up to 256 kB at once; so a limit may be noticed that much later.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from service.http.connection import ANSWER, BODY, HEAD, LEAVING, REST, Connection
from service.http.heads import check_head, size_of_head, with_path, without_upgrade
from service.http.refusal import Refused
from service.settings import Settings

AHEAD = 64
"""Requests that a client may send on one connection ahead of their answers."""
NOT_SET = 0.0

log = logging.getLogger("verigrad")


def limited_by(settings: Settings) -> type[Limited]:
    """The protocol with these settings, as uvicorn takes it: it makes the instances itself."""
    return type("LimitedBySettings", (Limited,), {"settings": settings, "turned_away": set()})


class Limited(Connection):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.read = 0  # bytes of the last read
        self.reusable = True  # the connection, once the body of a client that awaits 100 Continue is here

    # What is received

    def data_received(self, data: bytes) -> None:
        if self.phase is LEAVING:
            return
        if self.phase is REST:
            self.begin_head()
        self.read = len(data)
        self.head += self.read
        rest = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self.refuse(reason(error))
            return
        if rest is not None:  # no longer amid an exception, which would become the context of the next
            self.read_without_upgrade(rest)
            return
        if self.deadline == NOT_SET:
            self.deadline = self.loop.time() + self.patience()
        if self.head > self.settings.max_header and self.phase in (HEAD, BODY):
            self.refuse(self.too_much_header())

    def begin_head(self) -> None:
        self.phase = HEAD
        self.deadline = NOT_SET
        self.head = 0

    def on_message_begin(self) -> None:
        if self.phase is not HEAD:  # it was sent together with the request before
            self.begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        version = check_head(self.parser, self.headers)
        # The sum is taken only of what may be too large: a head is hardly ever larger than what was read with it.
        limit = self.settings.max_header
        if self.head + self.read > limit and size_of_head(self.url, self.headers) > limit:
            raise self.too_much_header()
        if len(self.pipeline) >= AHEAD:
            raise Refused("too-many-at-once", f"more than {AHEAD} requests were sent ahead of their answers")
        if self.parser.should_upgrade():
            return
        self.url = with_path(self.url)
        if version == "1.0":
            self.expect_100_continue = False
        super().on_headers_complete()
        self.headers = []  # else trailers, which come after the body, would be added to what the application has
        self.phase = BODY
        self.deadline = NOT_SET
        self.head = 0
        if self.expect_100_continue:
            # Where it is answered without having been asked for the body, nobody knows whether the body will come.
            self.reusable = self.cycle.keep_alive
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self.head = 0  # from here on it counts what is neither head nor data: sizes of chunks, extensions, trailers
        super().on_body(body)

    def on_message_complete(self) -> None:
        """As uvicorn's, and the connection is in another phase."""
        if self.parser.should_upgrade():
            return
        if self.cycle.response_complete:
            self.rest()
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()
        self.phase = ANSWER
        self.deadline = inf
        if self.expect_100_continue and not self.cycle.response_started:
            self.cycle.keep_alive = self.reusable

    def _should_upgrade(self) -> bool:
        return False

    def read_without_upgrade(self, rest: bytes) -> None:
        """Nobody changes to another protocol here: the request is read as if it had not asked (RFC 9110, 7.8).

        The parser holds that such a request has no body, so it has to begin again.
        """
        head = without_upgrade(self.parser, self.url, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.begin_head()
        self.data_received(head + rest)

    def too_much_header(self) -> Refused:
        limit = self.settings.max_header
        return Refused("header-too-large", f"the request's line and headers have more than {limit:,} bytes")

    # What is answered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn's, but no more is read while a request waits, and no timer is started."""
        self.server_state.total_requests += 1
        self.running = None
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.farewell:
            self.say_farewell()
            return
        if not self.pipeline:
            self.read_on()
        if self.phase is ANSWER and self.running is None:
            self.rest()

    def read_on(self) -> None:
        if self.flow.read_paused and self.phase in (HEAD, BODY):
            self.deadline = self.loop.time() + self.patience()
        self.flow.resume_reading()

    def rest(self) -> None:
        self.phase = REST
        self.deadline = self.loop.time() + self.settings.keep_alive


def reason(error: httptools.HttpParserError) -> Refused:
    """What is raised in a callback of the parser comes back as the context of an error of its own."""
    cause = error.__context__
    if isinstance(cause, Refused):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError) and not isinstance(cause, httptools.HttpParserError):
        log.error("a fault in reading a request", exc_info=cause)
        return Refused("internal-error")
    return Refused("malformed-http")
