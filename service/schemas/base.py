"""What all models have in common."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, SkipJsonSchema
from pydantic_core.core_schema import WithDefaultSchema
from typing_extensions import TypeAliasType

Absent = SkipJsonSchema[None]
"""`number | Absent = None` is a field that may be left out. In a request null counts as left out too."""

Vector = Annotated[list[float], Field(min_length=1)]
Matrix = Annotated[list[Vector], Field(min_length=1)]
NESTED = "A number, a list of numbers, a list of rows, …"
Numbers = TypeAliasType(
    "Numbers",
    Annotated[
        "float | Annotated[list[Numbers], Field(min_length=1)]", Field(description=NESTED, examples=[[[1, 2], [3, 4]]])
    ],
)
Results = TypeAliasType(
    "Results",
    Annotated[
        "float | list[Results] | None",
        Field(
            description=f"{NESTED}; what is not finite is null, and the object around it has a `reason`",
            examples=[[[0.5, None]]],
        ),
    ],
)


Reason = Annotated[str, Field(examples=["dA1[0][0] is infinite"])]
"""Why a number is null."""


class Wire(BaseModel):
    """A model of the wire."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Part(Wire):
    """A part of a request: an object that has no other fields than these."""

    model_config = ConfigDict(extra="forbid")


def row_model(name: str, doc: str, example: dict[str, Any], **fields: Any) -> Any:
    """The model of what a row of one of the engine's tables takes: fields as (type, default)."""
    model = create_model(name, __base__=Part, __doc__=doc, **fields)
    model.model_config["json_schema_extra"] = {"examples": [example]}
    return model


def either(models: Iterable[Any]) -> Any:
    """Their union."""
    return reduce(or_, models)


def one_of(names: Iterable[str]) -> Any:
    """A field that takes one of the names in a table."""
    return Field(json_schema_extra={"enum": list(names)})


class Schemas(GenerateJsonSchema):
    """JSON Schema without what helps nobody: titles that repeat the name, and null as a default of what is left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)
