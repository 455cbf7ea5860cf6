"""Where a request comes from, as far as counting needs it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

ELSEWHERE = "elsewhere"
"""A socket file, or what a proxy wrote that is no address: one client together, however long the names it invents."""


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    try:
        address = ip_address(client[0]) if client else None
    except ValueError:
        return ELSEWHERE
    if isinstance(address, IPv6Address):
        # The last 64 bits are the client's own to choose, anew for each request if it likes.
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address) if address else ELSEWHERE
