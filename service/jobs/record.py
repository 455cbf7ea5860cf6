"""A job, as its row in the table tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from service.database.tables import jobs
from service.schemas.statuses import FINISHED

BODY, CHECKPOINT, RESULT = "body", "checkpoint", "result"


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    owner: str
    kind: str
    status: str
    revision: int
    """Grows with every change that a client can see."""
    progress: dict[str, Any]
    error: dict[str, Any] | None
    """A problem document."""
    attempt: int
    created_at: float
    started_at: float | None
    finished_at: float | None

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


COLUMNS = [jobs.c[name] for name in Job.__slots__]


def job_of(row: sa.Row[Any]) -> Job:
    found = dict(row._mapping)
    found["progress"] = orjson.loads(found["progress"])
    found["error"] = found["error"] and orjson.loads(found["error"])
    return Job(**found)


def text_of(value: Any) -> str:
    return orjson.dumps(value).decode()
