"""What is counted by the processes that answer requests. docs/metrics.md tells what each means, and a test holds it to that.

Under the supervisor several processes count into files in one folder, one file a process and kind, and /metrics adds them
up. A file is named after the process's place (server-0) and not after its id: who takes the place of one that died goes on
counting in its file, so that no count is ever lost or taken back and there are never more files than places. What only a
living process has, such as requests that wait, is thrown away by the supervisor when it dies.

Labels have few values: rows of tables, never what was sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.telemetry.environment import FOLDER, PROCESS
from service.telemetry.facts import Facts

LIVE: Literal["livesum"] = "livesum"
RESERVED = 2**18
"""Bytes of each file, more than it will need."""


def reserve(folder: Path, place: str) -> bool:
    """Whether there is room for what this process counts. Without, it would be ended when it first writes there."""
    for kind in ("counter", "histogram", f"gauge_{LIVE}"):
        file = folder / f"{kind}_{place}.db"
        try:
            with file.open("ab") as opened:
                os.posix_fallocate(opened.fileno(), 0, RESERVED)
        except OSError:
            with suppress(OSError):
                if not file.stat().st_size:
                    file.unlink()
            return False
    return True


ALONE = False
"""Whether there was no room to count together with the other processes."""
if os.environ.get(FOLDER) and not reserve(Path(os.environ[FOLDER]), os.environ[PROCESS]):
    ALONE = True
    del os.environ[FOLDER]
    values.ValueClass = values.MutexValue
if os.environ.get(FOLDER):
    place = os.environ[PROCESS]
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]  # before there are metrics
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody asks for

REGISTRY = CollectorRegistry()
NONE = "none"
"""The route of what is at no address of the service, or was refused before it had one."""
METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bounds, in seconds, of what a client waits for."""
FAULTY = ("500", "507")

REQUESTS = Counter("verigrad_requests", "Requests that were answered", ["route", "method", "status"], registry=REGISTRY)
FAULTS = Counter("verigrad_faults", "Requests answered with 500 or 507, by status", ["status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram(
    "verigrad_request_seconds",
    "From the end of a request's headers until its answer begins",
    ["route"],
    buckets=QUICK,
    registry=REGISTRY,
)
WORK_SECONDS = Histogram(
    "verigrad_work_seconds",
    "The work for a request alone, without waiting for it",
    ["operation"],
    buckets=QUICK,
    registry=REGISTRY,
)
NOTED = {
    "certificates": Counter("verigrad_certificates", "Certificates of answer keys", ["status"], registry=REGISTRY),
    "checks": Counter("verigrad_checks", "Verdicts of checks", ["status"], registry=REGISTRY),
    "verdicts": Counter("verigrad_verdicts", "Verdicts of graded items", ["verdict"], registry=REGISTRY),
}
"""What the work for a request came to, by what facts.py calls it."""
POOL_BUSY = Gauge(
    "verigrad_pool_busy", "Requests that a process beside works on at this moment", multiprocess_mode=LIVE, registry=REGISTRY
)
POOL_WAITING = Gauge(
    "verigrad_pool_waiting", "Requests that wait for a process beside", multiprocess_mode=LIVE, registry=REGISTRY
)
POOL_REFUSED = Counter(
    "verigrad_pool_refused", "Requests that a process beside did not take on or finish", ["type"], registry=REGISTRY
)
KEPT_REPLIES = Counter(
    "verigrad_kept_replies", "Replies that can be kept, by whether they were there already", ["found"], registry=REGISTRY
)

# What alarms look at is there from the beginning, at 0: to Prometheus a series that begins at 1 has not increased.
for status in ("agrees", "kink", "inconclusive", "disagrees"):
    NOTED["certificates"].labels(status)
for code in FAULTY:
    FAULTS.labels(code)
for kind in ("busy", "deadline-exceeded", "work-lost"):
    POOL_REFUSED.labels(kind)


def count_request(route: str | None, method: str, status: int, seconds: float | None) -> None:
    """`seconds` until the answer began; None if there was nobody any more to hear it."""
    route = route or NONE
    REQUESTS.labels(route, method if method in METHODS else "other", str(status)).inc()
    if str(status) in FAULTY:
        FAULTS.labels(str(status)).inc()
    if seconds is not None:
        REQUEST_SECONDS.labels(route).observe(seconds)


def count_work(operation: str, facts: Facts) -> None:
    WORK_SECONDS.labels(operation).observe(facts["seconds"])
    for what, counts in facts["noted"].items():
        for value, count in counts.items():
            NOTED[what].labels(value).inc(count)


def exposition(others: Iterable[Collector] = ()) -> bytes:
    """In the format of Prometheus: the sum of all processes, and what these collect."""
    registry: Collector = REGISTRY
    if folder := os.environ.get(FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return b"".join(prometheus_client.generate_latest(each) for each in (registry, *others))
