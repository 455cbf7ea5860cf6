"""What both clients know: where the service is, the key, and how long and how often to try."""

from __future__ import annotations

import ipaddress
import os
import random
import time
from typing import Any

import httpx

from service import VERSION
from service.client.exchange import Call, Steps, exchange
from service.client.retry import Deadline, Retry, TimeLeft

URL = "http://127.0.0.1:8000"
DEADLINE = 60.0
"""Seconds; the service itself ends what takes longer than 30, unless its operator says otherwise."""


class Base:
    """The key is held in the headers of the HTTP client alone, which shows it to nobody."""

    def __init__(self, url: str | None, deadline: float, retry: Retry | None) -> None:
        self.url = address(url or os.environ.get("VERIGRAD_URL") or URL)
        self.deadline = deadline
        self.retry = retry or Retry()
        self._clock = time.monotonic
        self._draw = random.random

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _begin(self, call: Call[Any], http: httpx.Client | httpx.AsyncClient) -> tuple[httpx.Request, Deadline, Steps]:
        deadline = Deadline(self._clock() + self.deadline, self._clock)
        request = http.build_request(
            call.method, call.path, content=call.content, headers=call.headers, extensions={"timeout": TimeLeft(deadline)}
        )
        return request, deadline, exchange(call, self.url, self.retry, deadline, self._draw)


def http_options(url: str, key: str | None) -> dict[str, Any]:
    """For either client of httpx."""
    headers = {"user-agent": f"verigrad/{VERSION}", **authorization(key or os.environ.get("VERIGRAD_KEY"))}
    # What runs on this machine is not asked through a proxy, which would get to see the key.
    return {"base_url": url, "headers": headers, "follow_redirects": False, "trust_env": not is_loopback(url)}


def address(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"the address of the service is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError(f"the address of the service is like {URL}, not {url[:80]!r}")
    if parts.userinfo:  # it would take the place of the key, and show up wherever the address does
        raise ValueError("the address of the service has a name or password in it: give a key instead")
    return url.rstrip("/")


def authorization(key: str | None) -> dict[str, str]:
    if not key:
        return {}
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("the key has characters that no key has, such as spaces or line breaks")
    return {"authorization": f"Bearer {key}"}


def is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
