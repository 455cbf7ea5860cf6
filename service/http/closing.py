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
        self.write = wire.write  # type: ignore[method-assign]  # for each piece of each answer, so without a call between

    def is_closing(self) -> bool:
        return self.shut or self.wire.is_closing()

    def close(self) -> None:
        self.on_close()

    def finish(self) -> None:
        """Nothing more is written, but the peer may go on sending until it has read what was."""
        self.fall_silent()
        if not self.wire.is_closing():
            self.wire.write_eof()

    def hang_up(self) -> None:
        """Close once what was written is sent."""
        self.fall_silent()
        self.wire.close()

    def lose(self) -> None:
        """The connection is gone: let go of the protocol, which holds this."""
        self.fall_silent()
        self.on_close = self.wire.close

    def fall_silent(self) -> None:
        """What an application still has to say is dropped: uvloop raises where nothing can be written any more."""
        self.shut = True
        self.write = drop  # type: ignore[method-assign]


def drop(data: Any) -> None:
    pass
