"""/v1/jobs as the OpenAPI document has it. Work is done by a runner within the test; test_jobs_live.py has real workers."""

import threading
from uuid import uuid4

import orjson
import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.contract.examples import JOBS
from service.jobs.attempts import Attempts
from service.jobs.runner import Limits, Runner
from service.keys import entry_of, make_key
from service.schemas.statuses import FAILED, SUCCEEDED
from service.settings import Settings
from tests.contract import CLOSED, DOCUMENT, validate
from tests.job_bodies import training
from tests.test_service_errors import problem

TRAIN = {"train": training(5)}
KEYS = {name: make_key() for name in ("ada", "blaise", "grader", "root")}
SCOPES = {"ada": "compute", "blaise": "compute", "grader": "grade", "root": "admin"}


class Api(TestClient):
    def __init__(self, folder, **settings):
        self.served = create_app(Settings(data_dir=folder, **settings))
        super().__init__(self.served, raise_server_exceptions=False)

    @property
    def attempts(self):
        return Attempts(self.served.state.jobs.open().database, "worker", 3)

    def submit(self, body=TRAIN, status=202, **headers):
        response = self.post("/v1/jobs", json=body, headers={name.replace("_", "-"): each for name, each in headers.items()})
        assert response.status_code == status, response.text
        return response.json()

    def work(self, job):
        Runner(self.attempts, Limits(600, 2**31, 10), threading.Event()).run(job["id"])
        return self.get(job["links"]["self"]).json()


@pytest.fixture
def api(tmp_path):
    api = Api(tmp_path / "data")
    yield api
    api.served.state.jobs.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    api = Api(tmp_path_factory.mktemp("data"))
    yield api
    api.served.state.jobs.close()


# From submission to result


@pytest.mark.parametrize("kind", JOBS)
def test_each_kind_of_job_is_done_as_described(shared, kind):
    body = JOBS[kind].body
    validate(body, "JobRequest")
    response = shared.post("/v1/jobs", json=body)
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['id']}" == job["links"]["self"]
    assert (job["status"], job["kind"], job["attempt"]) == ("queued", kind, 0)
    validate(job, "Job", CLOSED)
    document = problem(shared.get(job["links"]["result"]), 409, "job-unfinished")
    assert "queued" in document["detail"]
    job = shared.work(job)
    assert (job["status"], job["progress"]["fraction"]) == ("succeeded", 1.0)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    validate(job, "Job", CLOSED)
    result = shared.get(job["links"]["result"])
    model = {"train": "TrainJobResult", "check": "CheckResponse", "grade_batch": "GradeBatchResponse"}[kind]
    validate(result.json(), model, CLOSED)
    validate(result.json(), "JobResult")
    problem(shared.delete(job["links"]["self"]), 409, "job-finished")


def test_the_document_describes_every_address():
    paths = {path: set(methods) for path, methods in DOCUMENT["paths"].items() if path.startswith("/v1/jobs")}
    assert paths == {
        "/v1/jobs": {"post", "get"},
        "/v1/jobs/{id}": {"get", "delete"},
        "/v1/jobs/{id}/events": {"get"},
        "/v1/jobs/{id}/result": {"get"},
    }


def test_a_large_result_arrives_in_pieces_and_whole(api):
    job = api.submit()
    attempt = api.attempts.begin(job["id"])
    result = orjson.dumps({"parameters": {"W1": list(range(700_000))}})
    assert len(result) > 4 * 2**20
    api.attempts.finish(attempt, SUCCEEDED, result=result)
    response = api.get(job["links"]["result"])
    assert response.content == result
    assert response.headers["content-length"] == str(len(result))


def test_a_failed_job_says_why_and_its_result_is_there_if_it_left_one(api):
    error = {"type": "/problems/job-lost", "title": "Lost", "status": 500, "detail": "lost 3 times", "errors": []}
    with_result, without = api.submit(), api.submit()
    api.attempts.finish(api.attempts.begin(with_result["id"]), FAILED, error=error, result=b'{"parameters":{}}')
    api.attempts.finish(api.attempts.begin(without["id"]), FAILED, error=error)
    job = api.get(with_result["links"]["self"]).json()
    assert (job["status"], job["error"]) == ("failed", error)
    validate(job, "Job", CLOSED)
    assert api.get(with_result["links"]["result"]).json() == {"parameters": {}}
    document = problem(api.get(without["links"]["result"]), 409, "no-result")
    assert document["detail"].endswith("lost 3 times")


def test_cancelling(api):
    job = api.submit()
    response = api.delete(job["links"]["self"])
    assert (response.status_code, response.json()["status"]) == (202, "cancelled")
    problem(api.get(job["links"]["result"]), 409, "no-result")
    problem(api.delete(job["links"]["self"]), 409, "job-finished")


def test_events_of_a_finished_job(api):
    job = api.submit()
    api.delete(job["links"]["self"])
    response = api.get(job["links"]["events"])
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    retry, event, end = response.text.split("\n\n")
    assert (retry, end) == ("retry: 1000", "")
    number, name, data = (line.partition(": ")[2] for line in event.splitlines())
    assert (name, orjson.loads(data)) == ("cancelled", api.get(job["links"]["self"]).json())
    assert api.get(job["links"]["events"], headers={"last-event-id": number}).status_code == 204
    assert api.get(job["links"]["events"], headers={"last-event-id": "no number"}).text == response.text


# What is refused


def training_check(widths, method="central"):
    """So many weights, each moved by itself."""
    layers = [{"units": widths, "activation": "tanh"}, {"units": 1, "activation": "identity"}]
    network = {"layers": layers, "loss": "squared_error"}
    return {"network": network, "inputs": [[0.5] * widths] * 10, "labels": [[1.0]] * 10, "method": method}


BAD = {
    "nothing": ({}, "bad-problem", ""),
    "a list": ([], "bad-problem", ""),
    "two kinds": ({"train": {}, "check": {}}, "bad-problem", ""),
    "another kind": ({"grade": {}}, "bad-problem", "grade"),
    "no kind": (training(5), "bad-problem", "network"),
    "null": ({"train": None}, "bad-problem", ""),
    "a text": ({"train": "network"}, "bad-problem", "train"),
    "no optimizer": ({"train": {"graph": {"expressions": ["y = x"]}, "values": {"x": 1}}}, "bad-problem", "train.optimizer"),
    "shapes": ({"train": training(5, labels=[[1]])}, "shape-mismatch", "train.labels"),
    "type of numbers": ({"train": training(5, dtype="float16")}, "unknown-name", "train.dtype"),
    "patience": ({"train": training(5, early_stopping={"patience": 0})}, "bad-numbers", "train.early_stopping.patience"),
    "too many epochs": ({"train": training(10**6)}, "too-large", "train.epochs"),
    "method": ({"check": {**JOBS["check"].body["check"], "method": "guess"}}, "unknown-name", "check.method"),
    "claim": ({"check": {**JOBS["check"].body["check"], "gradients": {"dW9": 1}}}, "unknown-name", "check.gradients.dW9"),
    "a check that costs too much": (
        {"check": training_check(widths=2000)},
        "too-large",
        "check",
    ),
    "submissions": (
        {"grade_batch": {**JOBS["grade_batch"].body["grade_batch"], "submissions": [{"id": 1}]}},
        "bad-problem",
        "grade_batch.submissions[0].id",
    ),
    "policy": (
        {"grade_batch": {**JOBS["grade_batch"].body["grade_batch"], "policy": {"ask": ["dz"]}}},
        "unknown-name",
        "grade_batch.policy.ask[0]",
    ),
}


@pytest.mark.parametrize(("body", "kind", "path"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_before_it_is_queued(shared, body, kind, path):
    document = problem(shared.post("/v1/jobs", json=body), 422, kind)
    assert document["errors"][0]["path"] == path


def test_all_faults_of_form_are_told(shared):
    body = {**training(5, batch_size="x"), "shuffle": 1}
    document = shared.post("/v1/jobs", json={"train": body}).json()
    assert {error["path"] for error in document["errors"]} == {"train.batch_size", "train.shuffle"}


def test_nothing_that_was_refused_is_queued(api):
    for body, _, _ in BAD.values():
        api.submit(body, status=422)
    assert api.get("/v1/jobs").json() == {"jobs": []}


@pytest.mark.parametrize("path", ["", "/events", "/result"])
@pytest.mark.parametrize("id", [uuid4(), "x", "%00"])
def test_a_job_that_is_not_there(shared, id, path):
    problem(shared.get(f"/v1/jobs/{id}{path}"), 404, "not-found")


def test_the_database_is_away(tmp_path):
    api = Api(tmp_path, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    document = problem(api.post("/v1/jobs", json=TRAIN), 503, "jobs-unavailable")
    assert "nobody" not in document["detail"]
    assert api.get("/healthz").status_code == 200


# Idempotency, limits, lists


def test_a_request_can_be_repeated_by_its_key(api):
    job = api.submit(idempotency_key="k")
    again = {"train": dict(reversed(TRAIN["train"].items()))}
    assert api.submit(again, idempotency_key="k") == job
    response = api.post("/v1/jobs", json={"train": training(6)}, headers={"idempotency-key": "k"})
    problem(response, 409, "idempotency-conflict")
    assert api.submit(idempotency_key="l")["id"] != job["id"]
    assert api.submit()["id"] != job["id"]
    assert len(api.get("/v1/jobs").json()["jobs"]) == 3
    response = api.post("/v1/jobs", json=TRAIN, headers={"idempotency-key": "k" * 256})
    assert problem(response, 422, "bad-problem")["errors"][0]["path"] == "Idempotency-Key"


def test_too_many_jobs_at_once(tmp_path):
    api = Api(tmp_path, max_jobs=2)
    first = api.submit(idempotency_key="k")
    api.attempts.begin(first["id"])
    api.submit()
    response = api.post("/v1/jobs", json=TRAIN)
    problem(response, 429, "too-many-jobs")
    assert int(response.headers["retry-after"]) > 0
    assert api.submit(idempotency_key="k")["id"] == first["id"]
    api.served.state.jobs.close()


def test_lists_are_filtered_and_paged(api):
    made = [api.submit()["id"] for _ in range(5)]
    api.delete(f"/v1/jobs/{made[0]}")
    page = api.get("/v1/jobs", params={"status": "queued", "limit": 3}).json()
    validate(page, "JobPage", CLOSED)
    assert [job["id"] for job in page["jobs"]] == made[:1:-1]
    page = api.get("/v1/jobs", params={"status": "queued", "limit": 3, "cursor": page["cursor"]}).json()
    assert ([job["id"] for job in page["jobs"]], "cursor" in page) == ([made[1]], False)
    assert api.get("/v1/jobs", params={"kind": "check"}).json() == {"jobs": []}


@pytest.mark.parametrize("wrong", ["status=done", "kind=grade", "limit=0", "limit=201", "limit=x", "limit=²", "cursor=x"])
def test_bad_parameters(shared, wrong):
    document = problem(shared.get(f"/v1/jobs?{wrong}"), 422, "bad-problem")
    assert document["errors"][0]["path"] == wrong.partition("=")[0]


# Whose


def test_a_job_is_there_for_the_key_that_made_it_and_for_administrators(tmp_path):
    entries = ",".join(entry_of(name, SCOPES[name], key) for name, key in KEYS.items())
    api = Api(tmp_path, keys=entries)
    bearer = {name: {"authorization": f"Bearer {key}"} for name, key in KEYS.items()}
    job = api.submit(**bearer["ada"], idempotency_key="k")
    for name, status in (("ada", 200), ("root", 200), ("blaise", 404), ("grader", 403)):
        assert api.get(job["links"]["self"], headers=bearer[name]).status_code == status
        assert api.get(job["links"]["events"] + "x", headers=bearer[name]).status_code in (404, 403)
    problem(api.delete(job["links"]["self"], headers=bearer["blaise"]), 404, "not-found")
    assert api.submit(**bearer["blaise"], idempotency_key="k")["id"] != job["id"]
    seen = {name: len(api.get("/v1/jobs", headers=bearer[name]).json()["jobs"]) for name in ("ada", "blaise", "root")}
    assert seen == {"ada": 1, "blaise": 1, "root": 2}
    assert api.delete(job["links"]["self"], headers=bearer["root"]).status_code == 202
    api.served.state.jobs.close()
