"""The HTTP server, as service/processes/supervisor.py starts it.

The sockets are made by the supervisor, so that several of these share them, and a connection that comes while one is
started anew waits instead of being refused.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from service.app import create_app
from service.http.connection import close_late
from service.http.protocol import limited_by
from service.processes.parent import READY
from service.settings import Settings
from service.telemetry.logs import start_log
from service.telemetry.metrics import ALONE


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: Callable[[], object], leaving: Callable[[], object]) -> None:
        super().__init__(config)
        self.listening, self.leaving = listening, leaving
        """Called once it does; and when it is told to end."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.listening()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        close_late(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.leaving()
        super().handle_exit(sig, frame)


def main(pipe: int, *descriptors: int) -> None:
    """Until SIGINT or SIGTERM."""
    start_log()
    settings = Settings.from_environment()
    sockets = [socket.socket(fileno=each) for each in descriptors]
    if ALONE:
        logging.getLogger("verigrad").warning("there is no room to count together with others: this process counts alone")
    app = create_app(settings)
    run(app, settings, sockets, lambda: os.write(pipe, READY), app.state.jobs.let_go)


def run(
    app: ASGIApp,
    settings: Settings,
    sockets: list[socket.socket],
    listening: Callable[[], object],
    leaving: Callable[[], object] = lambda: None,
) -> None:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=limited_by(settings),
        ws="none",
        lifespan="on",  # one that fails to begin must not serve: it would not know the keys
        access_log=False,  # see service/telemetry/requests.py
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=ceil(settings.grace),
    )
    with suppress(KeyboardInterrupt):
        Server(config, listening, leaving).run(sockets)
