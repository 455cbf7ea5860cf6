"""What the gate costs a request: the same service with and without it, each asked through a connection of its own.

Beside it stands the service as it is, where every request is logged and counted too.

    .venv/bin/python benchmarks/gate.py

Gate: less than 8 % of the time of a small request for gradients, with one key among ten. For the cheapest answer that
there is (`/healthz`, which the gate only marks) the share is shown, but is a matter of a few microseconds. Times are of the
clock on the wall, since another process does the work.
"""

from __future__ import annotations

from _timing import timed  # first: it pins BLAS to one thread

import asyncio
import socket
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

import orjson
import uvicorn
from _report import Reading, Wanted, number, run
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import create_app
from service.contract.examples import GRADIENTS
from service.access.gate import CLIENT, Gate
from service.keys import Client, entry_of, make_key
from service.settings import Settings

AT_ONCE = 10
"""Requests a measurement."""
BODY = orjson.dumps(GRADIENTS["graph"].body)
CHEAP = Wanted("<", 1.08)
GATE, ALL, BARE = "with the gate", "with gate, log and counts", "no gate"


def readings(share: float) -> Iterator[Reading]:
    with tempfile.TemporaryDirectory() as folder:
        yield from measured(folder, share)


def measured(folder: str, share: float) -> Iterator[Reading]:
    keys = [make_key() for _ in range(10)]
    settings = Settings(
        keys=",".join(entry_of(f"client{number}", "compute", key) for number, key in enumerate(keys)),
        rate=10_000_000,
        data_dir=folder,
        kept_replies=0,  # the share is of a request that is worked on
    )
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=run_all, args=(settings, theirs), daemon=True)
    server.start()
    ports = ours.recv()
    for method, path, body, wanted in (("GET", "/healthz", b"", None), ("POST", "/v1/gradients", BODY, CHEAP)):
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {keys[0]}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        askers = {name: asker(port, head.encode() + body) for name, port in ports.items()}
        times = timed(askers, seconds=10, share=share, clock=perf_counter)
        bare = times.pop(BARE)
        for what, time in times.items():
            best = f"{number(time.best / bare.best)}× it by best times"
            found = Reading("gate", path, what, time.median / AT_ONCE, wanted=wanted if what == GATE else None)
            yield found.beside(BARE, bare.median / AT_ONCE, note=best)
    ours.send(None)
    server.join()


def asker(port: int, request: bytes) -> Any:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask() -> None:
        for _ in range(AT_ONCE):
            connection.sendall(request)
            answer = connection.recv(2**16)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(2**16)

    return ask


def run_all(settings: Settings, parent: Connection) -> None:
    """In one process and one loop, so that all meet the same machine."""
    servers = {
        BARE: served(settings, open_to_all),
        GATE: served(settings, gated),
        ALL: server_of(create_app(settings)),
    }

    async def all_of_them() -> None:
        tasks = [asyncio.create_task(server.serve()) for server in servers.values()]
        while not all(server.started for server in servers.values()):
            await asyncio.sleep(0.01)
        parent.send({name: server.servers[0].sockets[0].getsockname()[1] for name, server in servers.items()})
        await asyncio.to_thread(parent.poll, None)
        for server in servers.values():
            server.should_exit = True
        await asyncio.gather(*tasks)

    asyncio.run(all_of_them())


def served(settings: Settings, around: Callable[[FastAPI], ASGIApp]) -> uvicorn.Server:
    """The service with nothing else around it."""
    app = create_app(settings)
    app.middleware_stack = around(app)
    return server_of(app)


def server_of(app: FastAPI) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))


def gated(app: FastAPI) -> ASGIApp:
    return Gate(FastAPI.build_middleware_stack(app), app.state.settings, app.state.keyring)


def open_to_all(app: FastAPI) -> ASGIApp:
    """The least that the service needs instead of a gate."""
    client, within = Client("everybody", "admin"), FastAPI.build_middleware_stack(app)

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        scope[CLIENT] = client
        await within(scope, receive, send)

    return run


if __name__ == "__main__":
    run(readings, __doc__)
