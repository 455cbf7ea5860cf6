"""What the person who starts the service sees: where it listens, and a line to try it with."""

from __future__ import annotations

import shlex
from urllib.request import getproxies, proxy_bypass

import orjson

from service.contract.examples import GRADIENTS

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


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
