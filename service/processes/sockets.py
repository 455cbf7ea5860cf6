"""The sockets that the service listens on."""

from __future__ import annotations

import errno
import os
import socket

from service.settings import BadSetting

BACKLOG = 2_048
"""Connections that wait to be accepted."""


def listen(host: str, port: int) -> list[socket.socket]:
    """One for each address of the host, all on the same port."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses(host, port):
            family, place = address
            one = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((place, sockets[0].getsockname()[1] if len(sockets) > 1 else port))
            one.listen(BACKLOG)
    except (OSError, UnicodeError) as error:  # the latter of a name that no address can have
        for one in sockets:
            one.close()
        number = getattr(error, "errno", None)
        why = os.strerror(number).lower() if number and number > 0 else "there is no such address"
        why += "; choose another port" * (number == errno.EADDRINUSE)
        raise BadSetting(f"cannot listen on {host}, port {port}: {why}") from None
    return sockets


def addresses(host: str, port: int) -> list[tuple[int, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(place[0])) for family, _, _, _, place in found))
