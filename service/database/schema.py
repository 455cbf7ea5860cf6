"""Which steps the tables have gone through, and which this version of Verigrad knows."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

VERSION_TABLE = "verigrad_version"


class NewerSchema(Exception):
    """The tables are those of a later version, which may mean by them what this one does not know."""


def upgrade(connection: sa.Connection) -> str:
    """All steps that are missing, in the transaction of this connection. The step at which the tables were before."""
    before = step_of(connection)
    refuse_newer(before)
    config = settings()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before


def step_of(connection: sa.Connection) -> str:
    """Empty where there are no tables yet."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() or ""


def refuse_newer(step: str) -> None:
    if step and step not in known_steps():
        raise NewerSchema(
            f"the schema of the database ({step}) is newer than this version of Verigrad ({newest_step()}): start a newer"
            " version, or restore a backup from before"
        )


@cache
def newest_step() -> str:
    return ScriptDirectory.from_config(settings()).get_current_head() or ""


@cache
def known_steps() -> frozenset[str]:
    return frozenset(each.revision for each in ScriptDirectory.from_config(settings()).walk_revisions())


def settings() -> Config:
    config = Config()
    config.set_main_option("script_location", "service.database:migrations")
    config.set_main_option("path_separator", "os")
    return config
