"""A load generator in a process of its own: connections that stay open, each sending a request when it has its answer.

    python benchmarks/_load.py PORT PATH CONNECTIONS SECONDS BODY

BODY is a file. Where it holds the MARK, a number that has not been sent before takes its place, so that no two bodies are
alike. Prints one JSON object: requests, seconds, and the median and 99th percentile of latencies.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count
from pathlib import Path
from random import randrange
from time import perf_counter
from typing import cast

import uvloop

MARK = b"987654321"
"""Nine digits, wherever in a number or a name."""
FRESH = (b"%09d" % number for number in count(randrange(10**8, 9 * 10**8)))


class Client(asyncio.Protocol):
    def __init__(self, path: str, body: bytes, until: float) -> None:
        self.start, *self.rest = body.split(MARK)
        lines = (f"POST {path} HTTP/1.1", "host: bench", "content-type: application/json", f"content-length: {len(body)}")
        self.head = "\r\n".join((*lines, "", "")).encode()
        self.until = until
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self.received = bytearray()
        self.missing = 0
        """Bytes of the answer's body that are still to come; not negative once its head is read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.ask()

    def ask(self) -> None:
        self.sent = perf_counter()
        if self.sent >= self.until:
            self.transport.close()
            return
        self.received.clear()
        self.missing = -1
        if self.rest:
            fresh = next(FRESH)
            self.transport.writelines([self.head, self.start, *(part for each in self.rest for part in (fresh, each))])
        else:
            self.transport.writelines([self.head, self.start])

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.received += data
            head, end, body = bytes(self.received).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 200 " not in head[:16]:
                self.done.set_exception(RuntimeError(f"refused: {bytes(self.received[:600])!r}"))
                self.transport.abort()
                return
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.missing = int(length) - len(body)
        else:
            self.missing -= len(data)
        if self.missing == 0:
            self.latencies.append(perf_counter() - self.sent)
            self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def load(port: int, path: str, connections: int, seconds: float, body: bytes) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    started = perf_counter()
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: Client(path, body, started + seconds), "127.0.0.1", port)
        clients.append(client)
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 30)
    latencies = sorted(each for client in clients for each in client.latencies)
    return {
        "requests": len(latencies),
        "seconds": perf_counter() - started,
        "median": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
    }


if __name__ == "__main__":
    port, path, connections, seconds, file = sys.argv[1:]
    work = load(int(port), path, int(connections), float(seconds), Path(file).read_bytes())
    print(json.dumps(uvloop.run(work)))
