"""Who may use the service: bearer keys, of which it knows only the hashes. `verigrad keys create` makes one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

SCOPES = ("grade", "compute", "admin")
"""From least to most: each may do all that those before it may."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Of a key in the settings, where commas and colons mean something."""
LONGEST_NAME = 64
"""Characters of the name of a key in the database. It may have spaces, for it is there for people."""
HASH = re.compile(r"[0-9A-Fa-f]{64}")
NOT_SECRET = {sha256(text).hexdigest() for text in (b"", b"\n")}
"""What is hashed when the variable that should hold a key is empty."""
SHORTEST, LONGEST = 32, 512
"""Characters of a key. SHA-256 is fast, so it protects only what nobody can guess: at random, and this long."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. Several keys may share a name, so that one can be replaced by another without a gap."""

    name: str
    scope: str

    def may(self, least: str) -> bool:
        return SCOPES.index(self.scope) >= SCOPES.index(least)

    @property
    def sees_answers(self) -> bool:
        return self.may("compute")


NOBODY = "anonymous"
"""The name of whoever comes without a key where none is needed. No key may have it."""


@dataclass(frozen=True, slots=True)
class Entry:
    client: Client
    digest: bytes = field(repr=False)
    id: str = ""
    """Of a key in the database; those of the settings have none."""


class Keys:
    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(entries)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def find(self, key: bytes) -> Entry | None:
        """Every hash is compared to its end, so that the time this takes tells nothing of any of them."""
        if not SHORTEST <= len(key) <= LONGEST:
            return None
        digest = sha256(key).digest()
        found = None
        for entry in self.entries:
            if compare_digest(entry.digest, digest):
                found = entry
        return found


def read_keys(text: str) -> Keys:
    """From the setting. What is wrong is told by its place, for any part of it may be a secret in the wrong column."""
    if not text.strip():
        return Keys()
    entries: list[Entry] = []
    for number, part in enumerate(text.split(","), 1):
        entry = read_entry(part.strip(), f"entry {number}")
        for earlier in entries:
            if earlier.digest == entry.digest:
                raise ValueError(f"entry {number} has the same hash as one before it")
            if earlier.client.name == entry.client.name and earlier.client.scope != entry.client.scope:
                raise ValueError(f"entry {number} has the name of one before it, but another scope")
        entries.append(entry)
    return Keys(entries)


def read_entry(text: str, place: str) -> Entry:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError(f"{place} must be name:scope:hash")
    name, scope, digest = parts
    check_client(name, scope, place)
    if not HASH.fullmatch(digest):
        raise ValueError(f"the hash of {place} must be a SHA-256 in 64 hexadecimal digits")
    if digest.lower() in NOT_SECRET:
        raise ValueError(f"the hash of {place} is that of an empty key")
    return Entry(Client(name, scope), bytes.fromhex(digest))


def check_client(name: str, scope: str, place: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"the name of {place} must be 1 to 64 letters, digits, dots, dashes or underscores")
    if name == NOBODY:
        raise ValueError(f"the name of {place} is that of clients without a key: choose another")
    if scope not in SCOPES:
        raise ValueError(f"the scope of {place} must be {', '.join(SCOPES[:-1])} or {SCOPES[-1]}")


def check_name(name: str) -> None:
    """Of a key in the database. It is shown to people and written to logs, so nothing in it may be mistaken for a line or
    be invisible."""
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise ValueError(f"the name of a key has 1 to {LONGEST_NAME} visible characters, with spaces only between them")
    if name == NOBODY:
        raise ValueError("this is the name of clients without a key: choose another")


def digest_of(key: str) -> bytes:
    return sha256(key.encode()).digest()


def make_key() -> str:
    """256 random bits. The prefix lets scanners recognise a key that was published by accident."""
    return f"verigrad_{token_urlsafe(32)}"


def entry_of(name: str, scope: str, key: str) -> str:
    """For VERIGRAD_KEYS."""
    return f"{name}:{scope}:{digest_of(key).hex()}"
