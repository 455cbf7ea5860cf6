"""The HTTP server, which says where it listens once it does, and how to try it."""

from __future__ import annotations

import asyncio
import shlex
import socket
from contextlib import suppress
from math import ceil
from urllib.request import getproxies, proxy_bypass

import orjson
import uvicorn
from starlette.types import ASGIApp

from service.app import create_app
from service.connection import close_late
from service.examples import GRADIENTS
from service.protocol import limited_by
from service.settings import Settings

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Server(uvicorn.Server):
    keyed = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            print(greeting(host, port, self.keyed), flush=True)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        close_late(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def serve(settings: Settings, sockets: list[socket.socket] | None = None) -> None:
    """On these sockets, or where the settings say; until SIGINT or SIGTERM."""
    run(create_app(settings), settings, sockets)


def run(app: ASGIApp, settings: Settings, sockets: list[socket.socket] | None = None) -> None:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=limited_by(settings),
        ws="none",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ceil(settings.grace),
    )
    server = Server(config)
    server.keyed = bool(settings.keys)
    with suppress(KeyboardInterrupt):
        server.run(sockets)


def greeting(host: str, port: int, keyed: bool = False) -> str:
    host = ANYWHERE.get(host, host)
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return f"Verigrad listens on {address} (a page to read and try: {address}/docs)\n\n{curl(address, host, keyed)}\n"


def curl(address: str, host: str, keyed: bool) -> str:
    """One line to paste."""
    direct = ["--noproxy", "*"] if "http" in getproxies() and not proxy_bypass(host) else []
    body = orjson.dumps(GRADIENTS["graph"].body).decode()
    line = shlex.join(
        ["curl", "-sS", *direct, f"{address}/v1/gradients", "-H", "content-type: application/json", "-d", body]
    )
    return f'{line} -H "authorization: Bearer $VERIGRAD_KEY"' if keyed else line
