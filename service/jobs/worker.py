"""A worker: a process that does one job at a time, as service/processes/supervisor.py starts it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from time import monotonic
from typing import Any

from dbos import DBOS
from sqlalchemy.exc import DBAPIError

from service.database.connection import Database, reason_of, url_of
from service.database.schema import NewerSchema
from service.jobs.attempts import Attempts
from service.jobs.delivery import QUEUE, WORKFLOW, Delivery, worker_config
from service.jobs.fleet import DeclaredDead, Fleet, new_name
from service.jobs.prepare import prepare
from service.jobs.runner import Limits, Runner
from service.jobs.sweeper import Sweeper
from service.settings import Settings
from service.telemetry.logs import start_log

REDELIVERIES = 1_000_000
"""How often DBOS may hand out one job: the attempts are counted in our own table."""
SHARE = 0.6
"""Of the grace, that a job is given to stop; the rest is for writing down where it stopped."""

log = logging.getLogger("verigrad.jobs")


class Worker:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.id = new_name()
        self.draining = threading.Event()
        self.idle = threading.Event()
        self.idle.set()
        self.entrance = threading.Lock()
        self.database = Database(url_of(settings))
        self.delivery = Delivery(self.database)
        self.fleet = Fleet(self.database, self.id, settings.job_lease)
        self.sweeper = Sweeper(self.database, self.delivery, settings.job_retention)
        limits = Limits(settings.job_seconds, settings.job_memory, drain=SHARE * settings.grace)
        self.runner = Runner(Attempts(self.database, self.id, settings.job_attempts), limits, self.draining)

    def work(self) -> None:
        """Until told to end."""
        prepare(self.database)
        self.fleet.join()  # before DBOS hands out anything: what a stranger holds is taken away from it
        DBOS(config=worker_config(self.database, self.id))

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=REDELIVERIES)
        def do_job(job: str) -> None:
            self.do(job)

        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        log.info("worker %s is ready", self.id)
        while not self.draining.wait(self.settings.job_heartbeat):
            self.beat()
        self.drain()

    def do(self, job: str) -> None:
        """What DBOS calls with the id of a job, in a thread."""
        with self.entrance:
            if open := not self.draining.is_set():
                self.idle.clear()
        if open:
            try:
                self.runner.run(job)
            finally:
                self.idle.set()
        if self.draining.is_set():
            # To return would be to say that the job is done. Its delivery stays open, and is passed on by `drain`.
            threading.Event().wait()

    def beat(self) -> None:
        try:
            live = self.fleet.beat()
            if self.id == min(live):
                self.sweeper.sweep(live)
        except DBAPIError as error:
            log.warning("the database does not answer (%s)", reason_of(error))

    def drain(self) -> None:
        """The running job stops, with a checkpoint, and goes back to the queue."""
        until = monotonic() + self.settings.grace
        with self.entrance:
            pass  # whatever job was about to begin has begun; no other will
        while not self.idle.wait(self.settings.job_heartbeat) and monotonic() < until:
            self.fleet.beat()
        self.fleet.leave()
        mine = [job for job, worker in self.delivery.under_way().items() if worker == self.id]
        self.delivery.hand_out_again(mine)


def main(pipe: int) -> None:
    start_log()
    worker = Worker(Settings.from_environment())

    def end(number: int, frame: Any) -> None:
        worker.draining.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the supervisor decides
    code = 0
    try:
        worker.work()
    except DeclaredDead:
        # Frozen, or cut off from the database. Whoever has its job now must not be disturbed: begin anew as another.
        log.warning("worker %s was taken for dead", worker.id)
        code = 1
    except NewerSchema as error:
        log.error("%s", error)
        code = 1
    except (DBAPIError, OSError) as error:
        log.error("the database of jobs cannot be opened (%s)", reason_of(error))
        code = 1
    except Exception:
        log.exception("worker %s ends", worker.id)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # threads of DBOS that still wait for a job would keep the process
