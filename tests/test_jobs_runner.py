"""One job in a process of its own: what it comes to, and what ends it. The worker here is the test itself."""

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from service.database.connection import Database, url_of
from service.jobs.attempts import Attempts
from service.jobs.prepare import prepare
from service.jobs.record import CHECKPOINT, RESULT
from service.jobs.runner import Limits, Runner
from service.jobs.store import Store
from service.settings import Settings
from tests.job_bodies import MEMORY, submission, training, undisturbed

LONG = training(30_000)
"""Some seconds."""
ENOUGH = Limits(seconds=600, memory=MEMORY, drain=30)
POISON = Path(__file__).parent / "poison"


@pytest.fixture
def database(tmp_path):
    database = Database(url_of(Settings(data_dir=tmp_path)))
    prepare(database)
    yield database
    database.close()


class Bench:
    """A runner, and a job for it."""

    def __init__(self, database, kind, body, limits=ENOUGH):
        self.store, self.draining = Store(database), threading.Event()
        self.runner = Runner(Attempts(database, "worker", 3), limits, self.draining)
        self.id = self.store.submit("", submission(kind, body), 100, lambda *delivered: None).id

    def run(self):
        self.runner.run(self.id)
        return self.job

    def start(self):
        """In a thread; returns once the first checkpoint is written."""
        thread = threading.Thread(target=self.run)
        thread.start()
        until = time.monotonic() + 60
        while self.store.length(self.id, CHECKPOINT) is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        return thread

    @property
    def job(self):
        job = self.store.get(self.id, None)
        assert job is not None
        return job

    @property
    def result(self):
        return self.store.piece(self.id, RESULT, 0, 10**9)


def children():
    """Of jobs alone: other tests may have processes that compute."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            for child in (task / "children").read_text().split():
                with suppress(OSError):  # a process that has
                    if b"service.jobs.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                        found.append(int(child))
    return found


def test_a_training(database):
    bench = Bench(database, "train", training(50))
    job = bench.run()
    assert (job.status, job.attempt, job.error) == ("succeeded", 1, None)
    assert bench.result == undisturbed("train", training(50))
    result = orjson.loads(bench.result)
    assert (result["stopped"], result["steps"], len(result["history"])) == ("steps", 150, 50)
    assert result["history"][-1]["cost"] < result["history"][0]["cost"]


def test_a_check_and_a_batch(database):
    problem = {"graph": {"expressions": ["f = x * y"]}, "values": {"x": 2, "y": 3}}
    bench = Bench(database, "check", {**problem, "method": "directional"})
    assert bench.run().status == "succeeded"
    assert orjson.loads(bench.result)["status"] == "agrees"
    bench = Bench(database, "grade_batch", {**problem, "submissions": [{"id": "ada", "answers": {"dx": 3, "dy": 2}}]})
    job = bench.run()
    assert (job.status, job.progress) == ("succeeded", {"graded": 1, "submissions": 1, "fraction": 1.0})
    assert orjson.loads(bench.result)["results"][0]["grade"]["score"] == 1.0


def test_a_child_that_is_killed_is_replaced_and_nobody_can_tell(database):
    bench = Bench(database, "train", LONG)
    thread = bench.start()
    (child,) = children()
    os.kill(child, signal.SIGKILL)
    until = time.monotonic() + 60  # a second, on a quiet machine
    while bench.job.attempt == 1:
        assert time.monotonic() < until
        time.sleep(0.01)
    thread.join()
    assert (bench.job.status, bench.job.attempt) == ("succeeded", 2)
    assert bench.result == undisturbed("train", LONG)


def test_a_running_job_is_cancelled(database):
    bench = Bench(database, "train", training(100_000))
    thread = bench.start()
    bench.store.cancel(bench.id)
    thread.join(10)
    assert (bench.job.status, children()) == ("cancelled", [])
    assert bench.store.length(bench.id, RESULT) is None


def test_a_job_is_given_back_with_a_checkpoint_and_goes_on_from_there(database, caplog):
    caplog.set_level(logging.INFO, "verigrad.jobs")
    bench = Bench(database, "train", LONG)
    thread = bench.start()
    bench.draining.set()
    thread.join(10)
    assert (bench.job.status, children()) == ("queued", [])
    assert f"job {bench.id}: goes back to the queue" in caplog.text
    step = bench.job.progress["step"]
    bench.draining.clear()
    job = bench.run()
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert step < job.progress["step"] == 90_000
    assert bench.result == undisturbed("train", LONG)


def test_a_job_that_takes_too_long_leaves_what_its_last_checkpoint_had(database):
    bench = Bench(database, "train", training(100_000), Limits(seconds=4, memory=MEMORY, drain=1))
    job = bench.run()
    assert (job.status, job.error["type"]) == ("failed", "/problems/job-timed-out")
    assert job.error["detail"] == "timed out after 4 s of work"
    result = orjson.loads(bench.result)
    assert result["stopped"] == "interrupted"
    assert result["steps"] > 0
    assert set(result["parameters"]) == {"W1", "b1", "W2", "b2"}


def test_a_training_that_diverges_says_at_which_step_and_keeps_the_last_finite_parameters(database):
    wild = training(1_000, optimizer={"kind": "sgd", "learning_rate": 1e200})
    job = (bench := Bench(database, "train", wild)).run()
    assert (job.status, job.error["type"]) == ("failed", "/problems/job-diverged")
    assert job.error["detail"].startswith("diverged at step ")
    result = orjson.loads(bench.result)
    assert result["stopped"] == "diverged"
    assert all(abs(each) < 1e308 for each in result["parameters"]["b2"])


def test_what_only_turns_out_during_the_work_is_said_with_its_path(database):
    infinite = {"graph": {"expressions": ["f = exp(x)"]}, "values": {"x": 1000}}
    job = Bench(database, "train", {**infinite, "optimizer": {"kind": "sgd", "learning_rate": 1}, "steps": 5}).run()
    assert (job.status, job.error["type"]) == ("failed", "/problems/not-finite")


@pytest.fixture
def poisoned(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(POISON), str(POISON.parent.parent)]))


def test_a_job_that_always_crashes_has_failed_after_three_attempts(database, poisoned):
    job = Bench(database, "crash", {}).run()
    assert (job.status, job.attempt, job.error["type"]) == ("failed", 3, "/problems/job-lost")
    assert "lost 3 times in a row" in job.error["detail"]


def test_a_job_that_takes_too_much_memory_says_so(database, poisoned):
    job = Bench(database, "hoard", {}, Limits(seconds=60, memory=300 * 2**20, drain=1)).run()
    assert (job.status, job.attempt, job.error["type"]) == ("failed", 1, "/problems/job-out-of-memory")
    assert "300 MB" in job.error["detail"]
