"""What the database tells about jobs and workers, in numbers for /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service import VERSION
from service.database.connection import Database, now
from service.database.tables import jobs, tallies
from service.jobs.fleet import count_live
from service.jobs.kinds import KINDS
from service.jobs.tallies import BEYOND, BOUNDS, NEVER
from service.schemas.statuses import FAILED, QUEUED, RUNNING


@dataclass(frozen=True, slots=True)
class Numbers:
    unfinished: dict[tuple[str, str], int]
    """By kind and status."""
    oldest: float
    """Seconds for which the job has been queued that waits for longest; 0 where none waits."""
    workers: int
    ended: list[tuple[str, str, str, float, int, float]]
    """The rows of the tally."""


def measure(database: Database, lease: float) -> Numbers:
    counted = (
        sa.select(jobs.c.kind, jobs.c.status, sa.func.count())
        .where(jobs.c.status.in_((QUEUED, RUNNING)))
        .group_by(jobs.c.kind, jobs.c.status)
    )
    oldest = sa.select(now() - sa.func.min(jobs.c.created_at)).where(jobs.c.status == QUEUED)
    with database.read() as connection:
        unfinished = {(kind, status): count for kind, status, count in connection.execute(counted)}
        waited = connection.scalar(oldest) or 0.0
        workers = count_live(connection, lease)
        ended = [tuple(row) for row in connection.execute(sa.select(*tallies.c))]
    return Numbers(unfinished, max(0.0, waited), workers, ended)


class FromDatabase(Collector):
    """Of all servers and workers together: every process that is asked tells the same."""

    def __init__(self, numbers: Numbers | None) -> None:
        self.numbers = numbers

    def collect(self) -> Iterator[Metric]:
        version = GaugeMetricFamily("verigrad_info", "The version that answers", labels=["version"])
        version.add_metric([VERSION], 1)
        yield version
        up = 0 if self.numbers is None else 1
        yield GaugeMetricFamily("verigrad_database_up", "Whether the database of jobs answers", value=up)
        if self.numbers is not None:
            yield from families(self.numbers)


def families(numbers: Numbers) -> Iterator[Metric]:
    queue = GaugeMetricFamily("verigrad_jobs", "Jobs that are not finished", labels=["kind", "status"])
    for kind in KINDS:
        for status in (QUEUED, RUNNING):
            queue.add_metric([kind, status], numbers.unfinished.get((kind, status), 0))
    yield queue
    yield GaugeMetricFamily(
        "verigrad_oldest_queued_seconds", "For how long the job that waits longest has been queued", value=numbers.oldest
    )
    yield GaugeMetricFamily("verigrad_workers", "Workers that were seen lately", value=numbers.workers)
    yield ended(numbers)
    yield durations(numbers)


def ended(numbers: Numbers) -> Metric:
    counts = {(kind, FAILED, "key-refuted"): 0 for kind in KINDS}  # an alarm looks at it: see telemetry/metrics.py
    for kind, status, reason, _, count, _ in numbers.ended:
        counts[kind, status, reason] = counts.get((kind, status, reason), 0) + count
    family = CounterMetricFamily(
        "verigrad_jobs_ended", "Jobs that have ended since the database was made", labels=["kind", "status", "reason"]
    )
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def durations(numbers: Numbers) -> Metric:
    """From the first attempt to the end, of jobs that were begun."""
    found: dict[tuple[str, str], dict[float, int]] = {}
    sums: dict[tuple[str, str], float] = {}
    for kind, status, _, within, count, seconds in numbers.ended:
        if within != NEVER:
            buckets = found.setdefault((kind, status), dict.fromkeys((*BOUNDS, BEYOND), 0))
            buckets[within] += count
            sums[kind, status] = sums.get((kind, status), 0.0) + seconds
    family = HistogramMetricFamily(
        "verigrad_job_seconds", "From the first attempt of a job to its end", labels=["kind", "status"]
    )
    for labels, buckets in sorted(found.items()):
        total, told = 0, []
        for bound, count in buckets.items():
            total += count
            told.append(("+Inf" if bound == BEYOND else str(bound), total))
        family.add_metric(labels, told, sums[labels])
    return family
