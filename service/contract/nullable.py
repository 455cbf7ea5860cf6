"""In a request null counts as left out. The models leave that unsaid, and the OpenAPI document says it of every field."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
NULL = {"type": "null"}


def nullable(model: Schema) -> Schema:
    """The model of a part of a request, with null for each field that may be left out."""
    required = model.get("required", ())
    fields = {name: field if name in required else or_null(field) for name, field in model.get("properties", {}).items()}
    described = {**model, "properties": fields} if fields else model
    return {**described, "oneOf": only_one(model["oneOf"])} if "properties" in model and "oneOf" in model else described


def or_null(field: Schema) -> Schema:
    """The same, or null: written as short as it can be, since people read it."""
    if "anyOf" in field:
        return {**field, "anyOf": [*field["anyOf"], NULL]}
    if "type" not in field:
        beside = {name: value for name, value in field.items() if name in ("description", "default")}
        return {"anyOf": [{name: value for name, value in field.items() if name not in beside}, NULL], **beside}
    known = {"enum": [*field["enum"], None]} if "enum" in field else {}
    return {**field, "type": [field["type"], "null"], **known}


def only_one(choices: list[Schema]) -> list[Schema]:
    """Fields of which one is required: the others may still be null."""
    names = [choice["required"][0] for choice in choices]
    return [{"required": [name], "properties": {other: NULL for other in names if other != name}} for name in names]
