"""The OpenAPI document is the contract: its examples work, and requests and responses are as it says."""

import copy
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from starlette.testclient import TestClient

from engine.errors import EngineError
from engine.problems import read_problem
from engine.problems.problem import BUILDERS
from service.app import create_app
from service.examples import CHECK, GRADIENTS
from service.schemas.problem import Graph, GraphProblem, Init, Layer, Loss, LossProblem, Network, NetworkProblem, Optimizer
from service.settings import Settings

CASES = json.loads((Path(__file__).parent / "worked_examples.json").read_text(encoding="utf-8"))["cases"]
client = TestClient(create_app(Settings()), raise_server_exceptions=False)
DOCUMENT = client.get("/openapi.json").json()
SCHEMAS = DOCUMENT["components"]["schemas"]
EXAMPLES = [("/v1/gradients", each.body) for each in GRADIENTS.values()]
EXAMPLES += [("/v1/check", each.body) for each in CHECK.values()]


def closed(schema):
    """The schema with no room for fields that it does not name."""
    schema = copy.deepcopy(schema)
    for each in schema.values():
        if "properties" in each and "additionalProperties" not in each:
            each["additionalProperties"] = False
    return schema


def validate(value, name, schemas=SCHEMAS):
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    Draft202012Validator(schema).validate(value)


def content(path, part, method="post"):
    operation = DOCUMENT["paths"][path][method]
    described = operation["requestBody"] if part == "request" else operation["responses"][part]
    return described["content"]["application/json"]


def model(path, part, method="post"):
    return content(path, part, method)["schema"]["$ref"].rpartition("/")[2]


def test_every_address_is_described():
    assert set(DOCUMENT["paths"]) == {"/v1/gradients", "/v1/check", "/v1/catalog", "/healthz", "/readyz"}
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_model_has_a_description_and_a_working_example(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["description"]
    assert SCHEMAS[name]["examples"]
    for example in SCHEMAS[name]["examples"]:
        validate(example, name)


@pytest.mark.parametrize("path", ["/v1/gradients", "/v1/check"])
def test_the_document_shows_these_examples(path):
    shown = [example["value"] for example in content(path, "request")["examples"].values()]
    assert shown == [body for address, body in EXAMPLES if address == path]
    assert SCHEMAS[model(path, "request")]["examples"] == shown


@pytest.mark.parametrize(("path", "body"), EXAMPLES)
def test_example_works_as_described(path, body):
    validate(body, model(path, "request"))
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    validate(response.json(), model(path, "200"), closed(SCHEMAS))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_worked_example_is_as_described(case):
    body = {**case["problem"], "include": ["local", "formulas"]}
    validate(body, "GradientsRequest")
    validate(client.post("/v1/gradients", json=body).json(), "GradientsResponse", closed(SCHEMAS))
    validate(client.post("/v1/check", json=case["problem"]).json(), "CheckResponse", closed(SCHEMAS))


def test_null_results_are_as_described():
    network = {"layers": [{"weights": [[-800.0]], "activation": "sigmoid"}], "loss": "binary_cross_entropy"}
    response = client.post("/v1/gradients", json={"network": network, "inputs": [[1]], "labels": [[1]]})
    assert '"gradient":[[null]]' in response.text
    validate(response.json(), "GradientsResponse", closed(SCHEMAS))


@pytest.mark.parametrize("path", ["/v1/catalog", "/healthz", "/readyz"])
def test_what_is_read_is_as_described(path):
    validate(client.get(path).json(), model(path, "200", "get"), closed(SCHEMAS))


@pytest.mark.parametrize("path", ["/v1/gradients", "/v1/check"])
def test_unknown_fields_are_refused_as_described(path):
    body = {**GRADIENTS["graph"].body, "surprise": 1}
    with pytest.raises(ValidationError):
        validate(body, model(path, "request"))
    assert client.post(path, json=body).status_code == 422


def test_example_of_an_error_is_what_is_answered():
    (example,) = SCHEMAS["ProblemDocument"]["examples"]
    network = copy.deepcopy(GRADIENTS["network"].body["network"])
    network["layers"][1]["weights"] = [[1], [2], [3]]
    response = client.post("/v1/gradients", json={"network": network, "inputs": [[1, 2, 3]], "labels": [[1]]})
    assert response.json() == example
    validate(response.json(), "ProblemDocument", closed(SCHEMAS))


@pytest.mark.parametrize(
    ("kind", "described"), [("network", NetworkProblem), ("graph", GraphProblem), ("loss", LossProblem)]
)
def test_a_problem_has_the_fields_that_the_engine_reads(kind, described):
    required, optional, _ = BUILDERS[kind]
    assert set(described.model_fields) == {kind, *required, *optional}
    assert {name for name, field in described.model_fields.items() if field.is_required()} == {kind, *required}


LAYERS = {"layers": [{"units": 1, "activation": "identity"}], "loss": "squared_error"}
NESTED = {
    Network: {"network": {**LAYERS, "?": 1}},
    Layer: {"network": {**LAYERS, "layers": [{"units": 1, "activation": "identity", "?": 1}]}},
    Init: {"network": {**LAYERS, "layers": [{"units": 1, "init": {"kind": "he", "?": 1}, "activation": "identity"}]}},
    Loss: {"network": {**LAYERS, "loss": {"kind": "huber", "?": 1}}},
    Optimizer: {"network": LAYERS, "optimizer": {"kind": "sgd", "learning_rate": 1, "?": 1}},
    Graph: {"graph": {"expressions": ["y = x"], "?": 1}, "values": {"x": 1}},
}


@pytest.mark.parametrize(("described", "body"), NESTED.items(), ids=lambda each: getattr(each, "__name__", None))
def test_an_object_has_the_fields_that_the_engine_reads(described, body):
    """The engine's own words tell what it knows."""
    if "network" in body:
        body = {**body, "inputs": [[1]], "labels": [[1]]}
    with pytest.raises(EngineError) as raised:
        read_problem(body)
    known = set(raised.value.message.partition("known are: ")[2].split(", "))
    if described is Optimizer:  # each kind has settings of its own, which the catalog lists
        assert known >= set(described.model_fields)
    else:
        assert known == set(described.model_fields)


def test_docs_need_no_internet():
    page = client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
    assert "openapi.json" in addresses
    assert "://" not in page.text
    for address in addresses:
        assert not address.startswith("/")
        assert client.get(f"/{address}").status_code == 200
    assert '"validatorUrl": null' in page.text


def test_root_leads_to_the_docs():
    assert client.get("/").url.path == "/docs"
