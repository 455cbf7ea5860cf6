"""/v1/jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from engine.limits import DEFAULT_LIMITS
from engine.training.request import DTYPES
from service.replies.problem_types import PROBLEM_TYPES
from service.schemas.base import Absent, Numbers, Part, Reason, Results, Wire, one_of
from service.schemas.operation import ProblemDocument
from service.schemas.statuses import FINISHED, STATUSES
from service.schemas.train import TrainOptions

ID = "0b5e1a1c-4f2c-4f6e-9a51-0c8f5a3d7e21"
LINKS = {"self": f"/v1/jobs/{ID}", "events": f"/v1/jobs/{ID}/events", "result": f"/v1/jobs/{ID}/result"}
PROGRESS = {"fraction": 0.12, "epoch": 12, "epochs": 100, "step": 36, "steps": 300, "cost": 0.4}
JOB: dict[str, Any] = {
    "id": ID,
    "kind": "train",
    "status": "running",
    "progress": PROGRESS,
    "attempt": 1,
    "created_at": "2026-03-04T05:06:07.890Z",
    "started_at": "2026-03-04T05:06:08.120Z",
    "links": LINKS,
}
FAILED: dict[str, Any] = {
    **JOB,
    "status": "failed",
    "finished_at": "2026-03-04T05:06:09.500Z",
    "error": {
        "type": PROBLEM_TYPES["job-diverged"].uri,
        "title": PROBLEM_TYPES["job-diverged"].title,
        "status": PROBLEM_TYPES["job-diverged"].status,
        "detail": "diverged at step 37 (epoch 13): the cost is no longer finite; lower the learning rate (1 now)",
        "errors": [],
    },
}
PAGE: dict[str, Any] = {"jobs": [JOB], "cursor": "MTc3MjYwMDc2Ny44OSAwYjVl"}
EVENTS = f"retry: 1000\n\nid: 7\nevent: progress\ndata: {orjson.dumps(JOB).decode()}\n\n"
EVENT = {
    "type": "object",
    "description": "`data` is the job as it then is, in JSON",
    "properties": {"event": {"enum": ["progress", *FINISHED]}, "id": {"type": "string"}, "data": {"type": "string"}},
}
RECORD = {"epoch": 1, "cost": 0.9, "accuracy": 0.6, "validation_cost": 0.8, "validation_accuracy": 0.5}
CHECKED = {"step": 100, "epoch": 34, "status": "agrees", "max_error": 2e-16}
KINK = {**CHECKED, "step": 200, "epoch": 67, "status": "kink", "reason": "Z1[0][3] is at a kink"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": list(STATUSES)},
    "kind": {"type": "string", "enum": ["train", "check", "grade_batch"]},
    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    "cursor": {"type": "string", "description": "Of the page before"},
}


class Validation(Part, json_schema_extra={"examples": [{"inputs": [[0, 1]], "labels": [[0]]}]}):
    """Examples that are measured after every epoch and never learned from."""

    inputs: Numbers
    """As the `inputs` of the problem are."""
    labels: Numbers
    """As the `labels` of the problem are."""


class EarlyStopping(Part, json_schema_extra={"examples": [{"patience": 5}]}):
    """When to stop for want of progress. The parameters of the best epoch are the result."""

    patience: Annotated[int, Field(ge=1, le=DEFAULT_LIMITS.epochs)]
    """Epochs without a lower cost, of the validation data if there are any."""


class TrainJobOptions(
    TrainOptions,
    json_schema_extra={
        "oneOf": [{"required": ["steps"]}, {"required": ["epochs"]}],
        "examples": [
            {
                "optimizer": {"kind": "adam", "learning_rate": 0.05},
                "epochs": 200,
                "batch_size": 2,
                "shuffle": True,
                "seed": 1,
                "dtype": "float32",
                "validation": {"inputs": [[0, 1]], "labels": [[0]]},
                "early_stopping": {"patience": 5},
                "check_every": 100,
            },
            {
                "optimizer": {"kind": "sgd", "learning_rate": 0.1},
                "steps": 1000,
                "stop_when": {"gradient_norm": 1e-6},
                "record": ["cost"],
            },
        ],
    },
):
    """As of `/v1/train`, with more epochs allowed and a history kept instead of steps; the last four are for jobs alone."""

    dtype: Annotated[str, one_of(DTYPES)] = "float64"
    """Of the numbers that are computed with."""
    validation: Validation | Absent = None
    """What is measured on the way."""
    early_stopping: EarlyStopping | Absent = None
    """Whether to stop for want of progress."""
    check_every: Annotated[int, Field(ge=1, le=2**53)] | Absent = None
    """Steps from one check of the gradients to the next; a run whose gradients are refuted stops."""


class Progress(Wire, json_schema_extra={"examples": [PROGRESS, {"fraction": 0.5, "graded": 30, "submissions": 60}]}):
    """How far a job is. A `train` job tells epochs and steps, a `grade_batch` job submissions."""

    fraction: float
    """From 0 to 1."""
    epoch: int | Absent = None
    """Epochs that are finished."""
    epochs: int | Absent = None
    """All that there are to make."""
    step: int | Absent = None
    """Steps that are made."""
    steps: int | Absent = None
    """All that there are to make."""
    cost: float | Absent = None
    """Of the last epoch; of this one so far during the first."""
    graded: int | Absent = None
    """Submissions that are graded."""
    submissions: int | Absent = None
    """All that there are to grade."""


class Links(Wire, json_schema_extra={"examples": [LINKS]}):
    """Addresses about the job."""

    self: str
    """The job itself."""
    events: str
    """To follow it."""
    result: str
    """What comes of it."""


class Job(Wire):
    """A job, and how it is."""

    id: str
    """Of the job."""
    kind: Literal["train", "check", "grade_batch"]
    """What it does."""
    status: Annotated[str, one_of(STATUSES)]
    """How it is."""
    progress: Progress
    """How far it is."""
    attempt: int
    """How often it was begun: more than once if a process was lost, or the service was restarted."""
    created_at: str
    """When it was submitted."""
    started_at: str | Absent = None
    """When it was first begun."""
    finished_at: str | Absent = None
    """When it ended."""
    error: ProblemDocument | Absent = None
    """Why it failed."""
    links: Links
    """Where to go from here."""


class JobPage(Wire):
    """Jobs, the newest first."""

    jobs: list[Job]
    """Of this page."""
    cursor: str | Absent = None
    """Asks for the next page; left out on the last."""


class EpochRecord(Wire, json_schema_extra={"examples": [RECORD]}):
    """One epoch. Cost and accuracy are of the batches as they were learned from, each before its step."""

    epoch: int
    """Counted from 1."""
    cost: float
    """Of its batches."""
    accuracy: float | Absent = None
    """The share of right answers, for a loss that has answers."""
    validation_cost: float | Absent = None
    """Of the validation data, after the epoch."""
    validation_accuracy: float | Absent = None
    """Of the validation data, after the epoch."""


class TrainingCheck(Wire, json_schema_extra={"examples": [CHECKED, KINK]}):
    """The gradients of a batch on the way, confirmed by exact increments."""

    step: int
    """Before which they were checked."""
    epoch: int
    """Of that step."""
    status: str
    """What the check says."""
    max_error: float | None
    """Relative to the largest gradient."""
    reason: str | Absent = None
    """Why it is not simply that they agree."""


class TrainJobResult(
    Wire,
    json_schema_extra={
        "examples": [
            {
                "parameters": {"W1": [[0.9], [0.3]], "b1": [-0.2]},
                "cost": 0.02,
                "accuracy": 0.9,
                "validation_cost": 0.03,
                "validation_accuracy": 0.8,
                "best_epoch": 180,
                "steps": 600,
                "parameters_step": 540,
                "iterations_per_epoch": 3,
                "stopped": "early_stopping",
                "message": "no epoch since epoch 180 had a lower cost",
                "history": [RECORD],
                "checks": [CHECKED, KINK],
            }
        ]
    },
):
    """Where the training led."""

    parameters: dict[str, Results]
    """After the last step; of the best epoch with early stopping; the last finite ones if the run diverged; those of the
    last checkpoint if the job was ended."""
    cost: float
    """Of all examples, with these parameters."""
    accuracy: float | Absent = None
    """Of all examples, with these parameters."""
    validation_cost: float | Absent = None
    """Of the validation data, with these parameters."""
    validation_accuracy: float | Absent = None
    """Of the validation data, with these parameters."""
    best_epoch: int | Absent = None
    """With early stopping, the epoch whose cost was lowest."""
    steps: int
    """That were made."""
    parameters_step: int
    """After which the parameters were these."""
    iterations_per_epoch: int
    """Steps an epoch."""
    stopped: Literal["steps", "converged", "early_stopping", "diverged", "gradient_check", "interrupted"]
    """Why the run ended; `steps`: all were made."""
    message: str | Absent = None
    """Why it stopped early."""
    history: list[EpochRecord]
    """Epoch by epoch."""
    checks: list[TrainingCheck]
    """That were made on the way."""
    reason: Reason | Absent = None
    """Why some numbers are null."""
