"""The OpenAPI document is the contract: it is complete, and as the engine has it.

That requests and responses are as it says is for tests/test_contract_live.py.
"""

import copy
import json
import re

import pytest
from jsonschema import Draft202012Validator, ValidationError

from engine.errors import EngineError
from engine.grading.compare import MODES, read_tolerance
from engine.grading.policy import FIELDS as POLICY_FIELDS
from engine.optimizers import OPTIMIZERS, read_optimizer
from engine.optimizers.schedules import SCHEDULES
from engine.problems import read_problem
from engine.problems.problem import BUILDERS, FIELDS
from engine.training.request import TRAIN_FIELDS
from service.contract.examples import CHECK, GRADE, GRADE_BATCH, GRADIENTS, MISTAKES, TRAIN
from service.contract.tags import TAGS
from service.schemas.grade import TOLERANCES, Policy
from service.schemas.optimizer import KINDS
from service.schemas.problem import Graph, GraphProblem, Init, Layer, Loss, LossProblem, Network, NetworkProblem
from service.schemas.train import TrainOptions
from tests.contract import CLOSED, DOCUMENT, SCHEMAS, client, content, model, validate

POSTED = {
    "/v1/gradients": GRADIENTS,
    "/v1/check": CHECK,
    "/v1/grade": GRADE,
    "/v1/grade/batch": GRADE_BATCH,
    "/v1/mistakes": MISTAKES,
    "/v1/train": TRAIN,
}


def test_every_address_is_described():
    others = {path for path in DOCUMENT["paths"] if not path.startswith("/v1/jobs")}  # these: see test_jobs_api.py
    assert others == {*POSTED, "/v1/catalog", "/healthz", "/readyz"}
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_model_has_a_description_and_a_working_example(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["description"]
    assert SCHEMAS[name]["examples"]
    for example in SCHEMAS[name]["examples"]:
        validate(example, name)


FIELDS_OF = [(name, field) for name, schema in SCHEMAS.items() for field in schema.get("properties", ())]


@pytest.mark.parametrize(("name", "field"), FIELDS_OF)
def test_every_field_has_a_description_and_an_example(name, field):
    described = SCHEMAS[name]["properties"][field]
    assert described.get("description") or "$ref" in described  # whose model has one
    own = described.get("examples", [])
    for example in own:
        Draft202012Validator({**described, "components": {"schemas": SCHEMAS}}).validate(example)
    assert own or any(field in example for example in SCHEMAS[name]["examples"])


@pytest.mark.parametrize("path", POSTED)
def test_the_document_shows_these_examples(path):
    shown = [example["value"] for example in content(path, "request")["examples"].values()]
    assert shown == [example.body for example in POSTED[path].values()]
    assert SCHEMAS[model(path, "request")]["examples"] == shown


def test_null_results_are_as_described():
    network = {"layers": [{"weights": [[-800.0]], "activation": "sigmoid"}], "loss": "binary_cross_entropy"}
    response = client.post("/v1/gradients", json={"network": network, "inputs": [[1]], "labels": [[1]]})
    assert '"gradient":[[null]]' in response.text
    validate(response.json(), "GradientsResponse", CLOSED)


@pytest.mark.parametrize("path", POSTED)
def test_unknown_fields_are_refused_as_described(path):
    body = {**next(iter(POSTED[path].values())).body, "surprise": 1}
    with pytest.raises(ValidationError):
        validate(body, model(path, "request"))
    response = client.post(path, json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["path"] == "surprise"


def test_example_of_an_error_is_what_is_answered():
    (example,) = SCHEMAS["ProblemDocument"]["examples"]
    network = copy.deepcopy(GRADIENTS["network"].body["network"])
    network["layers"][1]["weights"] = [[1], [2], [3]]
    response = client.post("/v1/gradients", json={"network": network, "inputs": [[1, 2, 3]], "labels": [[1]]})
    assert response.json() == example
    validate(response.json(), "ProblemDocument", CLOSED)


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
    assert known == set(described.model_fields)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_has_the_settings_that_the_engine_reads(kind):
    optimizer = {"kind": kind, "learning_rate": 1, "?": 1}
    with pytest.raises(EngineError) as raised:
        read_problem({"network": LAYERS, "inputs": [[1]], "labels": [[1]], "optimizer": optimizer})
    fields = KINDS[kind].model_fields
    assert set(raised.value.message.partition("known are: ")[2].split(", ")) == set(fields)
    assert {name: fields[name].default for name in OPTIMIZERS[kind].settings} == OPTIMIZERS[kind].settings
    for wrong in ({"momentum": 1.0}, {"decay": 1.0}, {"epsilon": -1}, {"learning_rate": 0}, {"schedule": {"kind": "step"}}):
        with pytest.raises(EngineError):
            read_optimizer({"kind": kind, "learning_rate": 1, **wrong}, "optimizer")
        with pytest.raises(ValidationError):
            validate({"kind": kind, "learning_rate": 1, **wrong}, "Optimizer")


def test_schedules_and_tolerances_are_those_of_the_engine():
    mapping = {name: SCHEMAS[name]["properties"]["kind"]["const"] for name in ("ConstantSchedule", "StepSchedule")}
    assert list(mapping.values()) == list(SCHEDULES)
    for mode, row in MODES.items():
        assert set(TOLERANCES[mode].model_fields) == {"mode", *row.defaults}
        for digits in (-1, 0, 17, 18, 2.5):
            for setting in row.whole:
                tolerance = {"mode": mode, setting: digits}
                assert accepts(lambda each=tolerance: read_tolerance(each, "")) == accepts(
                    lambda each=tolerance: validate(each, "Tolerance")
                )


def accepts(attempt):
    try:
        attempt()
    except (EngineError, ValidationError):
        return False
    return True


def test_a_policy_has_the_fields_that_the_engine_reads():
    assert set(Policy.model_fields) == set(POLICY_FIELDS)


def test_training_has_the_fields_that_the_engine_reads():
    assert {*TrainOptions.model_fields, *FIELDS} == set(TRAIN_FIELDS)


def test_every_group_of_operations_is_described():
    used = {tag for methods in DOCUMENT["paths"].values() for operation in methods.values() for tag in operation["tags"]}
    assert [tag["name"] for tag in DOCUMENT["tags"]] == list(TAGS)
    assert used == set(TAGS)


def test_docs_need_no_internet():
    page = client.get("/docs")
    assert page.status_code == 200
    parts = page.text + client.get("/docs/docs.js").text + client.get("/docs/docs.css").text
    assert "://" not in parts
    addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", parts)
    assert {"docs/docs.js", "docs/docs.css", "openapi.json"} < set(addresses)
    for address in addresses:
        assert not address.startswith("/")
        assert client.get(f"/{address}").status_code == 200
    assert "validatorUrl: null" in parts


def test_root_leads_to_the_docs():
    assert client.get("/").url.path == "/docs"


def test_every_reference_leads_somewhere():
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert "GradeRequest" in names
    assert names <= set(SCHEMAS)
