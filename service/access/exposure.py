"""Without keys the service is for this machine only, unless it is told otherwise."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from service.settings import BadSetting, Settings


def refuse_exposure(settings: Settings) -> None:
    if settings.keys.strip() or settings.allow_anonymous or is_loopback(settings.host):
        return
    raise BadSetting(
        f"without keys the service listens on this machine only, and '{settings.host}' reaches beyond it:"
        " set VERIGRAD_KEYS (docs/keys.md tells how), or VERIGRAD_ALLOW_ANONYMOUS=true to let anybody in"
    )


def is_loopback(host: str) -> bool:
    """Of everything that this name stands for. An empty one is all addresses, and of an unknown one nobody can tell."""
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
