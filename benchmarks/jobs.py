"""Jobs, as a client meets them: how soon they recover, how soon they are taken, and what they cost everybody else.

    python benchmarks/jobs.py

Starts the service with two workers and a SQLite file of its own (or TEST_DATABASE_URL). Gates: a job whose worker is killed
with -9 goes on within 10 s, one whose process is killed within 2 s; and the slowest in a hundred of tiny /v1/gradients takes
at most 5 times as long while two trainings take both cores as while nothing else is done. Recovery counts by the slowest.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
from _report import Reading, Wanted, number, run

ROOT = Path(__file__).resolve().parent.parent
TINY = {"graph": {"expressions": ["q = x + y", "f = q * z"]}, "values": {"x": 2, "y": 3, "z": 4}}
"""With another z each time: a reply that is kept would say nothing."""
NETWORK = {
    "layers": [{"units": 64, "bias": True, "activation": "tanh"}, {"units": 1, "bias": True, "activation": "identity"}],
    "loss": "squared_error",
}
NUMBERS = count(4)
SAMPLE = 2_000
ROUNDS = 5

reading = partial(Reading, "jobs")


def training(epochs: int) -> dict[str, Any]:
    inputs = [[(7 * i + 3 * j) % 11 / 11 for j in range(10)] for i in range(200)]
    labels = [[sum(row) % 1.0] for row in inputs]
    optimizer = {"kind": "adam", "learning_rate": 0.001}
    body = {"network": NETWORK, "inputs": inputs, "labels": labels, "optimizer": optimizer, "batch_size": 20}
    return {"train": {**body, "epochs": epochs}}


@contextmanager
def service(**variables: str) -> Iterator[httpx.Client]:
    with tempfile.TemporaryDirectory() as folder:
        url = {"VERIGRAD_DATABASE_URL": os.environ["TEST_DATABASE_URL"]} if "TEST_DATABASE_URL" in os.environ else {}
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VERIGRAD_DATA_DIR": folder,
            "VERIGRAD_JOB_WORKERS": "2",
            "VERIGRAD_RATE": "0",
            "VERIGRAD_MAX_JOBS": "10000",
            **url,
            **variables,
        }
        command = [sys.executable, "-m", "service", "serve", "--port", "0"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        address = next(match[1] for line in process.stdout if (match := re.match(r"Verigrad listens on (\S+)", line)))
        try:
            with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
                yield client
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def submit(client: httpx.Client, epochs: int) -> str:
    response = client.post("/v1/jobs", json=training(epochs))
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def look(client: httpx.Client, job: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/jobs/{job}").json()
    return found


def wait(client: httpx.Client, job: str, condition: Callable[[dict[str, Any]], bool]) -> float:
    """Seconds until it holds."""
    begun = time.perf_counter()
    while not condition(look(client, job)):
        time.sleep(0.01)
    return time.perf_counter() - begun


def finished(job: dict[str, Any]) -> bool:
    return bool(job["status"] not in ("queued", "running"))


def at_work() -> tuple[int, int]:
    """The process that does the job, and its worker: a child of a child of a child of this process."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    parents = {int(pid): int(parent) for pid, parent, _ in rows}
    for pid, worker, command in rows:
        if "service.jobs.child" in command and parents.get(parents.get(int(worker), 0)) == os.getpid():
            return int(pid), int(worker)
    raise LookupError("no job is being done")


def recovery(client: httpx.Client, victim: int) -> float:
    """Seconds from the kill of a job's process (0) or its worker (1) until a new process reports progress, which the first
    report does half a second after it has begun."""
    job = submit(client, 100_000)
    wait(client, job, lambda found: found["progress"]["fraction"] > 0)
    time.sleep(1.5)  # a checkpoint is written
    before = look(client, job)
    os.kill(at_work()[victim], signal.SIGKILL)
    seconds = wait(client, job, lambda found: found["attempt"] > before["attempt"])
    begun = look(client, job)["progress"]
    seconds += wait(client, job, lambda found: found["progress"] != begun)
    client.delete(f"/v1/jobs/{job}")
    wait(client, job, finished)
    return seconds


def latencies(client: httpx.Client, sample: int) -> list[float]:
    """In milliseconds."""
    seconds = []
    for _ in range(sample):
        body = {**TINY, "values": {"x": 2, "y": 3, "z": next(NUMBERS)}}
        begun = time.perf_counter()
        client.post("/v1/gradients", json=body).raise_for_status()
        seconds.append((time.perf_counter() - begun) * 1e3)
    return seconds


def percentile(seconds: list[float], percent: int) -> float:
    return quantiles(seconds, n=100)[percent - 1]


def readings(share: float) -> Iterator[Reading]:
    rounds, sample = max(1, round(ROUNDS * share)), round(SAMPLE * share)
    with service() as client:
        wait(client, submit(client, 1), finished)
        for name, victim, limit in (("a job's process", 0, 2), ("its worker", 1, 10)):
            times = [recovery(client, victim) for _ in range(rounds)]
            asked, note = Wanted("≤", limit, of="ours"), f"median {median(times):.2f} s"
            yield reading(f"kill -9 of {name}", f"recovery, slowest of {rounds}", max(times), "s", wanted=asked, note=note)
        yield from submissions(client)
        latencies(client, sample)
        idle = latencies(client, sample)
        jobs = [submit(client, 100_000) for _ in range(2)]
        for job in jobs:
            wait(client, job, lambda found: found["progress"]["fraction"] > 0)
        busy = latencies(client, sample)
        for job in jobs:
            client.delete(f"/v1/jobs/{job}")
        for name, times in (("idle", idle), ("two trainings", busy)):
            yield reading(name, "tiny /v1/gradients, median", median(times))
        found = reading("two trainings", "tiny /v1/gradients, slowest in 100", percentile(busy, 99))
        yield found.beside("idle", percentile(idle, 99), wanted=Wanted("≤", 5))


def submissions(client: httpx.Client) -> Iterator[Reading]:
    begun, times, last = time.perf_counter(), [], ""
    for _ in range(50):
        one = time.perf_counter()
        last = submit(client, 1)
        times.append((time.perf_counter() - one) * 1e3)
    yield reading("one after the other", "submitting a job", median(times), note=f"p95 {number(percentile(times, 95))} ms")
    wait(client, last, finished)
    while client.get("/v1/jobs?status=queued&limit=1").json()["jobs"]:
        time.sleep(0.05)
    yield reading("two workers", "jobs that take no time", 50 / (time.perf_counter() - begun), "a second")


if __name__ == "__main__":
    run(readings, __doc__)
