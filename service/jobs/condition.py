"""How the database of jobs is, for /readyz."""

from __future__ import annotations

from dataclasses import dataclass

from service.database.connection import Database
from service.database.schema import newest_step, step_of
from service.jobs.fleet import count_live


@dataclass(frozen=True, slots=True)
class Condition:
    fault: str = ""
    """Why jobs cannot be reached; empty if they can."""
    workers: int = 0
    """Seen lately."""


def condition_of(database: Database, lease: float) -> Condition:
    with database.read() as connection:
        if (step := step_of(connection)) != newest_step():
            found = f"is at step {step}" if step else "has not been made"
            return Condition(f"the schema of the database {found}, and this version of Verigrad needs {newest_step()}")
        return Condition(workers=count_live(connection, lease))
