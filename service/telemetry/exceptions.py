"""An exception for the log: of what type, and where; never its message, for that may quote what a client has sent."""

from __future__ import annotations

import traceback

LOST = b'{"level": "error", "event": "a line could not be logged"}\n'
"""What stands in the place of a line whose writing failed itself."""


def describe(error: BaseException) -> str:
    """As Python prints it, without messages. What it came of is told first."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"{frames}{type(link).__module__}.{type(link).__qualname__}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\nled to\n\n".join(reversed(parts))
