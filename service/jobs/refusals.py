"""Why a request about jobs is refused."""

from __future__ import annotations

from service.replies.problem_documents import RequestError


class BadParameter(RequestError):
    """A parameter or a header; `path` is its name."""

    kind = "bad-problem"


class JobUnfinished(RequestError):
    kind = "job-unfinished"


class JobFinished(RequestError):
    kind = "job-finished"


class NoResult(RequestError):
    kind = "no-result"


class IdempotencyConflict(RequestError):
    kind = "idempotency-conflict"


class TooManyJobs(RequestError):
    kind = "too-many-jobs"


class StorageFull(RequestError):
    kind = "jobs-storage-full"


class JobsUnavailable(RequestError):
    kind = "jobs-unavailable"
