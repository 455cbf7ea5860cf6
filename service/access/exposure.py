"""Without keys the service is for this machine only, unless it is told otherwise."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from service.settings import BadSetting, Settings


def refuse_exposure(settings: Settings, keyed: bool) -> None:
    """`keyed`: there are keys in the database, or nobody can tell: then it listens, and lets nobody in without one."""
    if settings.keys.strip() or keyed or not is_closed(settings):
        return
    raise BadSetting(
        f"without keys the service listens on this machine only, and '{settings.host}' reaches beyond it: make one with"
        " `verigrad keys create` (docs/keys.md tells how), or set VERIGRAD_ALLOW_ANONYMOUS=true to let anybody in"
    )


def is_closed(settings: Settings) -> bool:
    """Whether nobody may be let in without a key, even if there are no keys."""
    return not settings.allow_anonymous and not is_loopback(settings.host)


def is_loopback(host: str) -> bool:
    """Of everything that this name stands for. An empty one is all addresses, and of an unknown one nobody can tell."""
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
