"""/v1/jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from engine.training.request import DTYPES
from service.jobs.statuses import STATUSES
from service.schemas.base import Absent, Numbers, Part, Results, Wire, one_of
from service.schemas.operation import ProblemDocument
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
PAGE: dict[str, Any] = {"jobs": [JOB], "cursor": "MTc3MjYwMDc2Ny44OSAwYjVl"}
EVENTS = f"retry: 1000\n\nid: 7\nevent: progress\ndata: {orjson.dumps(JOB).decode()}\n\n"
RECORD = {"epoch": 1, "cost": 0.9, "validation_cost": 0.8}
CHECKED = {"step": 100, "epoch": 34, "status": "agrees", "max_error": 2e-16}
PARAMETERS: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": list(STATUSES)},
    "kind": {"type": "string", "enum": ["train", "check", "grade_batch"]},
    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    "cursor": {"type": "string", "description": "Of the page before"},
}


class Validation(Part, json_schema_extra={"examples": [{"inputs": [[0, 1]], "labels": [[0]]}]}):
    """Examples that are measured after every epoch and never learned from, as `inputs` and `labels` of the problem are."""

    inputs: Numbers
    labels: Numbers


class EarlyStopping(Part, json_schema_extra={"examples": [{"patience": 5}]}):
    """When to stop for want of progress. The parameters of the best epoch are the result."""

    patience: Annotated[int, Field(ge=1)]
    """Epochs without a lower cost, of the validation data if there are any."""


class TrainJobOptions(
    TrainOptions,
    json_schema_extra={
        "oneOf": [{"required": ["steps"]}, {"required": ["epochs"]}],
        "examples": [{"optimizer": {"kind": "adam", "learning_rate": 0.05}, "epochs": 200, "check_every": 100}],
    },
):
    """As of `/v1/train`, with more epochs allowed and a history kept instead of steps; what follows is for jobs alone."""

    dtype: Annotated[str, one_of(DTYPES)] = "float64"
    validation: Validation | Absent = None
    early_stopping: EarlyStopping | Absent = None
    check_every: Annotated[int, Field(ge=1)] | Absent = None
    """Steps from one check of the gradients to the next; a run whose gradients are refuted stops."""


class Progress(Wire, json_schema_extra={"examples": [PROGRESS, {"fraction": 0.5, "graded": 30, "submissions": 60}]}):
    """How far a job is."""

    fraction: float
    """From 0 to 1."""
    epoch: int | Absent = None
    """Of a `train` job, as the following: epochs that are finished."""
    epochs: int | Absent = None
    step: int | Absent = None
    steps: int | Absent = None
    cost: float | Absent = None
    """Of the last epoch; of this one so far during the first."""
    graded: int | Absent = None
    """Of a `grade_batch` job."""
    submissions: int | Absent = None
    reason: str | Absent = None


class Links(Wire, json_schema_extra={"examples": [LINKS]}):
    """Addresses about the job."""

    self: str
    events: str
    result: str


class Job(Wire):
    """A job, and how it is."""

    id: str
    kind: Literal["train", "check", "grade_batch"]
    status: Annotated[str, one_of(STATUSES)]
    progress: Progress
    attempt: int
    """How often it was begun: more than once if a process was lost, or the service was restarted."""
    created_at: str
    started_at: str | Absent = None
    finished_at: str | Absent = None
    error: ProblemDocument | Absent = None
    """Why it failed."""
    links: Links


class JobPage(Wire):
    """Jobs, the newest first."""

    jobs: list[Job]
    cursor: str | Absent = None
    """Asks for the next page; left out on the last."""


class EpochRecord(Wire, json_schema_extra={"examples": [RECORD]}):
    """One epoch. Cost and accuracy are of the batches as they were learned from, each before its step."""

    epoch: int
    cost: float
    accuracy: float | Absent = None
    """The share of right answers, for a loss that has answers."""
    validation_cost: float | Absent = None
    """After the epoch."""
    validation_accuracy: float | Absent = None


class TrainingCheck(Wire, json_schema_extra={"examples": [CHECKED]}):
    """The gradients of a batch on the way, confirmed by exact increments."""

    step: int
    epoch: int
    status: str
    max_error: float | None
    """Relative to the largest gradient."""
    reason: str | Absent = None


class TrainJobResult(
    Wire,
    json_schema_extra={
        "examples": [
            {
                "parameters": {"W1": [[0.9], [0.3]], "b1": [-0.2]},
                "cost": 0.02,
                "validation_cost": 0.03,
                "best_epoch": 180,
                "steps": 600,
                "parameters_step": 540,
                "iterations_per_epoch": 3,
                "stopped": "steps",
                "history": [RECORD],
                "checks": [CHECKED],
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
    validation_cost: float | Absent = None
    validation_accuracy: float | Absent = None
    best_epoch: int | Absent = None
    steps: int
    """That were made."""
    parameters_step: int
    """After which the parameters were these."""
    iterations_per_epoch: int
    stopped: Literal["steps", "converged", "early_stopping", "diverged", "gradient_check", "interrupted"]
    message: str | Absent = None
    """Why it stopped early."""
    history: list[EpochRecord]
    checks: list[TrainingCheck]
    reason: str | Absent = None
    """Why some numbers are null."""
