"""A network for the synchronous client that keeps the deadline of a whole request, not only of each read.

httpx knows timeouts for one read and one write. A server that sends a byte now and then would never run into them.
"""

from __future__ import annotations

import ssl
from typing import Any

import httpcore
import httpx

from service.client.retry import Left

CHUNK = 2**16


def keep_deadlines(http: httpx.Client) -> None:
    """httpx has no public way to give its connections another network; a test tells if this one ends."""
    for transport in (http._transport, *http._mounts.values()):
        pool = getattr(transport, "_pool", None)  # transports of another kind, as in tests, have no network
        if pool is not None:
            pool._network_backend = Network(pool._network_backend)


class Network(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self.inner = inner

    def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        return Stream(self.inner.connect_tcp(*arguments, **options))

    def connect_unix_socket(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        return Stream(self.inner.connect_unix_socket(*arguments, **options))

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)


class Stream(httpcore.NetworkStream):
    """Looks at the clock before each read and write."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), CHUNK):
            self.inner.write(buffer[start : start + CHUNK], left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return Stream(self.inner.start_tls(ssl_context, server_hostname, left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)

    def close(self) -> None:
        self.inner.close()


def left(timeout: float | None, expired: type[httpcore.TimeoutException]) -> float | None:
    if not isinstance(timeout, Left):
        return timeout
    now = min(float(timeout), timeout.deadline.left())
    if now <= 0:
        raise expired
    return now
