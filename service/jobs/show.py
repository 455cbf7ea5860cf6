"""A job, in the form of the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.jobs.record import Job
from service.schemas.statuses import SUCCEEDED


def show(job: Job) -> dict[str, Any]:
    times = {"created_at": job.created_at, "started_at": job.started_at, "finished_at": job.finished_at}
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        # A training that stopped early has done all there was to do.
        "progress": {"fraction": 0.0, **job.progress, **({"fraction": 1.0} if job.status == SUCCEEDED else {})},
        "attempt": job.attempt,
        **{name: instant(seconds) for name, seconds in times.items() if seconds is not None},
        **({} if job.error is None else {"error": job.error}),
        "links": {name: address(job, part) for name, part in (("self", ""), ("events", "/events"), ("result", "/result"))},
    }


def address(job: Job, part: str = "") -> str:
    return f"/v1/jobs/{job.id}{part}"


def instant(seconds: float) -> str:
    """2026-03-04T05:06:07.890Z"""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
