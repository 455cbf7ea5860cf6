"""Jobs that have ended, counted in the transaction that ends them: exact, whoever dies, and for every process to tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from service.database.connection import now
from service.database.tables import jobs, tallies

BOUNDS = (0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 3_600.0)
"""Seconds from the first attempt to the end."""
BEYOND, NEVER = 1e9, 0.0
"""What a row says that is within none of them, or of jobs that were never begun."""
KIND_PREFIX = "/problems/"


def tally(connection: sa.Connection, job: str, status: str, error: Mapping[str, Any] | None = None) -> None:
    """That this job ends now."""
    wanted = sa.select(jobs.c.kind, now() - jobs.c.started_at).where(jobs.c.id == job)
    kind, seconds = connection.execute(wanted).one()
    reason = "" if error is None else str(error["type"]).removeprefix(KIND_PREFIX)
    within = NEVER if seconds is None else next((bound for bound in BOUNDS if seconds <= bound), BEYOND)
    row = {"kind": kind, "status": status, "reason": reason, "within": within, "count": 1, "seconds": seconds or 0.0}
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(tallies).values(row)
    added = {name: tallies.c[name] + insert.excluded[name] for name in ("count", "seconds")}
    connection.execute(insert.on_conflict_do_update(index_elements=list(tallies.primary_key), set_=added))
