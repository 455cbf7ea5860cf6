"""What the routes of jobs say of themselves in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from service.contract.examples import JOBS, Example
from service.contract.openapi import problem, reference, requested, shown, written
from service.operations import OPERATIONS
from service.operations.allowance import Allowance
from service.schemas.jobs import EVENT, EVENTS, FAILED, JOB, PAGE, PARAMETERS

KINDS = {"train": "TrainJobRequest", "check": "CheckRequest", "grade_batch": "GradeBatchRequest"}
RESULTS = ("TrainJobResult", "CheckResponse", "GradeBatchResponse")
FOUND = (401, 403, 404, 429, 503, 507)
"""What a question about one job may be answered with."""
REFUSED = (401, 403, 409, 413, 422, 429, 500, 503, 504, 507)
"""What a submission may be."""

requested["TrainJobRequest"] = {"train": Example(JOBS["train"].summary, JOBS["train"].body["train"])}
written["JobRequest"] = {
    "description": "The kind of the job, and the body of the endpoint of that name.",
    "type": "object",
    "properties": {kind: reference(model) for kind, model in KINDS.items()},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "examples": [each.body for each in JOBS.values()],
}
written["JobResult"] = {
    "description": "What a job of each kind results in.",
    "anyOf": [reference(model) for model in RESULTS],
}


def accepted() -> dict[str, Any]:
    content = {
        "schema": reference("JobRequest"),
        "examples": {name: {"summary": each.summary, "value": each.body} for name, each in JOBS.items()},
    }
    key = header("Idempotency-Key", "Yours: a request with the same key and body gives the same job", {"maxLength": 255})
    return {
        **shown("Job", lambda: JOB, lambda: FAILED, errors=REFUSED, success=202, jobs=True),
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": content}}, "parameters": [key]},
    }


def listed() -> dict[str, Any]:
    described = [{"in": "query", "name": name, "schema": schema} for name, schema in PARAMETERS.items()]
    page = shown("JobPage", lambda: PAGE, errors=(401, 403, 422, 429, 503, 507), jobs=True)
    return {**page, "openapi_extra": {"parameters": described}}


def resulting() -> dict[str, Any]:
    body = JOBS["grade_batch"].body["grade_batch"]
    return shown("JobResult", lambda: OPERATIONS["grade_batch"](body, Allowance()), errors=(*FOUND, 409), jobs=True)


def streamed() -> dict[str, Any]:
    events = {
        "description": f"Events, such as\n\n```\n{EVENTS.strip()}\n```",
        "content": {"text/event-stream": {"schema": EVENT}},
    }
    nothing = {"description": "The job is finished, and nothing is new since `Last-Event-ID`"}
    last = header("Last-Event-ID", "The id of the last event that was received", {})
    return {
        "response_class": Response,
        "responses": {200: events, 204: nothing, **{status: problem(status, jobs=True) for status in FOUND}},
        "openapi_extra": {"parameters": [last]},
    }


def header(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string", **schema}}


def found(*errors: int, success: int = 200) -> dict[str, Any]:
    """A job is answered."""
    return shown("Job", lambda: JOB, lambda: FAILED, errors=(*FOUND, *errors), success=success, jobs=True)
