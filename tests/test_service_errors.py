"""Every error is a problem document that says what is wrong and where, and nothing of the inside."""

import asyncio
from importlib import import_module

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

import engine.errors
from engine import EngineError
from engine.errors import KeyRefuted
from service.app import create_app
from service.contract.examples import GRADIENTS
from service.replies.problem_documents import BodyTooLarge
from service.replies.problem_types import PROBLEM_TYPES
from service.settings import Settings
from service.work.answer import read_body

GRAPH = GRADIENTS["graph"].body
NETWORK = GRADIENTS["network"].body["network"]
LIMIT = 50_000
client = TestClient(create_app(Settings(max_body=LIMIT)), raise_server_exceptions=False)


def problem(response, status, kind):
    """The document, after what all of them have in common."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == f"/problems/{kind}"
    assert document["title"] == PROBLEM_TYPES[kind].title
    assert document["status"] == status == PROBLEM_TYPES[kind].status
    assert document["detail"]
    return document


def network(**changes):
    layers = [{**layer, **changes} if number == 1 else layer for number, layer in enumerate(NETWORK["layers"])]
    return {"network": {**NETWORK, "layers": layers}, "inputs": [[1, 2, 3]], "labels": [[1]]}


def graph(*expressions, **values):
    return {"graph": {"expressions": list(expressions)}, "values": values}


BAD = {
    "nothing": ("gradients", {}, "bad-problem", ""),
    "a list": ("gradients", [1, 2], "bad-problem", ""),
    "a text": ("check", "graph", "bad-problem", ""),
    "two problems": ("gradients", {**GRAPH, "network": NETWORK}, "bad-problem", ""),
    "unknown field": ("gradients", {**GRAPH, "includ": ["local"]}, "bad-problem", "includ"),
    "field of another problem": ("gradients", {**GRAPH, "labels": [1]}, "bad-problem", "labels"),
    "option of another endpoint": ("check", {**GRAPH, "include": []}, "bad-problem", "include"),
    "include a number": ("gradients", {**GRAPH, "include": 5}, "bad-problem", "include"),
    "include an unknown part": ("gradients", {**GRAPH, "include": ["locals"]}, "unknown-name", "include[0]"),
    "jacobians a text": ("gradients", {**GRAPH, "jacobians": "f/q"}, "bad-problem", "jacobians"),
    "jacobian of nothing": ("gradients", {**GRAPH, "jacobians": ["f/q", "f/w"]}, "unknown-name", "jacobians[1]"),
    "ragged": ("gradients", network(weights=[[1, 2], [3]]), "bad-numbers", "network.layers[1].weights[1]"),
    "text for a number": ("gradients", network(weights=[["1"], [2]]), "bad-numbers", "network.layers[1].weights[0][0]"),
    "null for a number": ("gradients", {**GRAPH, "values": {"x": [1, None]}}, "bad-numbers", "values.x[1]"),
    "shapes": ("gradients", network(weights=[[1], [2], [3]]), "shape-mismatch", "network.layers[1].weights"),
    "activation": ("gradients", network(activation="relux"), "unknown-name", "network.layers[1].activation"),
    "labels": (
        "gradients",
        {"loss": "cross_entropy", "predictions": [[0.5, 0.5]], "labels": [2]},
        "bad-labels",
        "labels[0]",
    ),
    "expression": ("gradients", graph("y = x[0]", x=[1, 2]), "bad-expression", "graph.expressions[0]"),
    "cycle": ("gradients", graph("y = z", "z = y", x=1), "bad-problem", "graph.expressions[0]"),
    "names": ("gradients", graph("de = 2 * e", e=1), "name-collision", "graph.expressions"),
    "output": ("gradients", graph("y = 2 * x", x=[1, 2]), "not-scalar", "graph.expressions"),
    "overflow": ("gradients", graph("y = exp(x)", x=1000), "not-finite", None),
    "size": ("gradients", graph("y = sum(outer(x, x))", x=[1.0] * 5000), "too-large", None),
    "jacobian size": (
        "gradients",
        {**graph("u = x * 2", "y = sum(u)", x=[1.0] * 1001), "jacobians": ["u/x"]},
        "too-large",
        None,
    ),
    "optimizer": ("gradients", {**GRAPH, "optimizer": {"kind": "sgd"}}, "bad-problem", "optimizer.learning_rate"),
    "gradients a list": ("check", {**GRAPH, "gradients": [1]}, "bad-problem", "gradients"),
    "no gradients": ("check", {**GRAPH, "gradients": {}}, "bad-problem", "gradients"),
    "gradient of nothing": ("check", {**GRAPH, "gradients": {"dw": 1}}, "unknown-name", "gradients.dw"),
    "gradient's shape": ("check", {**GRAPH, "gradients": {"dx": [1, 2]}}, "shape-mismatch", "gradients.dx"),
    "gradient not a number": ("check", {**GRAPH, "gradients": {"dx": True}}, "bad-numbers", "gradients.dx"),
    "method": ("check", {**GRAPH, "method": "centrl"}, "unknown-name", "method"),
    "method a number": ("check", {**GRAPH, "method": 1}, "bad-problem", "method"),
    "step": ("check", {**GRAPH, "step": 0}, "bad-numbers", "step"),
    "tolerance": ("check", {**GRAPH, "tolerance": -1}, "bad-numbers", "tolerance"),
    "seed": ("check", {**GRAPH, "method": "directional", "seed": 1.5}, "bad-numbers", "seed"),
}


@pytest.mark.parametrize(("endpoint", "body", "kind", "path"), BAD.values(), ids=BAD.keys())
def test_bad_input(endpoint, body, kind, path):
    document = problem(client.post(f"/v1/{endpoint}", json=body), 422, kind)
    error, *_ = document["errors"]
    assert error["message"] in document["detail"]
    assert error["path"] in document["detail"]
    if path is not None:
        assert error["path"] == path


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b'{"graph": ', "line 1, column 11"),
        (b'{"values":\n {"x": NaN}}', "NaN and infinities are not JSON"),
        (b'{"values": {"x": [1, -Infinity]}}', "NaN and infinities are not JSON"),
        (b'{"values": {"x": 1e999}}', "line 1, column 18"),
        (b"{'x': 1}", "line 1, column 2"),
        (b'{"x": "\xff"}', "the body is not JSON"),
        (b"\x1f\x8b\x08\x00", "the body is not JSON"),
        (b"[" * 10_000, "the body is not JSON"),
    ],
)
def test_malformed_json(body, words):
    document = problem(client.post("/v1/gradients", content=body), 422, "malformed-json")
    assert words in document["detail"]
    assert document["errors"] == [{"path": "", "message": document["detail"]}]


def test_body_with_a_declared_length_that_is_too_large():
    response = client.post("/v1/gradients", content=b" " * (LIMIT + 1))
    assert "50,000 bytes" in problem(response, 413, "body-too-large")["detail"]
    assert response.headers["connection"] == "close"


def test_streamed_body_that_is_too_large_is_not_read_to_its_end():
    """Without a declared length. The test client would collect such a body first, so this goes without it."""
    chunks = iter(range(1_000))

    async def receive():
        next(chunks)
        return {"type": "http.request", "body": b" " * 1_000, "more_body": True}

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(request, 5_500))
    assert next(chunks) == 6


def test_body_of_exactly_the_limit_is_read():
    response = client.post("/v1/gradients", content=b'{"x": 1}'.ljust(LIMIT))
    assert problem(response, 422, "bad-problem")["errors"][0]["path"] == "x"


def test_unknown_address():
    document = problem(client.get("/v2/gradients"), 404, "not-found")
    assert document["errors"] == []
    problem(client.get("/problems/none-such"), 404, "not-found")
    problem(client.get("/docs/__init__.py"), 404, "not-found")


def test_wrong_method():
    response = client.get("/v1/gradients")
    assert problem(response, 405, "method-not-allowed")["detail"] == "/v1/gradients takes POST, not GET"
    assert response.headers["allow"] == "POST"


def test_fault_of_the_service_tells_nothing_of_the_inside(monkeypatch):
    def broken(*arguments):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(import_module("service.operations.gradients"), "solve", broken)
    response = client.post("/v1/gradients", json=GRAPH)
    assert problem(response, 500, "internal-error")["errors"] == []
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_refuted_key_is_an_alarm_and_no_answer(monkeypatch, caplog):
    def refuted(*arguments, **options):
        raise KeyRefuted("the gradient dx is doubtful")

    monkeypatch.setattr(import_module("service.operations.gradients"), "solve", refuted)
    response = client.post("/v1/gradients", json=GRAPH)
    assert problem(response, 500, "key-refuted")["errors"] == []
    assert "0.5" not in response.text
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "KEY REFUTED: gradients: the gradient dx is doubtful"


def engine_kinds():
    found = [each for each in vars(engine.errors).values() if isinstance(each, type) and issubclass(each, EngineError)]
    return sorted({each.kind for each in found})


def test_every_error_of_the_engine_has_a_row():
    assert "shape-mismatch" in engine_kinds()
    assert set(engine_kinds()) <= set(PROBLEM_TYPES)


@pytest.mark.parametrize("kind", PROBLEM_TYPES)
def test_every_type_has_a_page(kind):
    response = client.get(PROBLEM_TYPES[kind].uri)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert PROBLEM_TYPES[kind].title in response.text
    assert f'href="{PROBLEM_TYPES[kind].uri}"' in client.get("/problems").text


@pytest.mark.parametrize(
    ("path", "meant"),
    [("/v1/gradient", "/v1/gradients"), ("/v1/gradients/", "/v1/gradients"), ("/V1/Grade", "/v1/grade")],
)
def test_an_address_that_is_nearly_right(path, meant):
    detail = problem(client.post(path, json=GRAPH), 404, "not-found")["detail"]
    assert detail == f"there is nothing at {path}; did you mean '{meant}'?"


def test_what_only_jobs_meet_is_told_of_jobs_alone():
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods.values():
            described = [
                each.get("content", {}).get("application/problem+json", {}) for each in method["responses"].values()
            ]
            kinds = {kind for each in described for kind in each.get("examples", {})}
            assert path.startswith("/v1/jobs") or not any("job" in kind for kind in kinds)
    assert "job-unfinished" in str(paths["/v1/jobs/{id}/result"])
