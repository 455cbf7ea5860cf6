"""The gate that every request passes: who asks, whether they may, and how often; and what every answer carries.

Plain ASGI, for what is done here is done for each request: BaseHTTPMiddleware would cost more than all of it.
"""

from __future__ import annotations

import logging
import os
import re

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import shorten, suggestion
from service.access.addresses import address_of
from service.access.keyring import Keyring
from service.access.rate import Buckets
from service.access.scopes import ADDRESSES, ANY_RATE, NO_KEY, least_scope
from service.keys import NOBODY, Client
from service.replies.errors import respond
from service.replies.problem_documents import (
    Forbidden,
    KeysUnavailable,
    NoKey,
    NotFound,
    RequestError,
    TooManyRequests,
    request_problem,
)
from service.settings import Settings

FAILURES = 30
"""Keys a minute from one address that are not known. Beyond it the answer is 429. A key that is known is always let in:
else whoever shares an address with the graders, as behind a proxy, could lock them out; and no key can be guessed."""

CLIENT, REQUEST_ID = "verigrad.client", "verigrad.request_id"
"""Where the rest of the service finds them in the ASGI scope."""

ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
POLICY = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'",
)
"""For JSON and for pages without a script. A page that needs more says so itself."""
PRIVATE = (b"cache-control", b"no-store")
"""For what only a key may see."""

log = logging.getLogger("verigrad")


def client_of(request: Request) -> Client:
    """Who asks. Where no key is needed nobody is asked, and there is no client."""
    client: Client = request.scope[CLIENT]
    return client


class Gate:
    def __init__(self, app: ASGIApp, settings: Settings, keyring: Keyring) -> None:
        self.app = app
        self.keyring = keyring
        # Without keys the service listens on this machine only, to its owner, unless it was told to let anybody in.
        self.nobody = Client(NOBODY, "compute" if settings.allow_anonymous else "admin")
        # Apart, for a key may have the name of an address.
        self.by_key, self.by_address, self.failures = Buckets(settings.rate), Buckets(settings.rate), Buckets(FAILURES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # there are no websockets here; one that is added must not go round the gate
            return await send({"type": "websocket.close", "code": 1008})
        given_id, credentials = read_headers(scope)
        request_id = given_id if ID.fullmatch(given_id) else os.urandom(8).hex().encode()
        scope[REQUEST_ID] = request_id.decode()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                mark(message, request_id, private=CLIENT in scope)
            await send(message)

        try:
            await self.admit(scope, credentials)
        except RequestError as refusal:
            return await respond(request_problem(refusal), refusal.headers)(scope, receive, send_marked)
        try:
            await self.app(scope, receive, send_marked)
        except Exception:
            log.error("the fault logged below is that of request %s", scope[REQUEST_ID])
            raise

    async def admit(self, scope: Scope, credentials: list[bytes]) -> None:
        """Puts the client into the scope, if there must be one; or a RequestError."""
        path = scope["path"]
        if path in ANY_RATE:
            return
        least = least_scope(path)
        keyring = self.keyring
        if least and credentials and (keyring.needed or keyring.unread):
            client = scope[CLIENT] = await self.log_in(scope, credentials)  # now, so that the log names who is turned away
            take(self.by_key, client.name, "requests by this key")
        else:
            take(self.by_address, address_of(scope), "requests from this address")
            if least is None:
                raise NotFound(f"there is nothing at {shorten(path)}{suggestion(path, ADDRESSES, listed=False)}")
            if least == NO_KEY:
                return
            if keyring.needed:
                raise NoKey("send a key in the header 'Authorization: Bearer <key>'", headers=challenge())
            if keyring.unread:
                raise unavailable()
            client = self.nobody
        if not client.may(least):
            raise Forbidden(f"{shorten(path)} takes a key of scope {least}; the scope of this one is {client.scope}")
        scope[CLIENT] = client

    async def log_in(self, scope: Scope, credentials: list[bytes]) -> Client:
        scheme, _, key = credentials[0].partition(b" ")
        if len(credentials) > 1 or scheme.lower() != b"bearer":
            detail = "the header must be 'Authorization: Bearer <key>', once"
        else:
            key = key.strip(b" ")
            if client := self.keyring.client_of(key):
                return client
            await self.keyring.look_again()
            if client := self.keyring.client_of(key):
                return client
            if self.keyring.unread:
                raise unavailable()
            detail = "this key is not known here"
        address = address_of(scope)
        take(self.failures, address, "keys that are not known from this address")
        log.warning("request %s from %s was turned away: %s", scope[REQUEST_ID], address, detail)
        raise NoKey(detail, headers=challenge("invalid_token"))


def read_headers(scope: Scope) -> tuple[bytes, list[bytes]]:
    """The request's own id, and everything that it shows to be let in."""
    given_id, credentials = b"", []
    for name, value in scope["headers"]:
        if name == b"authorization":
            credentials.append(value)
        elif name == b"x-request-id":
            given_id = value
    return given_id, credentials


def take(buckets: Buckets, who: str, what: str) -> None:
    if wait := buckets.wait(who):
        raise TooManyRequests(f"too many {what}: try again in {wait} s", headers={"retry-after": str(wait)})


def unavailable() -> KeysUnavailable:
    return KeysUnavailable(
        "the database with the keys does not answer, so nobody can be let in: try again soon", headers={"retry-after": "5"}
    )


def challenge(error: str = "") -> dict[str, str]:
    """As RFC 6750 has it: no error for who just did not know that a key is needed."""
    return {"www-authenticate": 'Bearer realm="verigrad"' + (f', error="{error}"' if error else "")}


def mark(message: Message, request_id: bytes, private: bool) -> None:
    headers = message["headers"] = [*message["headers"], (b"x-request-id", request_id), *HEADERS]
    names = {name for name, _ in headers}
    if POLICY[0] not in names:
        headers.append(POLICY)
    if private and PRIVATE[0] not in names:
        headers.append(PRIVATE)
