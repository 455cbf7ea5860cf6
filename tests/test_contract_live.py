"""Every address and every example of the OpenAPI document, and the worked examples, over HTTP to a service that runs."""

import httpx
import numpy as np
import pytest

from engine import Key, read_policy, read_problem, shown
from tests.contract import CLOSED, DOCUMENT, EXAMPLES, READ, model, success, validate
from tests.problems import CASES

TESTED_ELSEWHERE = {f"/v1/jobs/{{id}}{part}": "tests/test_jobs_api.py" for part in ("", "/events", "/result")}
"""Addresses that this sweep cannot ask, since they name something: the file that tests each."""


@pytest.fixture(scope="module")
def client(served):
    with httpx.Client(base_url=served.address, trust_env=False, timeout=30) as client:
        yield client


def test_the_sweep_is_complete():
    assert {path for path in DOCUMENT["paths"] if "{" in path} == set(TESTED_ELSEWHERE)
    assert set(DOCUMENT["paths"]) == {*READ, *(path for path, _ in EXAMPLES.values()), *TESTED_ELSEWHERE}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_answered_as_described(client, name):
    path, body = EXAMPLES[name]
    validate(body, model(path, "request"))
    response = client.post(path, json=body)
    assert str(response.status_code) == success(path), response.text
    assert response.headers["content-type"] == "application/json"
    validate(response.json(), model(path, success(path)), CLOSED)


@pytest.mark.parametrize("path", READ)
def test_what_is_read_is_as_described(client, path):
    response = client.get(path)
    assert response.status_code == 200
    validate(response.json(), model(path, "200", "get"), CLOSED)


def told(quantities, name):
    """A quantity of `truth` out of a response of /v1/gradients."""
    if name.endswith("_new"):
        return quantities["updates"][name]
    if "/" in name:
        return quantities["jacobians"][name]["value"]
    nodes = {node["name"]: node for node in quantities["nodes"]}
    return nodes[name]["value"] if name in nodes else nodes[name.removeprefix("d")]["gradient"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_worked_example_is_computed(client, case):
    jacobians = [name for name in case["truth"] if "/" in name]
    body = {**case["problem"], "include": ["local", "formulas"], "jacobians": jacobians}
    validate(body, "GradientsRequest")
    solved = client.post("/v1/gradients", json=body).json()
    validate(solved, "GradientsResponse", CLOSED)
    for name, truth in case["truth"].items():
        found, expected = np.array(told(solved, name)), np.array(truth)
        assert found.shape == expected.shape, name
        assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max(), name
    checked = client.post("/v1/check", json=case["problem"]).json()
    validate(checked, "CheckResponse", CLOSED)
    assert checked["status"] == solved["certificate"]["status"]


@pytest.mark.parametrize("feedback", ["score", "hint", "full"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_lecture_notes_print_is_graded_as_by_the_engine(client, case, feedback):
    body = {**case["problem"], "answers": case["printed"], "policy": {"feedback": feedback}}
    validate(body, "GradeRequest")
    graded = client.post("/v1/grade", json=body).json()
    validate(graded, "GradeResponse", CLOSED)
    problem = read_problem(case["problem"])
    key, policy = Key(problem), read_policy({"feedback": feedback}, problem)
    expected = shown(key, key.grade(case["printed"], policy), feedback)
    for field in ("score", "points", "max_points", "key"):
        assert graded[field] == expected[field]
    assert graded.get("first_error", "?") == expected.get("first_error", "?")
    outcomes = ("name", "verdict", "points", "max_points", "message", "diagnosis")
    told = [{name: item[name] for name in outcomes if name in item} for item in graded["items"]]
    assert told == [{name: item[name] for name in outcomes if name in item} for item in expected["items"]]
