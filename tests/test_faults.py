"""All faults of form are told at once, and the three who judge it agree: the engine, the walker and the OpenAPI document."""

import copy

import orjson
import pytest
from hypothesis import example, given, settings
from jsonschema import Draft202012Validator

from engine.errors import EngineError
from service.contract.examples import PREDICTIONS
from service.operations.allowance import Allowance
from service.requests.forms import form_of
from service.requests.walker import Walker
from service.schemas.requests import REQUESTS
from service.work.perform import PERFORMED, perform
from tests.contract import SCHEMAS
from tests.mutations import EXAMPLES, mutated
from tests.timing import quickest


def validator(model):
    schema = {"$ref": f"#/components/schemas/{model}", "components": {"schemas": SCHEMAS}}
    return Draft202012Validator(schema)


VALIDATORS = {operation: validator(asked.model) for operation, asked in REQUESTS.items()}


def as_documented(body):
    """What the OpenAPI document does not say of a request, and only that.

    Answers are marked instead of refused, and a submission has an error of its own, so whatever they are they refuse no
    request; only a submission without an id can be reported to nobody.
    """
    if not isinstance(body, dict):
        return body
    body = dict(body)
    if isinstance(body.get("answers"), dict):
        body["answers"] = {}
    if isinstance(body.get("submissions"), list):
        body["submissions"] = [
            {"id": each["id"], "answers": {}} if isinstance(each, dict) and "id" in each else each
            for each in body["submissions"]
        ]
    return body


def faults(operation, body):
    return list(Walker(form_of(operation)).request(body))


def refusal(operation, body):
    try:
        PERFORMED[operation](copy.deepcopy(body), Allowance())
    except EngineError as error:
        return error
    return None


@settings(max_examples=1200, deadline=None, derandomize=True)
@given(mutated())
@example(("gradients", {**PREDICTIONS, "labels": [0, -1, 2]}))
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


def problem(operation, body):
    reply = perform(operation, orjson.dumps(body), Allowance())
    document = orjson.loads(reply.content)
    assert reply.status == document["status"] == 422
    return document


LAYER = {"weights": [[1, "x"], [2]], "activation": "relux", "foo": 1}
DRAWN = {"units": 0, "init": {"kind": "hee", "sed": 1}, "bias": "zeros"}
MANY = {
    "network": {"layers": [LAYER, DRAWN], "loss": {"kind": "huberr", "scale": -1}},
    "inputs": [[1, None]],
    "labels": [0.5],
    "optimizer": {"kind": "sgd"},
    "includ": ["local"],
}


def test_all_faults_are_told_at_once():
    document = problem("gradients", MANY)
    assert [(each["path"], each["message"]) for each in document["errors"]] == [
        ("includ", "the request has no field 'includ'; did you mean 'include'?"),
        (
            "network.layers[0].foo",
            "network.layers[0] has no field 'foo'; known are: activation, weights, units, init, bias, name, slope, alpha",
        ),
        ("network.layers[0].activation", "activation 'relux' is not known; did you mean 'relu'?"),
        ("network.layers[0].weights[0][1]", 'expected a number, not the text "x"'),
        (
            "network.layers[0].weights[1]",
            "ragged: expected a list of 2 as in network.layers[0].weights[0], not a list of 1",
        ),
        ("network.layers[1].activation", "network.layers[1] needs the field 'activation'"),
        ("network.layers[1].units", "expected a whole number of at least 1, not 0"),
        ("network.layers[1].init.sed", "network.layers[1].init has no field 'sed'; did you mean 'seed'?"),
        ("network.layers[1].init.kind", "init 'hee' is not known; did you mean 'he'?"),
        ("network.layers[1].bias", 'expected a flat list of numbers, or true for zeros, not the text "zeros"'),
        ("network.loss.kind", "loss 'huberr' is not known; did you mean 'huber'?"),
        ("network.loss.scale", "expected a number greater than 0, not -1"),
        ("inputs[0][1]", "expected a number, not null"),
        ("labels", "a flat list of labels holds class indices: whole numbers from 0, not 0.5"),
        ("optimizer.learning_rate", "optimizer needs the field 'learning_rate'"),
    ]
    first = "the request has no field 'includ'; did you mean 'include'? (at includ)"
    assert document["detail"] == f"{first}; and 14 other faults: see `errors`"


def test_the_engine_has_the_first_word_and_no_path_is_told_twice():
    body = {name: each for name, each in MANY.items() if name != "includ"}
    document = problem("gradients", body)
    paths = [each["path"] for each in document["errors"]]
    error = refusal("gradients", body)
    assert (paths[0], document["type"]) == (error.path, f"/problems/{error.kind}")
    assert len(set(paths)) == len(paths)


def test_one_fault_is_told_as_ever():
    document = problem("mistakes", {"graph": {"expressions": ["y = x"]}, "values": {"x": "1"}})
    assert document["detail"] == 'expected a number, not the text "1" (at values.x)'


def test_a_fault_of_meaning_comes_with_those_of_form():
    body = {"graph": {"expressions": ["y = x + z"]}, "values": {"x": 1}, "answers": {}, "policy": {"asc": ["y"]}}
    document = problem("grade", body)
    assert [each["path"] for each in document["errors"]] == ["graph.expressions[0]", "policy.asc"]
    assert document["detail"].endswith("; and 1 other fault: see `errors`")


def network(**more):
    layers = [{"units": 1, "activation": "identity"}]
    return {"network": {"layers": layers, "loss": "squared_error"}, "inputs": [[1]], "labels": [[1]], **more}


def graph(**more):
    return {"graph": {"expressions": ["y = x"]}, "values": {"x": 1}, **more}


LARGE = {
    "bad cells": ("gradients", network(inputs=[["a"] * 100_000])),
    "bad rows": ("gradients", network(inputs=[["a"]] * 70_000)),
    "ragged": ("gradients", network(inputs=[[1, 2], [1]] * 35_000)),
    "long texts": ("gradients", network(inputs=[["a" * 20_000] * 20])),
    "one bad cell": ("gradients", network(inputs=[*[[1, 2]] * 60_000, [True, 2]])),
    "unknown fields": ("gradients", {f"unknown{number}": 1 for number in range(25_000)}),
    "long fields": ("gradients", {f"{number}" * 10_000: 1 for number in range(30)}),
    "unknown settings": ("gradients", network(optimizer={"kind": "sgd", **{f"s{number}": 1 for number in range(35_000)}})),
    "layers": ("gradients", network(network={"layers": [{"activation": "tanh", "units": 1}] * 10_000, "loss": "x"})),
    "bad layers": ("gradients", network(network={"layers": [{"activation": "tan"}] * 15_000, "loss": "x"})),
    "values": ("gradients", graph(values={f"x{number}": "a" for number in range(30_000)})),
    "expressions": ("gradients", graph(graph={"expressions": [1] * 150_000})),
    "gradients": ("check", graph(gradients={f"x{number}": 1 for number in range(30_000)})),
    "points": ("grade", graph(answers={}, policy={"points": {f"x{number}": -1 for number in range(30_000)}})),
    "names": ("grade", graph(answers={}, policy={"ask": ["a"] * 80_000, "feedback": "none"})),
    "submissions": ("grade_batch", graph(submissions=[{"id": 1}] * 40_000)),
    "parts": ("train", graph(record=["what"] * 50_000)),
}


@pytest.mark.parametrize(("operation", "body"), LARGE.values(), ids=LARGE.keys())
def test_a_large_request_is_refused_soon_and_in_few_words(operation, body):
    problem(operation, {})  # prepares the models
    sent = orjson.dumps(body)
    assert 250_000 < len(sent) < 900_000
    reply = perform(operation, sent, Allowance())
    taken = quickest(lambda: perform(operation, sent, Allowance()), enough=0.2)
    assert taken < 0.2  # some 20 ms on a quiet machine
    assert reply.status == 422
    assert len(reply.content) < 10_000
    assert len(orjson.loads(reply.content)["errors"]) <= 20


def test_a_walker_that_fails_costs_nothing_but_its_faults(monkeypatch, caplog):
    def broken(*arguments):
        raise RuntimeError("broken")

    monkeypatch.setattr(Walker, "request", broken)
    document = problem("gradients", MANY)
    assert len(document["errors"]) == 1
    assert "a fault in looking for faults at gradients" in caplog.text


def test_another_refusal_than_of_the_engine_is_left_alone():
    reply = perform("gradients", b'{"graph": 1, "graph": 2, "values": "none"}', Allowance())
    assert [each["path"] for each in orjson.loads(reply.content)["errors"]] == ["graph"]
