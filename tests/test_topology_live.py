"""The topology of docker-compose.yml, without Docker: a service without workers, two workers apart, and PostgreSQL."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import yaml

from service.database.connection import Database, url_of
from service.jobs.record import CHECKPOINT
from service.jobs.store import Store
from service.keys import entry_of, make_key
from service.settings import Settings
from tests.databases import new_database
from tests.job_bodies import training, undisturbed
from tests.job_system import PATIENCE, System, wait_for
from tests.serving import ROOT

LONG = training(30_000)
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = ("VERIGRAD_DATABASE_URL", "VERIGRAD_HOST", "VERIGRAD_PORT")
"""What must differ here: addresses."""


def chosen(name, **values):
    """The variables of a service, filled in as Compose does."""
    found = {}
    for variable, value in SERVICES[name]["environment"].items():
        if variable.startswith("VERIGRAD_") and variable not in OURS:
            found[variable] = re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda m: str(values.get(m[1], m[3])), value)
    return found


def healthy(system, *arguments):
    command = [sys.executable, "-m", "service", "healthy", *arguments]
    port = system.address.rpartition(":")[2] or "1"
    variables = {**system.environment, "VERIGRAD_PORT": port}
    return subprocess.run(command, env=variables, capture_output=True, timeout=PATIENCE).returncode == 0


def test_a_job_is_done_by_workers_apart_and_put_back_by_one_that_is_told_to_end(request, tmp_path):
    url = new_database(request, "postgresql", tmp_path)
    key = make_key()
    as_api = chosen("api", VERIGRAD_KEYS=entry_of("lecturer", "compute", key))
    as_worker = chosen("worker")
    assert (as_api["VERIGRAD_JOB_WORKERS"], as_worker["VERIGRAD_JOB_WORKERS"]) == ("0", "1")
    with ExitStack() as running:
        workers = [running.enter_context(Part(url, serve=False, **as_worker)) for _ in range(2)]
        api = running.enter_context(Part(url, serve=True, key=key, **as_api))
        wait_for(lambda: healthy(api), "the service to be healthy")
        wait_for(lambda: healthy(workers[0], "--worker"), "a worker to be healthy")
        id = api.submit({"train": LONG})
        store: Any = Store(Database(url_of(Settings(database_url=url))))
        wait_for(lambda: store.length(id, CHECKPOINT), "a checkpoint")
        at_it = next(worker for worker in workers if worker.pids("child"))
        assert at_it.stop() == 0
        wait_for(lambda: store.get(id, "lecturer").attempt == 2, "the other to take it up")
        assert api.finished(id)["status"] == "succeeded"
        assert api.result(id) == undisturbed("train", LONG)
        store.database.close()
        assert api.ask("GET", "/v1/jobs", headers={"authorization": "Bearer unknown"}).status_code == 401
        assert api.stop() == 0


class Part(System):
    """One container's processes: those of its own session alone."""

    def __init__(self, url, *, key="", **variables):
        self.key = key
        super().__init__(url, **variables)

    def client(self):
        client = super().client()
        client.headers["authorization"] = f"Bearer {self.key}"
        return client

    def members(self):
        return {pid: command for pid, command in super().members().items() if session_of(pid) == self.process.pid}


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
