"""A connection: how it is opened, how long it may be in each phase, and how it ends. For the rest see protocol.py.

There are no timers: each connection knows the time by which it must have left its phase, and the server looks at all of
them ten times a second (`close_late`). That costs less than a timer for each request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from enum import Enum
from math import inf
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.http.closing import ClosingTransport
from service.http.refusal import Refused, answer
from service.settings import Settings
from service.telemetry.requests import BEGUN, REFUSED, refused_early

LINGER = 2
"""Seconds that a peer is listened to after an answer that ends the connection, so that it can read it."""
PROBE = 0.2
"""Seconds between two looks whether a client that sends no more is still there, while it is answered."""
TURNED_AWAY = 64
"""Connections above the limit that are closed with such patience. More are closed at once."""
SLOWEST = 2**20
"""Bytes of an answer that must be taken in each body_timeout, once the client does not keep up."""


class Phase(Enum):
    HEAD = "the line and headers of a request are received"
    BODY = "the body is received"
    ANSWER = "the request is here, and is being answered"
    REST = "between two requests"
    LEAVING = "what arrives is thrown away"


HEAD, BODY, ANSWER, REST, LEAVING = Phase  # to ask the class for one costs 0.1 µs, ten times a request


class Connection(HttpToolsProtocol):
    settings: ClassVar[Settings]
    turned_away: ClassVar[set[Connection]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.phase = HEAD
        self.deadline = inf
        self.stalled = inf  # when to look again whether the client takes what is written
        self.unsent = 0
        self.head = 0  # bytes of the head that have arrived, as far as is known
        self.running: RequestResponseCycle | None = None  # what is answered; uvicorn's `cycle` is what came last
        self.probed = False
        self.farewell = b""  # a refusal that waits until the requests before it are answered

    # The beginning

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.wire = transport
        self.transport = self.closing = ClosingTransport(transport, self.close)
        if len(self.connections) > self.settings.max_connections:
            self.turn_away()
        else:
            self.deadline = self.loop.time() + self.settings.header_timeout

    def turn_away(self) -> None:
        self.connections.discard(self)
        refused = Refused("too-many-at-once", "as many connections are open as this service holds")
        self.wire.write(self.refusal(refused))
        self.tell(refused)
        if len(self.turned_away) < TURNED_AWAY:
            self.turned_away.add(self)
            self.linger()
        else:
            self.hang_up()

    # The end

    def refuse(self, refused: Refused) -> None:
        """Answer what is being received with a problem, after the answers to all before it, and close."""
        if self.phase is BODY:
            if self.cycle.response_started:
                self.hang_up()
                return
            disconnect(self.cycle)
            if self.running is self.cycle:
                self.running = None
            else:
                self.pipeline.popleft()
        self.tell(refused)
        self.phase = LEAVING
        self.deadline = inf
        self.farewell = self.refusal(refused)
        if self.running is None:
            self.say_farewell()

    def tell(self, refused: Refused) -> None:
        """The log: by the application where it has begun to answer, else from here."""
        if self.phase is BODY and self.cycle.scope.get(BEGUN):
            self.cycle.scope[REFUSED] = refused.status  # type: ignore[literal-required]  # as every key of our own
        else:
            refused_early(refused.status, refused.kind)

    def refusal(self, refused: Refused) -> bytes:
        return answer(refused, self.server_state.default_headers)

    def say_farewell(self) -> None:
        self.wire.write(self.farewell)
        self.linger()

    def close(self) -> None:
        """Called when the last answer is written, and where the application failed amid one."""
        if self.phase is BODY or (self.phase is HEAD and self.head):
            self.linger()
        elif self.phase is not LEAVING:
            self.hang_up()

    def linger(self) -> None:
        """Send what was written, and the end; then throw away what arrives, until the peer closes too."""
        self.leave()
        self.closing.finish()
        self.flow.resume_reading()
        self.loop.call_later(LINGER, self.hang_up)

    def hang_up(self) -> None:
        """Send what was written, and close."""
        self.leave()
        self.closing.hang_up()
        if self.wire.get_write_buffer_size():
            self.watch_reader()

    def leave(self) -> None:
        self.phase = LEAVING
        self.deadline = inf
        self.pipeline.clear()

    def shutdown(self) -> None:
        if self.running is None:
            self.hang_up()
        else:
            self.cycle.keep_alive = False

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's returns nothing
        """Whoever has sent all requests and reads on is answered; with anyone else there is nothing more to do."""
        if self.running is None or self.phase is BODY:
            self.hang_up()
            return False
        if not self.farewell:
            self.phase = ANSWER
            self.cycle.keep_alive = False
        self.deadline = self.loop.time() + PROBE
        return True

    def probe(self, now: float) -> None:
        """Who closed both halves looks like who closed one and still reads, but resets what is sent.

        What can be sent before an answer is 100 Continue. Clients pass over it, whether they wait for it or not.
        """
        cycle = self.running
        if self.wire.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.wire.abort()
        elif cycle and not self.probed and not cycle.response_started and cycle.scope["http_version"] == "1.1":
            self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.probed = True
        self.deadline = now + PROBE

    def connection_lost(self, exc: Exception | None) -> None:
        self.turned_away.discard(self)
        self.closing.lose()
        if self.running is not None:
            disconnect(self.running)
        self.leave()
        super().connection_lost(exc)

    # Time

    def patience(self) -> float:
        return self.settings.body_timeout if self.phase is BODY else self.settings.header_timeout

    def is_late(self, now: float) -> bool:
        return self.deadline <= now or self.stalled <= now

    def close_late(self, now: float) -> None:
        if self.stalled <= now:
            self.check_reader()
        if self.deadline > now:
            return
        if self.flow.read_paused:  # then it is not the client who is waited for
            self.deadline = now + self.patience()
        elif self.running and self.phase in (ANSWER, LEAVING):
            self.probe(now)
        elif self.phase is BODY:
            self.refuse(Refused("too-slow", f"the body did not arrive within {self.settings.body_timeout:g} seconds"))
        elif self.phase is HEAD and self.head:
            self.refuse(Refused("too-slow", f"the headers did not arrive within {self.settings.header_timeout:g} seconds"))
        else:
            self.hang_up()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.stalled = inf

    def watch_reader(self) -> None:
        self.unsent = self.wire.get_write_buffer_size()
        self.stalled = self.loop.time() + self.settings.body_timeout

    def check_reader(self) -> None:
        """A client that takes nothing holds the memory of its answer: it is given up."""
        if self.wire.get_write_buffer_size() > self.unsent - SLOWEST:
            self.stalled = inf
            reset(self.wire)
        else:
            self.watch_reader()


def reset(wire: asyncio.Transport) -> None:
    """Close at once. Without lingering the kernel too drops what it holds for the peer, some megabytes."""
    wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.abort()


def disconnect(cycle: RequestResponseCycle) -> None:
    """Tell the application that nobody listens."""
    cycle.disconnected = True
    cycle.message_event.set()


def close_late(connections: Iterable[object], now: float) -> None:
    for connection in [each for each in connections if isinstance(each, Connection) and each.is_late(now)]:
        connection.close_late(now)
