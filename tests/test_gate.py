"""The gate: every address asks for the scope it should, whoever is turned away is told why, and every answer is marked."""

import asyncio
import json
import pkgutil
import re
import time
from base64 import b64encode
from hashlib import sha256
from importlib import import_module

import httpx
import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

import service.routes
from service.access.gate import FAILURES, Gate, client_of
from service.access.keyring import Keyring
from service.access.scopes import LEAST_SCOPE, require_rows
from service.app import create_app
from service.contract.examples import GRADE, GRADE_BATCH, GRADIENTS
from service.keys import Client, entry_of, make_key
from service.settings import Settings
from service.work.answer import SMALL
from tests.serving import Served
from tests.test_rate import Clock
from tests.test_service_errors import problem

SCOPES = ("grade", "compute", "admin")
KEYS = {scope: make_key() for scope in SCOPES}
ENTRIES = ",".join(entry_of(f"the-{scope}", scope, key) for scope, key in KEYS.items())
PUBLIC = {
    "/",
    "/docs",
    "/docs/{name}",
    "/openapi.json",
    "/problems",
    "/problems/{kind}",
    "/healthz",
    "/readyz",
    "/v1/catalog",
}
GRADERS = {"/v1/grade", "/v1/grade/batch"}
ADMINS = {"/metrics"}
GRAPH = GRADIENTS["graph"].body
FULL = {"policy": {"feedback": "full"}}


def served(address="192.0.2.1", **settings):
    app = create_app(Settings(**{"keys": ENTRIES, **settings}))
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False, client=(address, 1))


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def routes():
    modules = [import_module(f"service.routes.{each.name}") for each in pkgutil.iter_modules(service.routes.__path__)]
    found = [(route.path, method) for each in modules for route in each.router.routes for method in route.methods]
    return sorted({("/openapi.json", "GET"), *found})


client = served()
ROUTES = routes()


def test_the_sweep_finds_the_routes():
    assert {("/v1/grade", "POST"), ("/healthz", "GET"), ("/problems/{kind}", "GET")} <= set(ROUTES)
    assert {path for path, _ in ROUTES} == set(LEAST_SCOPE)
    assert set(client.get("/openapi.json").json()["paths"]) <= set(LEAST_SCOPE)


@pytest.mark.parametrize("scope", [None, *SCOPES])
@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_route_asks_for_its_scope(path, method, scope):
    headers = bearer(KEYS[scope]) if scope else {}
    answer = client.request(method, re.sub("{.*?}", "x", path), headers=headers)
    if path in PUBLIC:
        assert answer.status_code in ((404,) if "{" in path else (200, 307))
    elif scope is None:
        assert problem(answer, 401, "no-key")["detail"] == "send a key in the header 'Authorization: Bearer <key>'"
        assert answer.headers["www-authenticate"] == 'Bearer realm="verigrad"'
    elif scope == "admin" or path in GRADERS or (scope == "compute" and path not in ADMINS):
        assert answer.status_code not in (401, 403)
    else:
        detail = problem(answer, 403, "not-allowed")["detail"]
        assert f"a key of scope {LEAST_SCOPE[path]}; the scope of this one is {scope}" in detail


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1/grade/", "/v1/grade/batch/x", "//v1/grade", "/docs/a/b", "/v1/grade%2F", "/v1/grade%0A"]
)
def test_what_has_no_row_does_not_exist(path):
    attempts: list[dict[str, str]] = [{}, bearer(KEYS["grade"]), bearer(KEYS["admin"])]
    for headers in attempts:
        problem(client.post(path, headers=headers), 404, "not-found")


def test_a_route_without_a_row_is_told_and_never_served(monkeypatch):
    router = APIRouter()
    router.add_api_route("/v1/secret", lambda: "secret")
    with pytest.raises(LookupError, match="/v1/secret"):
        require_rows(router.routes)
    app = create_app(Settings())
    app.include_router(router)
    problem(TestClient(app).get("/v1/secret"), 404, "not-found")
    monkeypatch.setattr(import_module("service.routes.train"), "router", router)
    with pytest.raises(LookupError, match="/v1/secret"):
        create_app(Settings())


def test_an_encoded_address_is_the_same_address():
    problem(client.post("/v1%2Fgradients", headers=bearer(KEYS["grade"]), json=GRAPH), 403, "not-allowed")
    assert client.post("/v1%2Fgradients", headers=bearer(KEYS["compute"]), json=GRAPH).status_code == 200


def test_websockets_do_not_go_round_the_gate():
    passed, sent = [], []

    async def inside(scope, receive, send):
        passed.append(scope["type"])

    async def send(message):
        sent.append(message["type"])

    gate = Gate(inside, Settings(), Keyring(Settings()))
    for kind in ("lifespan", "websocket", "another"):
        asyncio.run(gate({"type": kind, "path": "/v1/grade", "headers": []}, None, send))  # type: ignore[arg-type]
    assert passed == ["lifespan"]
    assert sent == ["websocket.close"] * 2


CREDENTIALS = {
    "unknown": [bearer(make_key())],
    "empty": [{"authorization": ""}],
    "no key": [{"authorization": "Bearer"}],
    "only spaces": [{"authorization": "Bearer   "}],
    "the key alone": [{"authorization": KEYS["admin"]}],
    "wrong scheme": [{"authorization": f"Basic {KEYS['admin']}"}],
    "wrong scheme, encoded": [{"authorization": f"Basic {b64encode(KEYS['admin'].encode()).decode()}"}],
    "a tab": [{"authorization": f"Bearer\t{KEYS['admin']}"}],
    "two words": [bearer(f"{KEYS['admin']} {KEYS['admin']}")],
    "half a key": [bearer(KEYS["admin"][:-1])],
    "in capitals": [bearer(KEYS["admin"].upper())],
    "its hash": [bearer(sha256(KEYS["admin"].encode()).hexdigest())],
    "not ASCII": [{"authorization": "Bearer schlüssel".encode()}, {"authorization": "Bearer clé".encode("latin-1")}],
    "bytes": [{"authorization": b"\xff\xfe\x80"}, {"authorization": b"Bearer \xff" + KEYS["admin"].encode()}],
    "very long": [bearer("x" * 30_000), {"authorization": "x" * 30_000}, bearer(KEYS["admin"] * 600)],
    "twice": [[("authorization", f"Bearer {KEYS['admin']}"), ("authorization", f"Bearer {KEYS['admin']}")]],
    "twice, one wrong": [[("authorization", f"Bearer {KEYS['admin']}"), ("authorization", "Bearer x")]],
}


@pytest.mark.parametrize("attempts", CREDENTIALS.values(), ids=CREDENTIALS)
def test_wrong_credentials(attempts):
    door = served()
    for headers in attempts:
        answer = door.post("/v1/gradients", json=GRAPH, headers=headers)
        assert problem(answer, 401, "no-key")["errors"] == []
        assert answer.headers["www-authenticate"] == 'Bearer realm="verigrad", error="invalid_token"'
        assert KEYS["admin"] not in answer.text
        assert door.get("/docs", headers=headers).status_code == 200  # nobody is asked there


@pytest.mark.parametrize("authorization", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {}"])
def test_right_credentials(authorization):
    headers = {"authorization": authorization.format(KEYS["compute"])}
    assert client.post("/v1/gradients", json=GRAPH, headers=headers).status_code == 200


def test_a_key_in_the_address_is_no_key():
    assert client.post(f"/v1/gradients?key={KEYS['admin']}&access_token={KEYS['admin']}", json=GRAPH).status_code == 401


@pytest.mark.parametrize(("path", "body"), [("/v1/grade", GRADE), ("/v1/grade/batch", GRADE_BATCH)])
def test_a_graders_key_never_sees_an_answer(path, body):
    body = next(iter(body.values())).body
    full = {**body, **FULL}
    assert client.post(path, json=body, headers=bearer(KEYS["grade"])).status_code == 200
    assert "'full'" in problem(client.post(path, json=full, headers=bearer(KEYS["grade"])), 403, "not-allowed")["detail"]
    for scope in ("compute", "admin"):
        assert '"expected"' in client.post(path, json=full, headers=bearer(KEYS[scope])).text


def test_nor_where_a_process_does_the_work():
    with served(inline=0, processes=1) as door:
        full = {**next(iter(GRADE.values())).body, **FULL, "answers": {}}
        body = json.dumps(full).encode() + b" " * SMALL  # too many bytes to be looked at beside the event loop
        problem(door.post("/v1/grade", content=body, headers=bearer(KEYS["grade"])), 403, "not-allowed")
        assert '"expected"' in door.post("/v1/grade", content=body, headers=bearer(KEYS["compute"])).text


def test_the_client_is_known_to_the_routes():
    seen = []

    async def remember(scope, receive, send):
        seen.append(client_of(type("Request", (), {"scope": scope})))  # type: ignore[arg-type]
        await inner(scope, receive, send)

    for settings, headers, expected in (
        ({}, bearer(KEYS["grade"]), Client("the-grade", "grade")),
        ({"keys": ""}, {}, Client("anonymous", "admin")),
        ({"keys": ""}, bearer(KEYS["grade"]), Client("anonymous", "admin")),
        ({"keys": "", "allow_anonymous": True}, {}, Client("anonymous", "compute")),
        ({"allow_anonymous": True}, bearer(KEYS["grade"]), Client("the-grade", "grade")),
    ):
        door = served(**settings)
        door.get("/healthz")
        gate = door.app.middleware_stack.app
        inner, gate.app = gate.app, remember
        door.post("/v1/grade", headers=headers)
        assert seen.pop() == expected


def test_keys_are_asked_for_even_where_anybody_was_allowed():
    assert served(allow_anonymous=True).post("/v1/grade").status_code == 401


def test_rate_of_a_key_and_retry_after_is_true():
    door = served(rate=120)
    grade, compute = bearer(KEYS["grade"]), bearer(KEYS["compute"])
    statuses = [door.post("/v1/gradients", headers=grade).status_code for _ in range(119)]  # refused, and counted
    assert set(statuses) == {403}
    start = time.monotonic()
    while (answer := door.post("/v1/grade", headers=grade)).status_code != 429:
        assert time.monotonic() - start < 20
    assert "too many requests by this key" in problem(answer, 429, "too-many-requests")["detail"]
    assert door.post("/v1/gradients", json=GRAPH, headers=compute).status_code == 200  # another key
    assert door.get("/v1/catalog").status_code == 200  # and the address itself
    time.sleep(int(answer.headers["retry-after"]))
    assert door.post("/v1/grade", headers=grade).status_code == 422


@pytest.mark.parametrize("settings", [{}, {"keys": ""}], ids=["keys", "no keys"])
def test_rate_of_an_address_without_a_key(settings):
    door = served(rate=2, **settings)
    for path in ("/v1/catalog", "/nothing"):
        assert door.get(path).status_code in (200, 404)
    for path in ("/v1/catalog", "/nothing", "/docs", "/metrics", "/v1/grade"):
        answer = door.get(path)
        assert "requests from this address" in problem(answer, 429, "too-many-requests")["detail"]
        assert 0 < int(answer.headers["retry-after"]) <= 30
    for path in ("/healthz", "/readyz"):
        assert [door.get(path).status_code for _ in range(10)] == [200] * 10
    other = TestClient(door.app, client=("192.0.2.2", 1))
    assert other.get("/v1/catalog").status_code == 200
    if not settings:
        assert door.post("/v1/gradients", json=GRAPH, headers=bearer(KEYS["compute"])).status_code == 200


def test_unknown_keys_from_one_address_are_limited_and_lock_nobody_out(monkeypatch):
    clock, door = Clock(), served()
    door.get("/healthz")
    monkeypatch.setattr(door.app.middleware_stack.app.failures, "clock", clock)
    attempt = lambda: door.post("/v1/gradients", json=GRAPH, headers=bearer(make_key()))
    assert [attempt().status_code for _ in range(FAILURES)] == [401] * FAILURES
    answer = attempt()
    assert "keys that are not known" in problem(answer, 429, "too-many-requests")["detail"]
    assert door.post("/v1/gradients", json=GRAPH, headers=bearer(KEYS["compute"])).status_code == 200
    elsewhere = TestClient(door.app, client=("192.0.2.2", 1))
    assert elsewhere.post("/v1/gradients", headers=bearer(make_key())).status_code == 401
    clock.now += int(answer.headers["retry-after"])
    assert attempt().status_code == 401
    assert attempt().status_code == 429


def test_behind_a_proxy_clients_are_told_apart():
    with Served("--port", "0", VERIGRAD_RATE="1") as door, httpx.Client(base_url=door.address, trust_env=False) as http:
        ask = lambda address: http.get("/v1/catalog", headers={"x-forwarded-for": address}).status_code
        assert [ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")] == [200, 429, 200]


def broken():
    raise RuntimeError("a secret of the inside")


ANSWERS = {
    200: ("POST", "/v1/gradients", {"json": GRAPH, "headers": bearer(KEYS["compute"])}),
    307: ("GET", "/", {}),
    401: ("POST", "/v1/gradients", {"json": GRAPH}),
    403: ("POST", "/v1/gradients", {"headers": bearer(KEYS["grade"])}),
    404: ("GET", "/nothing", {}),
    405: ("GET", "/v1/grade", {"headers": bearer(KEYS["grade"])}),
    413: ("POST", "/v1/grade", {"content": b" " * 2_000, "headers": bearer(KEYS["grade"])}),
    422: ("POST", "/v1/grade", {"content": b"[", "headers": bearer(KEYS["grade"])}),
    429: ("GET", "/v1/catalog", {}),
    500: ("GET", "/v1/catalog", {}),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_every_answer_has_an_id_and_headers_that_protect(status, monkeypatch, caplog):
    door = served(max_body=1_000, rate=1 if status == 429 else 0)
    if status == 429:
        door.get("/v1/catalog")
    if status == 500:
        monkeypatch.setattr(import_module("service.routes.catalog"), "catalog", broken)
    method, path, given = ANSWERS[status]
    headers = {**given.get("headers", {}), "x-request-id": "Exam_7.a-b"}
    answer = door.request(method, path, **{**given, "headers": headers})
    assert answer.status_code == status
    assert answer.headers.get_list("x-request-id") == ["Exam_7.a-b"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert (answer.headers.get("cache-control") == "no-store") == (status in (200, 403, 405, 413, 422))
    if status == 500:
        assert "Exam_7.a-b" in caplog.text
        assert "secret" not in answer.text


BAD_IDS = ["", "x" * 65, "a b", "a/b", "schlüssel".encode(), b"\xff", "a\tb", '"', "a,b", "<script>"]


@pytest.mark.parametrize("given", BAD_IDS)
def test_an_id_that_is_not_well_formed_is_replaced(given):
    answer = client.get("/healthz", headers={"x-request-id": given})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
    assert client.get("/healthz", headers={"x-request-id": "x" * 64}).headers["x-request-id"] == "x" * 64


def test_every_request_has_an_id_of_its_own():
    assert len({client.get("/healthz").headers["x-request-id"] for _ in range(50)}) == 50


def test_docs_run_their_own_script_and_no_other():
    page = client.get("/docs")
    assert len(page.headers.get_list("content-security-policy")) == 1  # of two, both would hold
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert re.findall("<script.*?>", page.text) == re.findall('<script src=".*?">', page.text)
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"


def test_the_document_tells_what_needs_a_key():
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"].items() >= {("type", "http"), ("scheme", "bearer")}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            needed = {401, 403, 429} if path not in PUBLIC else set()
            assert operation.get("security") == ([{"key": [LEAST_SCOPE[path]]}] if needed else None)
            assert {str(status) for status in needed} <= set(operation["responses"])
            if path == "/v1/catalog":
                assert "429" in operation["responses"]


def test_no_secret_in_logs(caplog):
    caplog.set_level("DEBUG")
    door = served()
    for key in (*KEYS.values(), make_key()):
        door.post("/v1/gradients", json={**GRAPH, "surprise": 1}, headers={**bearer(key), "x-request-id": "seven"})
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "verigrad"]
    assert warning == "request seven from 192.0.2.1 was turned away: this key is not known here"
    for secret in (*KEYS.values(), key, *(sha256(each.encode()).hexdigest() for each in KEYS.values())):
        assert secret not in caplog.text
