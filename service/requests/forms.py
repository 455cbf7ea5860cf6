"""The form of each request, as the models of service/schemas have it: what OpenAPI shows is what faults are looked for by.

Pydantic is imported when the first request is refused, or on purpose beforehand: a process that only computes needs it for
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

Schema = Mapping[str, Any]

MARKED: Mapping[str, Schema] = {
    "Written": {},
    "Submission": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
}
"""What is never refused for its form, in place of its model: an answer is marked, a submission has an error of its own."""


@dataclass(frozen=True)
class Form:
    """One operation's request."""

    kinds: Mapping[str, Schema]
    """The problems that it takes, by the field that tells their kind."""
    options: Schema
    """The fields beside the problem."""
    definitions: Mapping[str, Schema]
    """The models that these refer to."""


@cache
def form_of(operation: str) -> Form:
    from service.schemas.requests import KINDS, REQUESTS, UNIONS

    asked = REQUESTS[operation]
    definitions = all_definitions()
    kinds = {kind: definitions[KINDS[kind].__name__] for kind in UNIONS[asked.problem].kinds}
    return Form(kinds, definitions[asked.options.__name__] if asked.options else {}, definitions)


@cache
def all_definitions() -> Mapping[str, Schema]:
    from pydantic.json_schema import models_json_schema

    from service.schemas.base import Schemas
    from service.schemas.requests import KINDS, REQUESTS

    models = [*KINDS.values(), *(each.options for each in REQUESTS.values() if each.options)]
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template="{model}", schema_generator=Schemas
    )
    return {**schema["$defs"], **MARKED}
