"""What the exit status says: one constant each."""

from __future__ import annotations

from typing import Any

DONE = 0
"""Whatever the answer is."""
FAILED = 1
"""With --fail alone: the gradients do not agree, or not all points were given."""
BAD_INPUT = 2
"""Nothing that can be computed, or a file that cannot be read; argparse's own for bad options, too."""
NOT_ALLOWED = 3
"""The service knows no such key, or the key may not do that."""
UNREACHABLE = 4
"""No service, one that is too busy, or one that took too long: try again."""
FAULT = 5
"""Of Verigrad itself, or of where its answer is written to."""
INTERRUPTED = 130
"""By Ctrl-C, as a shell says it."""
NO_READER = 141
"""Whoever read the output went away, as a shell says it."""

MEANING = """\
exit status:
  0  done
  1  with --fail: it does not agree, or not all points were given
  2  bad input, or a file that cannot be read
  3  the key may not do that
  4  no service, or it is too busy or took too long
  5  a fault of Verigrad, or an answer that cannot be written
"""


def exit_of(document: dict[str, Any]) -> int:
    """Of a problem document."""
    status = document.get("status")
    if status in (401, 403):
        return NOT_ALLOWED
    # No status: it was never reached. 404 and 405: what is there is not the service, or an older one.
    if status is None or status in (404, 405, 429, 502, 503, 504):
        return UNREACHABLE
    return FAULT if status >= 500 else BAD_INPUT
