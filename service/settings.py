"""What an operator can set, from the environment.

VERIGRAD_HOST               where to listen                                127.0.0.1
VERIGRAD_PORT               the port; 0 takes a free one                   8000
VERIGRAD_MAX_BODY           bytes of a request's body that are accepted    33554432 (32 MB)
VERIGRAD_MAX_SUBMISSIONS    submissions that one batch may have            1000
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "VERIGRAD_"


class BadSetting(ValueError):
    """A setting that cannot be used; the sentence names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = 8000
    max_body: int = 32 * 2**20
    max_submissions: int = 1_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """A variable that is empty counts as not set, as in a compose file that passes on what may be missing."""
        return cls(
            host=environment.get(f"{PREFIX}HOST") or cls().host,
            port=whole(environment, "PORT", cls().port, least=0, most=65_535),
            max_body=whole(environment, "MAX_BODY", cls().max_body, least=1, most=2**40),
            max_submissions=whole(environment, "MAX_SUBMISSIONS", cls().max_submissions, least=1, most=2**40),
        )


def whole(environment: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = environment.get(PREFIX + name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise BadSetting(f"{PREFIX}{name} must be a whole number from {least} to {most}, not '{text[:40]}'")
    return int(text)
