"""The tables, as the newest migration leaves them. A test holds the two against each other."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # grows with every change that a client can see
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),  # how many were begun
    sa.Column("lost", sa.Integer, nullable=False),  # how many of them ended by themselves since the last checkpoint
    sa.Column("spent", sa.Double, nullable=False),  # seconds of work, of all attempts
    sa.Column("token", sa.String(36)),  # of the attempt that may write; of none if it is empty
    sa.Column("worker", sa.String(64)),
    sa.Column("cancelling", sa.Boolean, nullable=False),
    sa.Column("allowance", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Index("jobs_by_owner", "owner", "created_at", "id"),
    sa.Index("jobs_by_status", "status", "finished_at"),
    sa.Index("jobs_by_idempotency_key", "owner", "idempotency_key", unique=True),
)

parts = sa.Table(
    "job_parts",  # what is large, kept apart: SQLite writes all of a row when a part of it changes
    metadata,
    sa.Column("job", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(16), primary_key=True),  # body, checkpoint, result
    sa.Column("content", sa.LargeBinary, nullable=False),
)

tallies = sa.Table(
    "job_tallies",  # of jobs that have ended, also those that are kept no longer
    metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("status", sa.String(16), primary_key=True),
    sa.Column("reason", sa.String(64), primary_key=True),  # the type of problem of those that failed
    sa.Column("within", sa.Double, primary_key=True),  # a bound of their seconds: see tallies.py
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("seen_at", sa.Double, nullable=False),
)

keys = sa.Table(
    "keys",  # a row stays when its key is revoked: a service that has had keys does not become open again
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("scope", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # SHA-256 of the key, which is kept nowhere
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("used_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
)
