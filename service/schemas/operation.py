"""GET /healthz and /readyz, and the document of every error."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from service.replies.problem_types import PROBLEM_TYPES
from service.schemas.base import Absent, Wire, one_of

PATH = "network.layers[1].weights"
MESSAGE = "layer 2: weights are 3×1 (in_out) and take 3, but layer 1 gives 2 units"


class Health(Wire):
    """How the service is."""

    status: Annotated[str, one_of(["ok", "ready", "degraded", "not ready"])]
    """/healthz says ok; /readyz says ready, degraded if jobs must wait for a worker, or not ready with status 503."""
    reasons: list[str] | Absent = None
    """What is missing, where it is not ready."""


class ProblemError(Wire, json_schema_extra={"examples": [{"path": PATH, "message": MESSAGE}]}):
    """What is wrong, and where."""

    path: str
    """In the body of the request; empty for the whole of it. Indices count from 0."""
    message: str
    """What is wrong there."""


class ProblemDocument(
    Wire,
    json_schema_extra={
        "examples": [
            {
                "type": PROBLEM_TYPES["shape-mismatch"].uri,
                "title": PROBLEM_TYPES["shape-mismatch"].title,
                "status": 422,
                "detail": f"{MESSAGE} (at {PATH})",
                "errors": [{"path": PATH, "message": MESSAGE}],
            }
        ]
    },
):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    """Stable, and the address of a page that explains it."""
    title: str
    """The same for every problem of this type."""
    status: int
    """The HTTP status."""
    detail: str
    """A sentence to act on."""
    errors: list[ProblemError]
    """First what `detail` tells, then all other fields that are missing, unknown, or of the wrong kind: at most 20. Empty
    where no body is at fault."""
