"""The kinds of jobs: one row each. `read` refuses what cannot be done before it is queued; `work` does it, in a child."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine import EngineError
from service.jobs.training import read_train, train
from service.jobs.work import Outcome, Work, succeeded
from service.operations.allowance import Allowance
from service.operations.check import check, read_check
from service.operations.grade import grade_batch, read_batch
from service.replies.problem_documents import RequestError


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    read: Callable[[Any, Allowance], object]
    work: Callable[[Work], Outcome]


def check_job(work: Work) -> Outcome:
    # Drawn anew in every attempt, the directions would make a job's answer depend on what happened to its worker.
    return succeeded(check({"seed": work.seed, **work.wire}, work.allowance))


def grade_batch_job(work: Work) -> Outcome:
    def tell(graded: int, submissions: int) -> None:
        work.report({"graded": graded, "submissions": submissions, "fraction": graded / submissions}, None)

    return succeeded(grade_batch(work.wire, work.allowance, tell))


KINDS: dict[str, Kind] = {
    row.name: row
    for row in (
        Kind("train", read_train, train),
        Kind("check", read_check, check_job),
        Kind("grade_batch", read_batch, grade_batch_job),
    )
}


@contextmanager
def beneath(kind: str) -> Iterator[None]:
    """Paths in what is refused begin with the kind, as the body of a job does."""
    try:
        yield
    except EngineError as error:
        error.path = join(kind, error.path)
        raise
    except RequestError as error:
        if error.path is not None:
            error.path = join(kind, error.path)
        raise


def join(kind: str, path: str) -> str:
    """`train.network.layers[0]`"""
    return ".".join(each for each in (kind, path) if each)
