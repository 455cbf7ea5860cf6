"""The OpenAPI document: routes say which models and examples are theirs, and this puts it together.

The examples of a response are what the engine answers to those of the request, so they cannot grow stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.access.scopes import LEAST_SCOPE
from service.contract.examples import Example
from service.contract.nullable import nullable
from service.operations import OPERATIONS
from service.operations.allowance import Allowance
from service.replies.problem_documents import MEDIA_TYPE, problem_document
from service.replies.problem_types import PROBLEM_TYPES
from service.requests.forms import all_definitions
from service.schemas.base import Schemas
from service.schemas.catalog import Catalog
from service.schemas.check import CheckResponse
from service.schemas.grade import GradeBatchResponse, GradeResponse
from service.schemas.gradients import GradientsResponse
from service.schemas.jobs import Job, JobPage, TrainJobResult
from service.schemas.mistakes import MistakesResponse
from service.schemas.operation import Health, ProblemDocument
from service.schemas.requests import KINDS, REQUESTS, UNIONS
from service.schemas.train import TrainResponse

PREFIX = "#/components/schemas/"
RESPONSES = (
    GradientsResponse,
    CheckResponse,
    GradeResponse,
    GradeBatchResponse,
    MistakesResponse,
    TrainResponse,
    TrainJobResult,
    Job,
    JobPage,
    Catalog,
    Health,
    ProblemDocument,
)
ERRORS = (401, 403, 413, 422, 429, 500, 503, 504)
"""What a posted problem may be answered with."""
KEY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of this service; where it runs without keys, none is needed. A key has one of three scopes:"
    " `grade` may only grade, and sees no answer; `compute` may do all but administration; `admin` may do all.",
}
FEW = 4
"""Types of problem with one status that can be told in a line."""
Computed = Callable[[], dict[str, Any]]
requested: dict[str, Mapping[str, Example]] = {}
"""The examples of a request, by model. Routes add to this and to the next when they are imported."""
written: dict[str, Any] = {}
"""Models that are written out, since they are made of others that are put together here."""
computed: dict[str, tuple[Computed, ...]] = {}
"""What makes the examples of a response, by model; run when the document is asked for."""


def posted(request: str, response: str, examples: Mapping[str, Example], operation: str) -> dict[str, Any]:
    """What a route says of itself that answers a posted problem."""
    requested[request] = examples
    content = {
        "schema": reference(request),
        "examples": {name: {"summary": each.summary, "value": each.body} for name, each in examples.items()},
    }
    answers = [partial(OPERATIONS[operation], each.body, Allowance()) for each in examples.values()]
    body = {"required": True, "content": {"application/json": content}}
    return {
        **shown(response, *answers, errors=ERRORS),
        "openapi_extra": {"requestBody": body},
    }


def shown(
    response: str, *examples: Computed, errors: tuple[int, ...] = (), success: int = 200, jobs: bool = False
) -> dict[str, Any]:
    """What a route says of itself that answers with this model; `jobs` tells whether it may meet what only jobs do."""
    computed[response] = examples
    answer = {"description": "Successful response", "content": {"application/json": {"schema": reference(response)}}}
    return {"response_class": Response, "responses": {success: answer, **{each: problem(each, jobs) for each in errors}}}


def problem(status: int, jobs: bool = False) -> dict[str, Any]:
    """One example a type of problem with this status; each names its page."""
    rows = [row for row in PROBLEM_TYPES.values() if row.status == status and (jobs or not row.of_jobs)]
    examples = {row.kind: {"summary": row.title, "value": problem_document(row.kind)} for row in rows}
    content = {"schema": reference("ProblemDocument"), "examples": examples}
    titles = "; ".join(row.title for row in rows)
    return {
        "description": titles if len(rows) < FEW else "It cannot be done as it is; `type` tells why",
        "content": {MEDIA_TYPE: content},
    }


def reference(name: str) -> dict[str, str]:
    return {"$ref": PREFIX + name}


def describe(app: FastAPI) -> None:
    """Have the application answer with this document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way FastAPI documents


def build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    document["components"] = {"schemas": components(), "securitySchemes": {"key": KEY_SCHEME}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]  # FastAPI adds its own, for an id in a path, which may be any text
            if scope := LEAST_SCOPE[path]:
                operation["security"] = [{"key": [scope]}]
    return document


def components() -> dict[str, Any]:
    options = [each.options for each in REQUESTS.values() if each.options is not None]
    models: list[type[BaseModel]] = [*KINDS.values(), *options, *RESPONSES]
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template=PREFIX + "{model}", schema_generator=Schemas
    )
    definitions: dict[str, Any] = schema["$defs"]
    definitions |= {name: nullable(definitions[name]) for name in all_definitions()}
    for name, union in UNIONS.items():
        definitions[name] = {
            "description": union.description,
            "oneOf": [reference(model.__name__) for model in union.models],
            "examples": [example for model in union.models for example in definitions[model.__name__]["examples"]],
        }
    for asked in REQUESTS.values():
        parts = [asked.problem, *([asked.options.__name__] if asked.options else [])]
        definitions[asked.model] = {
            "description": "A problem, with these options beside it." if asked.options else "A problem.",
            "allOf": [reference(part) for part in parts],
            "unevaluatedProperties": False,
            "examples": [example.body for example in requested[asked.model].values()],
        }
    definitions |= written
    for name, computes in computed.items():
        examples = [orjson.dumps(compute(), option=orjson.OPT_SERIALIZE_NUMPY) for compute in computes]
        definitions[name]["examples"] = list(map(orjson.loads, examples))
    return dict(sorted(definitions.items()))
