"""What the work of a job is given, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.operations.allowance import Allowance
from service.replies.problem_documents import Document
from service.schemas.statuses import FAILED, SUCCEEDED

Report = Callable[[dict[str, Any], Callable[[], bytes] | None], None]
"""How far it is, and from where it could go on."""


@dataclass(frozen=True, slots=True)
class Work:
    wire: Any
    allowance: Allowance
    checkpoint: bytes | None
    seed: int
    """The same in every attempt, for what draws numbers and was not told from where."""
    stop: threading.Event
    report: Report


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    """"succeeded", "failed" or "interrupted"."""
    result: dict[str, Any] | None = None
    """What there is to be had, also where it failed or was interrupted."""
    error: Document | None = None
    checkpoint: bytes | None = None


def succeeded(result: dict[str, Any]) -> Outcome:
    return Outcome(SUCCEEDED, result)


def failed(error: Document, result: dict[str, Any] | None = None) -> Outcome:
    return Outcome(FAILED, result, error)
