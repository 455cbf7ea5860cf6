"""What can go wrong between a client and its service: one tree.

VerigradError
├── Refused          the service answered with a problem document
├── Unreachable      it could not be reached, or hung up
├── TimedOut         it did not answer within the deadline
└── UnexpectedReply  something answered, but not as Verigrad does
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

STATUSES = {each.value: each.phrase for each in HTTPStatus}
TEMPORARY = frozenset({429, 502, 503, 504})
HOPELESS = frozenset({"deadline-exceeded"})
"""The service did the work until it took too long, and so it would again."""


class VerigradError(Exception):
    """Whatever this library raises once a request was made."""

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed a little later."""
        return False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where in the request: `network.layers[0].weights`, or "" for all of it."""

    path: str
    message: str


class Refused(VerigradError):
    """The service answered with a problem document (RFC 9457)."""

    def __init__(
        self, document: Mapping[str, Any], content: bytes = b"", request_id: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(document, content, request_id, retry_after)  # all of them, so that it can be pickled
        self.document = document
        self.content = content
        """The document as it came."""
        self.request_id = request_id
        """For whoever runs the service: it is in the log."""
        self.retry_after = retry_after
        """Seconds, where the service asked to wait."""

    @property
    def kind(self) -> str:
        """The last part of the type: `shape-mismatch`."""
        return str(self.document.get("type", "about:blank")).rpartition("/")[2]

    @property
    def status(self) -> int:
        return int(self.document["status"])

    @property
    def title(self) -> str:
        return str(self.document.get("title", ""))

    @property
    def detail(self) -> str:
        return str(self.document.get("detail", ""))

    @property
    def errors(self) -> list[Fault]:
        return [Fault(str(each.get("path", "")), str(each.get("message", ""))) for each in self.document.get("errors", [])]

    @property
    def temporary(self) -> bool:
        return self.status in TEMPORARY and self.kind not in HOPELESS

    def __str__(self) -> str:
        told = f"{self.status} {self.kind}: {self.detail or self.title}"
        return f"{told} (request {self.request_id})" if self.request_id else told

    def __repr__(self) -> str:
        return f"Refused({str(self)!r})"


class Unreachable(VerigradError):
    """No connection, or one that broke before the whole reply was there."""

    @property
    def temporary(self) -> bool:
        return True


class TimedOut(VerigradError):
    """No reply within the deadline. It is not tried again: no time is left."""


class UnexpectedReply(VerigradError):
    """Something answered that is not Verigrad, or it sends elsewhere: see whether the address is right."""


def blank_document(status: int) -> dict[str, Any]:
    """For an error that comes without a document, as from a proxy."""
    title = STATUSES.get(status, f"Status {status}")
    return {"type": "about:blank", "title": title, "status": status, "detail": title, "errors": []}
