"""One process that computes, seen from the service; `service.work.compute` is what runs in it.

A socket carries a line each way. Bodies and answers go through memory that both share: through a socket they would be cut
into pieces, each of which waits until the other side has run.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from service.operations.allowance import Allowance
from service.replies.problem_documents import Reply
from service.telemetry.environment import FOLDER, PROCESS
from service.work.shared import read, shared_memory, write

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LINE = 2**16
LARGE = 2**20
"""Bytes that are copied in a thread, because the event loop would stand still."""
KEPT = 2**24
"""Bytes of shared memory that are kept from one request to the next, so that the system need not find them anew."""


class Lost(Exception):
    """The process ended before it answered."""


class Process:
    """Started at once, ready a moment later."""

    def __init__(self, memory: int) -> None:
        self.shared = -1
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        self.shared = shared_memory()
        given = theirs.fileno(), self.shared
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.work.compute", *map(str, (*given, memory))],
                pass_fds=given,
                stdin=subprocess.DEVNULL,
                env=environment(),
            )
        self.started = False
        self.spent = False
        """Whether it has grown so large that another should take its place."""

    async def perform(self, operation: str, body: bytes, allowance: Allowance) -> Reply:
        """The reply, or Lost. Who does not wait for it must end the process."""
        try:
            await copied(len(body), write, self.shared, body)
            line = orjson.dumps([operation, len(body), asdict(allowance)])
            await asyncio.get_running_loop().sock_sendall(self.socket, line + b"\n")
            size, status, headers, facts, self.spent = orjson.loads(await self.read_line())
            content = await copied(size, read, self.shared, size)
        except OSError as error:
            raise Lost from error
        if max(size, len(body)) > KEPT:
            os.ftruncate(self.shared, 0)
        return Reply(content, status, headers, facts)

    async def start(self) -> None:
        """Wait until it is ready; nothing is lost when nobody waits any longer."""
        if not self.started:
            try:
                await self.read_line()
            except OSError as error:
                raise Lost from error
            self.started = True

    async def read_line(self) -> bytes:
        loop, line = asyncio.get_running_loop(), b""
        while not line.endswith(b"\n"):
            read = await loop.sock_recv(self.socket, LINE)
            if not read:
                raise Lost
            line += read
        return line

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        if self.shared >= 0:
            self.socket.close()
            os.close(self.shared)
            self.shared = -1
            self.process.kill()
            self.process.wait()

    def __del__(self) -> None:
        """An application that was never closed leaves no processes behind."""
        self.end()


def environment() -> dict[str, str]:
    """Of such a process, which logs as one of its own, and counts nothing itself."""
    given = {**os.environ, **ONE_THREAD, PROCESS: f"{os.environ.get(PROCESS, 'server')}.pool"}
    given.pop(FOLDER, None)
    return given


async def copied(size: int, copy: Callable[..., Any], *arguments: Any) -> Any:
    """What a copy of so many bytes returns."""
    if size < LARGE:
        return copy(*arguments)
    return await asyncio.get_running_loop().run_in_executor(None, copy, *arguments)
