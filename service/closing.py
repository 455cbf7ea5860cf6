"""A transport that is closed by whoever knows whether the peer is still sending.

To close a socket on which bytes lie unread resets the connection, and a reset takes from the peer the answer that it has
not read yet. So what uvicorn means by `close` is left to the protocol; see Limited.close.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class ClosingTransport(asyncio.Transport):
    def __init__(self, wire: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self.wire = wire
        self.on_close = close
        self.shut = False
        """Nothing more is written. What an application still has to say to a connection that is lost is dropped."""

    def write(self, data: Any) -> None:
        if not self.shut:
            self.wire.write(data)

    def is_closing(self) -> bool:
        return self.shut or self.wire.is_closing()

    def close(self) -> None:
        self.on_close()

    def finish(self) -> None:
        """Nothing more is written, but the peer may go on sending until it has read what was."""
        self.shut = True
        if not self.wire.is_closing():
            self.wire.write_eof()

    def hang_up(self) -> None:
        """Close once what was written is sent."""
        self.shut = True
        self.wire.close()

    def lose(self) -> None:
        """The connection is gone: let go of the protocol, which holds this."""
        self.shut = True
        self.on_close = self.wire.close
