"""Who does which job: DBOS hands a job's id to one worker, through tables beside ours in the same database.

Its workflow has the id of the job, so that enqueuing twice is enqueuing once. Nothing but that id passes through it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions

from service.database.connection import Database

APPLICATION = "verigrad"
VERSION = "1"
"""Pinned: a worker of the next release takes up what one of this release left."""
WORKFLOW, QUEUE = "do_job", "jobs"
POLL = 0.2
"""Seconds between two looks of an idle worker at the queue."""
LOWEST = 2**31 - 1

logging.getLogger("dbos").setLevel(logging.ERROR)


def address(database: Database) -> str:
    return database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False)


def prepare_delivery(database: Database) -> None:
    """The tables of DBOS, and the queue in them."""
    DBOS.migrate(address(database))
    client = DBOSClient(system_database_url=address(database), application_name=APPLICATION, system_database_pool_size=1)
    try:
        client.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL)
    finally:
        client.destroy()


def worker_config(database: Database, worker: str) -> DBOSConfig:
    return DBOSConfig(
        name=APPLICATION,
        system_database_url=address(database),
        sys_db_pool_size=5,
        application_version=VERSION,
        executor_id=worker,
        run_migrations=False,
        log_level="ERROR",
        enable_otlp=False,
        scheduler_polling_interval_sec=3600.0,  # there are no schedules
    )


class Delivery:
    """What the API and the sweeper do with deliveries."""

    def __init__(self, database: Database) -> None:
        self.client = DBOSClient(
            system_database_url=address(database),
            application_name=APPLICATION,
            system_database_pool_size=2,
            lazy=True,
            retry_connection_errors=False,
        )

    def close(self) -> None:
        self.client.destroy()

    def enqueue(self, connection: sa.Connection, job: str, place: int) -> None:
        """In the caller's transaction: a job and its delivery come into being together, or not at all.

        `place` is how many jobs of the same owner are before it: who has many waiting lets others go first.
        """
        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=QUEUE,
            workflow_id=job,
            app_version=VERSION,
            priority=min(place + 1, LOWEST),
        )
        self.client.enqueue_in_transaction(connection, options, job)

    def under_way(self) -> dict[str, str]:
        """The worker of every job that was handed to one and not yet given back."""
        found = self.client.list_workflows(queue_name=QUEUE, status="PENDING", load_input=False, load_output=False)
        return {each.workflow_id: each.executor_id or "" for each in found}

    def waiting(self) -> set[str]:
        found = self.client.list_workflows(queue_name=QUEUE, status="ENQUEUED", load_input=False, load_output=False)
        return {each.workflow_id for each in found}

    def hand_out_again(self, jobs: Iterable[str]) -> None:
        if ids := sorted(jobs):
            self.client.resume_workflows(ids, queue_name=QUEUE)

    def forget(self, jobs: Iterable[str]) -> None:
        if ids := sorted(jobs):
            self.client.delete_workflows(ids)
