"""All faults of form in a request: a slow walk along its models, for requests that the engine has refused.

It speaks in the engine's own sentences, and it must agree with the engine: what it reports, the engine refuses; and whatever
the models refuse, it reports. Tests hold all three against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import BadNumbers, BadProblem, EngineError, shape_text
from engine.problems.problem import BUILDERS, FIELDS
from engine.reading.arrays import array_faults, is_plain, kind_of, read_array, read_number, read_whole, shape_of
from engine.reading.fields import field_faults, join, read_choice, read_flag, read_list, read_object
from service.requests.forms import Form, Schema

MOST_VISITED = 3_000
"""Places looked at in one request, some 10 µs each. Numbers are looked at by the list."""
CHOICES = {"outputs": "reduction", "include": "part", "record": "part of a step"}
"""What a name stands for, where that is not what its field is called."""
LISTS = {"include": "parts", "record": "parts", "jacobians": "names", "constants": "names", "ask": "names of quantities"}
MAPS = {
    "values": "named numbers",
    "answers": "answers by name",
    "gradients": "gradients by name",
    "points": "points by name",
    "aliases": "names by alias",
}
TEXTS = {
    "expressions": "an expression such as 'u = W @ x + b'",
    "output": "the name of an expression",
    "constants": "the name of a value",
    "jacobians": "the name of a Jacobian, such as 'dA1/dW1'",
    "ask": "the name of a quantity",
    "aliases": "the name of a quantity",
    "id": "the id of a submission: text",
}
SHAPES = {0: "a number", 1: "a flat list of numbers, such as [1, 2]", 2: "a matrix, such as [[1, 2], [3, 4]]"}
Faults = Iterator[EngineError]


class Walker:
    """One walk through one request."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.left = MOST_VISITED

    @property
    def exhausted(self) -> bool:
        return self.left < 0

    def request(self, wire: Any) -> Faults:
        """Of the problem and the options beside it."""
        if not isinstance(wire, dict):
            yield BadProblem(f"expected the request to be an object, not {kind_of(wire)}")
            return
        form, options = self.form, self.form.options
        found = [kind for kind in BUILDERS if wire.get(kind) is not None]
        problems = [form.kinds[kind] for kind in found if kind in form.kinds]
        if len(found) != 1:
            listed = " and ".join(f"'{kind}'" for kind in found) or "none of them"
            yield BadProblem(f"a problem has one of 'network', 'graph' and 'loss'; this has {listed}")
        elif not problems:
            yield BadProblem(f"expected a {' or a '.join(form.kinds)}, not a {found[0]} alone", path=found[0])
        optional = [*FIELDS, *options.get("properties", ())]
        yield from field_faults(wire, "", options.get("required", ()), optional, "the request")
        yield from self.one_of(options, wire, "")
        if len(found) == 1 and problems:
            given = {name: wire[name] for name in FIELDS if wire.get(name) is not None}
            (problem,) = problems
            yield from field_faults(given, "", problem["required"], problem["properties"], f"a {found[0]} problem")
        described = [*(problems or form.kinds.values()), options]
        properties = {name: each for part in described for name, each in part.get("properties", {}).items()}
        yield from self.properties(properties, wire, "", "")

    def properties(self, properties: Mapping[str, Schema], value: Mapping[str, Any], path: str, name: str) -> Faults:
        """Of the fields that are given; a `kind` is one of what the object is."""
        for field, schema in properties.items():
            if value.get(field) is not None:
                yield from self.walk(schema, value[field], join(path, field), name if field == "kind" else field)

    def walk(self, schema: Schema, value: Any, path: str, name: str) -> Faults:
        """Of one place; `name` is that of the field it belongs to."""
        self.left -= 1
        if self.exhausted:
            return
        if "$ref" in schema:
            schema = self.form.definitions[schema["$ref"]]
        rank = self.rank_of(schema)
        if rank is not None:
            yield from number_faults(value, path, rank)
        elif "discriminator" in schema:
            yield from self.of_kinds(schema, value, path, name)
        elif "anyOf" in schema:
            yield from self.of_union(schema["anyOf"], value, path, name)
        elif schema.get("type") == "object":
            yield from self.of_object(schema, value, path, name)
        elif schema.get("type") == "array":
            yield from self.of_list(schema, value, path, name)
        elif schema:
            yield from self.of_single(schema, value, path, name)

    def rank_of(self, schema: Schema) -> int | None:
        """How deep numbers are nested, -1 for any depth; None for what is not made of lists of numbers."""
        if schema is self.form.definitions["Numbers"]:
            return -1
        depth = 0
        while schema.get("type") == "array":
            schema, depth = schema["items"], depth + 1
        return depth if depth and schema.get("type") == "number" else None

    def of_kinds(self, schema: Schema, value: Any, path: str, name: str) -> Faults:
        """One of several models, told by one of its fields."""
        field, models = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
        what = name if field == "kind" else field
        try:
            given = read_object(value, path, required=[field], optional=value if isinstance(value, dict) else ())
            model = models[read_choice(given[field], join(path, field), what, models)]
        except EngineError as error:
            yield error
            return
        yield from self.walk({"$ref": model}, value, path, name)

    def of_union(self, schemas: list[Schema], value: Any, path: str, name: str) -> Faults:
        """The part of a union that is meant: by what the value is, lists by what they hold."""
        if name == "labels":
            yield from label_faults(value, path)
            return
        if name == "bias" and not isinstance(value, bool | list):
            yield BadNumbers(f"expected a flat list of numbers, or true for zeros, not {kind_of(value)}", path=path)
            return
        kinds = {str: "string", bool: "boolean", list: "array"}
        meant = [each for each in schemas if each.get("type") == kinds.get(type(value))]
        fallback = [each for each in schemas if "$ref" in each or self.rank_of(each)]
        yield from self.walk((meant or fallback)[0], value, path, name)

    def of_object(self, schema: Schema, value: Any, path: str, name: str) -> Faults:
        if not isinstance(value, dict):
            of = f" of {MAPS[name]}" if name in MAPS else ""
            yield BadProblem(f"expected an object{of}, not {kind_of(value)}", path=path)
            return
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        required = schema.get("required", ())
        yield from field_faults(value, path, required, properties if rest is False else value)
        yield from self.one_of(schema, value, path)
        yield from self.properties(properties, value, path, name)
        if rest:
            for key, each in value.items():
                yield from self.walk(rest, each, join(path, key), name)
                if self.exhausted:
                    return

    def one_of(self, schema: Schema, value: Mapping[str, Any], path: str) -> Faults:
        """Fields of which an object has exactly one."""
        names = [each["required"][0] for each in schema.get("oneOf", ()) if "required" in each]
        if names and sum(value.get(name) is not None for name in names) != 1:
            listed = " or ".join(f"'{name}'" for name in names)
            yield BadProblem(f"give {listed}, one of the two", path=path or names[0])

    def of_list(self, schema: Schema, value: Any, path: str, name: str) -> Faults:
        try:
            read_list(value, path, LISTS.get(name, name), empty=not schema.get("minItems"))
        except EngineError as error:
            yield error
            return
        for place, each in enumerate(value):
            yield from self.walk(schema["items"], each, f"{path}[{place}]", name)
            if self.exhausted:
                return

    def of_single(self, schema: Schema, value: Any, path: str, name: str) -> Faults:
        """A name, a text, a number or a flag."""
        try:
            if "enum" in schema:
                read_choice(value, path, CHOICES.get(name, name), schema["enum"])
            elif schema["type"] == "number":
                read_number(
                    value,
                    path,
                    above=schema.get("exclusiveMinimum"),
                    least=schema.get("minimum"),
                    below=schema.get("exclusiveMaximum"),
                    most=schema.get("maximum"),
                )
            elif schema["type"] == "integer":
                read_whole(
                    value, path, least=schema["minimum"], most=schema.get("maximum") or schema["exclusiveMaximum"] - 1
                )
            elif schema["type"] == "boolean":
                read_flag(value, path)
            elif not isinstance(value, str):
                raise BadProblem(f"expected {TEXTS.get(name, 'text')}, not {kind_of(value)}", path=path)
        except EngineError as error:
            yield error


def number_faults(value: Any, path: str, rank: int) -> Faults:
    """Of numbers in lists, nested as deep as `rank` says."""
    found = False
    for fault in () if is_plain(value, 0) else array_faults(value, path):
        found = True
        yield fault
    if found:
        return
    try:
        array = read_array(value, path)
    except BadNumbers as error:
        faults = array_faults(value, path)
        yield next(faults, error)  # the reader also refuses what has no fault in any one place, such as an empty list
        yield from faults
        return
    if rank not in (-1, array.ndim):
        yield BadNumbers(f"expected {SHAPES[rank]}, not {shape_text(array.shape)}", path=path)


def label_faults(value: Any, path: str) -> Faults:
    """Of labels: a matrix, or a flat list of class indices."""
    flat = len(shape_of(value)) == 1
    fault = None
    for fault in number_faults(value, path, 1 if flat else 2):
        yield fault
    broken = [each for each in value if each < 0 or each != int(each)] if flat and not fault else []
    if broken:
        message = f"a flat list of labels holds class indices: whole numbers from 0, not {broken[0]:g}"
        yield BadNumbers(message, path=path)
