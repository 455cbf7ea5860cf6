"""Why a job failed, in words."""

from __future__ import annotations

from service.replies.problem_documents import Document, problem_document

MB = 2**20


def diverged(message: str) -> Document:
    return problem_document("job-diverged", message)


def refuted(message: str) -> Document:
    return problem_document("key-refuted", message)


def out_of_memory(most: int) -> Document:
    return problem_document("job-out-of-memory", f"needed more memory than a job may take: {most / MB:,.0f} MB")


def timed_out(seconds: float) -> Document:
    return problem_document("job-timed-out", f"timed out after {seconds:,g} s of work")


def lost(times: int) -> Document:
    what = "once" if times == 1 else f"{times} times in a row, without getting any further"
    return problem_document("job-lost", f"the process that worked on it was lost {what}")
