"""All faults of form are told at once, and the three who judge form agree: the engine, the walker and the OpenAPI document."""

import copy
from time import perf_counter

import orjson
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from engine.errors import EngineError
from service.allowance import Allowance
from service.forms import form_of
from service.operations import OPERATIONS
from service.perform import perform
from service.schemas.requests import REQUESTS
from service.walker import MAPS, Walker
from tests.mutations import EXAMPLES, mutated
from tests.test_service_openapi import SCHEMAS


def validator(model):
    schema = {"$ref": f"#/components/schemas/{model}", "components": {"schemas": SCHEMAS}}
    return Draft202012Validator(schema)


VALIDATORS = {operation: validator(asked.model) for operation, asked in REQUESTS.items()}


def as_documented(body):
    """What the OpenAPI document does not say of a request, and only that.

    null counts as left out, which is said in words. Answers are marked instead of refused, and a submission has an error of
    its own, so whatever they are they refuse no request; only a submission without an id can be reported to nobody.
    """
    body = without_null(copy.deepcopy(body), "")
    if isinstance(body, dict):
        if isinstance(body.get("answers"), dict):
            body["answers"] = {}
        if isinstance(body.get("submissions"), list):
            body["submissions"] = [
                {"id": each["id"], "answers": {}} if isinstance(each, dict) and "id" in each else each
                for each in body["submissions"]
            ]
    return body


def without_null(value, field):
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if each is not None or field in MAPS}
        return {name: without_null(each, name) for name, each in kept.items()}
    return [without_null(each, "") for each in value] if isinstance(value, list) else value


def faults(operation, body):
    return list(Walker(form_of(operation)).request(body))


def refusal(operation, body):
    try:
        OPERATIONS[operation](copy.deepcopy(body), Allowance())
    except EngineError as error:
        return error
    return None


@settings(max_examples=2500, deadline=None, derandomize=True)
@given(mutated())
def test_engine_walker_and_document_agree(request):
    operation, body = request
    found, error = faults(operation, body), refusal(operation, body)
    if found:
        assert error is not None, f"the engine takes what the walker refuses: {found[0].path}: {found[0].message}"
    if not VALIDATORS[operation].is_valid(as_documented(body)):
        assert found, f"the document refuses, and the walker finds nothing (the engine: {error!r})"


@pytest.mark.parametrize(("operation", "body"), EXAMPLES)
def test_what_works_has_no_fault(operation, body):
    assert faults(operation, body) == []
