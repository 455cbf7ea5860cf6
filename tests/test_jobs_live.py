"""Jobs as clients and operators meet them: two servers and three workers on one database, of either kind."""

import os
import signal
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.exc import OperationalError

from service.database.connection import Database, url_of
from service.jobs.delivery import Delivery
from service.jobs.prepare import prepare
from service.jobs.record import CHECKPOINT, RESULT
from service.jobs.store import Store
from service.settings import Settings
from tests.job_bodies import submission, training, undisturbed
from tests.job_system import PATIENCE, System, kill, parent_of, wait_for

LONG = training(30_000)
ENDLESS = training(100_000, batch_size=1)
POISON = Path(__file__).parent / "poison"


@pytest.fixture(scope="module")
def system(shared_database_url):
    with System(shared_database_url) as system:
        yield system


def events(response):
    """Event by event: id, name, data."""
    event: dict[str, str] = {}
    for line in response.iter_lines():
        if not line:
            if "data" in event:
                yield int(event["id"]), event["event"], orjson.loads(event["data"])
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def test_events_go_on_where_they_broke_off(system):
    id = system.submit({"train": LONG})
    address = f"/v1/jobs/{id}/events"
    with system.client() as client:
        with client.stream("GET", address) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            for number, name, data in events(response):
                assert (name, data["id"]) == ("progress", id)
                last = number
                if data["progress"]["fraction"] > 0:
                    break
        with client.stream("GET", address, headers={"last-event-id": str(last)}) as response:
            rest = list(events(response))
        numbers = [number for number, _, _ in rest]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > last
        assert [name for _, name, _ in rest] == ["progress"] * (len(rest) - 1) + ["succeeded"]
        assert rest[-1][2] == system.job(id)
        assert rest[-1][2]["progress"]["fraction"] == 1.0
        assert client.get(address, headers={"last-event-id": str(numbers[-1])}).status_code == 204
        assert [name for _, name, _ in events(client.get(address))] == ["succeeded"]
    assert system.result(id) == undisturbed("train", LONG)


def test_running_jobs_are_cancelled_in_a_moment_and_queued_ones_at_once(system):
    running = [system.submit({"train": ENDLESS}) for _ in range(3)]
    waiting = system.submit({"train": ENDLESS})
    wait_for(lambda: all(system.job(id)["status"] == "running" for id in running), "three jobs to run")
    assert system.job(waiting)["status"] == "queued"
    assert system.ask("DELETE", f"/v1/jobs/{waiting}").json()["status"] == "cancelled"
    for id in running:
        assert system.ask("DELETE", f"/v1/jobs/{id}").status_code == 202
    for id in running:
        assert system.finished(id)["status"] == "cancelled"
        assert system.ask("DELETE", f"/v1/jobs/{id}").json()["type"] == "/problems/job-finished"
        assert system.ask("GET", f"/v1/jobs/{id}/result").json()["type"] == "/problems/no-result"


@pytest.fixture
def store(database_url):
    database = Database(url_of(Settings(database_url=database_url)))
    prepare(database)
    yield Store(database)
    database.close()


def put(store, kind, body):
    delivery = Delivery(store.database)
    id = store.submit("", submission(kind, body), 100, delivery.enqueue).id
    delivery.close()
    return id


def freeze(worker, database):
    """At a moment at which it does not hold the lock of a SQLite file: all others would wait for it."""
    while True:
        kill(worker, signal.SIGSTOP)
        try:
            with database.engine.connect() as connection:
                if database.is_sqlite:
                    connection.exec_driver_sql("PRAGMA busy_timeout = 100")
            with database.write():
                return
        except OperationalError:
            kill(worker, signal.SIGCONT)
            time.sleep(0.05)


def test_a_worker_that_froze_and_thaws_does_not_overwrite_what_its_successor_did(store, database_url):
    id = put(store, "train", LONG)
    with System(database_url, serve=False, workers=2) as system:
        wait_for(lambda: store.length(id, CHECKPOINT), "a checkpoint")
        (child,) = system.pids("child")
        worker = parent_of(child)
        freeze(worker, store.database)
        wait_for(lambda: store.get(id, "").attempt == 2, "a successor")
        kill(worker, signal.SIGCONT)
        wait_for(lambda: worker not in system.pids("worker"), "it to see that it was taken for dead")
        wait_for(lambda: len(system.pids("child")) <= 1, "its child to end with it")
        wait_for(lambda: store.get(id, "").finished, "its end")
        job = store.get(id, "")
        assert (job.status, job.attempt) == ("succeeded", 2)
        assert store.piece(id, RESULT, 0, 10**9) == undisturbed("train", LONG)


def test_a_worker_that_stays_frozen_is_killed_for_it_may_hold_the_lock_of_a_file(tmp_path):
    url = f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
    database = Database(url_of(Settings(database_url=url)))
    prepare(database)
    store: Any = Store(database)
    id = put(store, "train", ENDLESS)
    with System(url, serve=False, workers=1) as system:
        (worker,) = wait_for(lambda: store.get(id, "").attempt and system.pids("worker"), "a job to begin")
        kill(worker, signal.SIGSTOP)
        wait_for(lambda: worker not in system.pids("worker"), "its end", 40)
        wait_for(lambda: store.get(id, "").attempt == 2, "a successor")
    database.close()


def test_a_worker_opens_no_port_and_talks_to_nobody(tmp_path):
    """Its file apart: DBOS could have an address of its makers' to call, and a server of its own."""
    with System(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", serve=False, workers=1, DBOS__CLOUD="true") as system:
        database = Path(tmp_path / "jobs.sqlite3")
        (worker,) = wait_for(lambda: database.exists() and system.pids("worker"), "a worker")
        wait_for(lambda: any(alive(database)), "it to be ready")
        held = set()
        for each in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(OSError):  # a file that has just been closed
                held.add(os.readlink(each))
        rows = [
            line.split()
            for name in ("tcp", "tcp6", "udp", "udp6")
            for line in Path("/proc/net", name).read_text().splitlines()
        ]
        assert not held & {f"socket:[{row[9]}]" for row in rows}


def alive(database):
    with sqlite3.connect(database) as connection:
        try:
            return connection.execute("SELECT id FROM workers").fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.commit()


def test_a_server_lets_go_of_who_follows_a_job_when_it_is_told_to_end(tmp_path):
    with System(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", workers=0, servers=1) as system:
        id = system.submit({"train": LONG})
        with system.client() as client, client.stream("GET", f"/v1/jobs/{id}/events") as response:
            followed = events(response)
            assert next(followed)[1] == "progress"
            begun = time.monotonic()
            system.process.send_signal(signal.SIGTERM)
            assert not list(followed)
        assert system.process.wait(PATIENCE) == 0
        assert time.monotonic() - begun < 5  # the grace that requests are given


def test_a_job_that_kills_its_worker_each_time_has_failed_after_three_attempts_and_stops_nobody(store, database_url):
    poison, other = put(store, "poison", {}), put(store, "train", training(100))
    with System(database_url, serve=False, workers=1, path=[POISON]):
        for id in (other, poison):
            wait_for(lambda id=id: store.get(id, "").finished, "its end")
    job = store.get(poison, "")
    assert (job.status, job.attempt, job.error["type"]) == ("failed", 3, "/problems/job-lost")
    assert store.get(other, "").status == "succeeded"


def test_a_worker_that_is_told_to_end_gives_its_job_back(store, database_url):
    id = put(store, "train", LONG)
    with System(database_url, serve=False, workers=1) as system:
        wait_for(lambda: store.length(id, CHECKPOINT), "a checkpoint")
        begun = time.monotonic()
        assert system.stop() == 0
        assert time.monotonic() - begun < 5
        assert wait_for(lambda: not system.members(), "all processes to end", 3)
    job = store.get(id, "")
    assert (job.status, job.attempt) == ("queued", 1)
    step = job.progress["step"]
    with System(database_url, serve=False, workers=2):
        wait_for(lambda: store.get(id, "").finished, "its end")
    job = store.get(id, "")
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert step > 0
    assert store.piece(id, RESULT, 0, 10**9) == undisturbed("train", LONG)


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path):
    with System(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", workers=2) as system:
        system.submit({"train": ENDLESS})
        wait_for(lambda: system.pids("child"), "a job to begin")
        os.kill(system.process.pid, signal.SIGKILL)
        system.process.wait()
        wait_for(lambda: not system.members(), "all processes to end", 5)
