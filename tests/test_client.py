"""The clients: both follow the same rules, so one set of tests asks both."""

import inspect
import logging
import pickle
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx
import numpy as np
import orjson
import pytest

from service.client import AsyncClient, Client, Refused, Retry, TimedOut, UnexpectedReply, Unreachable
from service.contract.examples import CHECK, GRADE, GRADE_BATCH, GRADIENTS, MISTAKES, TRAIN
from tests.serving import environment, free_port

GRAPH = GRADIENTS["graph"].body
SOLUTION = b'{"output": "f", "value": 20.0, "nodes": [], "certificate": {"method": "increment", "status": "agrees"}}'
KEY = "vg_6f1c0ffee"


class Both:
    """Either client, asked without awaiting."""

    def __init__(self, kind, *arguments, clock=None, **options):
        self.kind = kind
        self.arguments, self.options = arguments, options
        self.client = kind(*arguments, **options)
        self.now, self.slept, self.sent = 0.0, [], []
        self.client._clock = clock or (lambda: self.now)
        self.client._draw = lambda: 1.0
        self.client._sleep = self.sleep if kind is Client else self.sleep_later

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_later(self, seconds):
        self.sleep(seconds)

    def __getattr__(self, name):
        method = getattr(self.client, name)

        def call(*arguments, **options):
            if not inspect.iscoroutinefunction(method):
                return method(*arguments, **options)

            async def run():
                return await method(*arguments, **options)

            return anyio.run(run)

        return call


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "async"])
def both(request):
    """A client whose service replies as told: a status, a reply, an exception, or a function of the request."""
    made = []

    def make(*outcomes, url="http://service.example", key=KEY, took=0.0, **options):
        left = list(outcomes)

        def reply(sent):
            asked.sent.append(sent)
            asked.now += took
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return httpx.Response(outcome) if isinstance(outcome, int) else outcome

        asked = Both(request.param, url, key, transport=httpx.MockTransport(reply), **options)
        made.append(asked)
        return asked

    yield make
    for each in made:
        each.close()


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "async"])
def live(request, served):
    """Asks the running service. A client that awaits lives as long as its event loop, so it is made anew for each."""

    def ask(name, *arguments, **options):
        if request.param is Client:
            with Client(served.address) as client:
                return getattr(client, name)(*arguments, **options)

        async def run():
            async with AsyncClient(served.address) as client:
                return await getattr(client, name)(*arguments, **options)

        return anyio.run(run)

    return ask


def good():
    return httpx.Response(200, content=SOLUTION)


def refused(status, kind, **headers):
    document = {
        "type": f"/problems/{kind}",
        "title": "No",
        "status": status,
        "detail": "this cannot be",
        "errors": [{"path": "values.x", "message": "not a number"}],
    }
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        status, content=orjson.dumps(document), headers={"content-type": "application/problem+json", **headers}
    )


# --- when a request is sent again


@pytest.mark.parametrize(
    "failure",
    [
        *(429, 502, 503, 504),
        *(httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.ReadError("reset")),
        *(httpx.WriteError("reset"), httpx.RemoteProtocolError("the server hung up")),
    ],
    ids=repr,
)
def test_what_may_pass_is_tried_again(both, failure):
    client = both(failure, failure, good())
    assert client.gradients(GRAPH).value == 20
    assert [each.content for each in client.sent] == [orjson.dumps(GRAPH)] * 3
    assert client.slept == [0.25, 0.5]  # the draw is 1: the bounds themselves


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 413, 422, 500, 501])
def test_any_other_reply_is_final(both, status):
    client = both(status)
    with pytest.raises(Refused) as caught:
        client.gradients(GRAPH)
    assert (caught.value.status, caught.value.temporary, client.slept) == (status, False, [])
    assert repr(caught.value) == f"Refused({str(caught.value)!r})"


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.WriteTimeout("slow"), httpx.PoolTimeout("full")])
def test_an_answer_that_takes_long_is_not_asked_for_twice(both, failure):
    client = both(failure)
    with pytest.raises(TimedOut, match=r"http://service\.example has not answered"):
        client.gradients(GRAPH)


def test_what_the_service_says_takes_too_long_is_not_asked_for_twice(both):
    client = both(refused(504, "deadline-exceeded"))
    with pytest.raises(Refused):
        client.gradients(GRAPH)


def test_attempts_are_counted(both):
    client = both(503, 503, 503, retry=Retry(attempts=3))
    with pytest.raises(Refused):
        client.health()
    assert len(client.sent) == 3
    with pytest.raises(Unreachable):
        both(httpx.ConnectError("refused"), retry=Retry(attempts=1)).health()


def test_pauses_are_drawn_below_a_bound_that_doubles():
    retry = Retry(first=1, longest=5)
    assert [retry.pause(failures, None, lambda: 1.0) for failures in range(1, 6)] == [1, 2, 4, 5, 5]
    assert retry.pause(3, None, lambda: 0.5) == 2
    assert retry.pause(3, None, lambda: 0.0) == 0
    assert retry.pause(1_000, 7, lambda: 0.5) == 9.5  # never less than was asked for


def test_retry_after_is_kept(both):
    client = both(refused(429, "too-many-requests", retry_after="7"), good())
    client.gradients(GRAPH)
    assert client.slept == [7.25]


def date(seconds):
    return format_datetime(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), usegmt=True)


def test_retry_after_may_be_a_date(both):
    client = both(refused(503, "busy", retry_after=date(12), date=date(0)), good())
    client.gradients(GRAPH)
    assert client.slept == [12.25]
    client = both(refused(503, "busy", retry_after=date(0), date=date(5)), good())
    client.gradients(GRAPH)
    assert client.slept == [0.25]  # it is past already


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "1e9", "٣", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_passed_over(both, text):
    client = both(httpx.Response(503, headers=[(b"retry-after", text.encode())]), good())
    client.gradients(GRAPH)
    assert client.slept == [0.25]


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(both):
    client = both(refused(429, "too-many-requests", retry_after="3600"))
    with pytest.raises(Refused) as caught:
        client.gradients(GRAPH)
    assert (client.slept, caught.value.retry_after, caught.value.temporary) == ([], 3600, True)


def test_the_deadline_is_for_all_attempts_together(both):
    client = both(*[503] * 9, took=4, deadline=10, retry=Retry(attempts=9, first=1))
    with pytest.raises(Refused):
        client.gradients(GRAPH)
    assert client.now <= 10
    assert (len(client.sent), client.slept) == (2, [1])  # 4 + 1 + 4, and a pause of 2 would be too long


def test_each_attempt_is_given_what_is_left(both):
    client = both(503, good(), took=4, deadline=10)
    client.gradients(GRAPH)
    timeouts = client.sent[-1].extensions["timeout"]
    client.now = 4.25
    assert (timeouts.get("read"), timeouts.get("write"), timeouts.get("connect")) == (5.75, 5.75, 5)
    client.now = 11
    assert 0 < timeouts.get("read") < 0.01  # 0 would mean to wait forever


def test_the_deadline_is_kept_while_a_reply_comes_in_crumbs():
    """No timeout of one read would end this."""

    def crumbs():
        while True:
            client.now += 3
            yield b" "

    transport = httpx.MockTransport(lambda sent: httpx.Response(200, content=crumbs()))
    client = Both(Client, "http://service.example", transport=transport, deadline=10)
    with client.client, pytest.raises(TimedOut):
        client.health()
    assert client.now == 12


@pytest.mark.parametrize("kind", [Client, AsyncClient], ids=["sync", "async"])
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"], ids=["headers", "body"])
def test_the_deadline_is_kept_by_a_network_of_crumbs(kind, head):
    """A byte at a time, of the headers or of the body, and never an end."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def crumble():
            connection, _ = server.accept()
            with connection, suppress(OSError):  # as the client hangs up
                connection.recv(65_536)
                connection.sendall(head or b"HTTP/1.1 200 OK\r\nx: ")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.01)

        thread = threading.Thread(target=crumble)
        thread.start()
        start = time.perf_counter()
        with pytest.raises(TimedOut):
            Both(kind, f"http://127.0.0.1:{server.getsockname()[1]}", deadline=0.2, clock=time.monotonic).health()
        assert time.perf_counter() - start < 2
        thread.join()


def test_the_deadline_ends_what_never_replies():
    async def run():
        with anyio.fail_after(5):
            async with AsyncClient("http://service.example", transport=httpx.MockTransport(hang), deadline=0.01) as client:
                await client.health()

    async def hang(request):
        await anyio.sleep_forever()

    with pytest.raises(TimedOut):
        anyio.run(run)


def test_posts_that_may_not_be_repeated(both):
    client = both(503)
    with pytest.raises(Refused):
        client.post("/v1/jobs", {"train": {}})
    client = both(503, httpx.Response(202, json={"id": "j1"}))
    assert client.post("/v1/jobs", {"train": {}}, idempotency_key="k1") == {"id": "j1"}
    assert [each.headers["idempotency-key"] for each in client.sent] == ["k1", "k1"]
    assert both(503, good()).post("/v1/gradients", GRAPH)["output"] == "f"
    assert both(503, good()).post_bytes("/v1/gradients", b"{}") == SOLUTION


def test_any_address_can_be_looked_at(both):
    client = both(503, httpx.Response(200, json={"status": "running"}))
    assert client.get("/v1/jobs/j1") == {"status": "running"}
    assert [(each.method, each.url.path) for each in client.sent] == [("GET", "/v1/jobs/j1")] * 2


# --- errors


def test_a_refusal_tells_what_the_document_says(both):
    client = both(refused(422, "bad-numbers", x_request_id="r-17"))
    with pytest.raises(Refused, match=r"^422 bad-numbers: this cannot be \(request r-17\)$") as caught:
        client.gradients(GRAPH)
    error = caught.value
    assert (error.kind, error.status, error.title, error.detail) == ("bad-numbers", 422, "No", "this cannot be")
    assert [(each.path, each.message) for each in error.errors] == [("values.x", "not a number")]
    assert (error.request_id, orjson.loads(error.content)) == ("r-17", error.document)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.document) == (str(error), error.document)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"<h1>Oops</h1>", "text/html"), (b"{", "application/problem+json"), (b"[]", "application/problem+json")],
)
def test_a_refusal_without_a_document_is_told_by_its_status(both, content, kind):
    reply = httpx.Response(500, content=content, headers={"content-type": kind})
    with pytest.raises(Refused, match=r"^500 about:blank: Internal Server Error$"):
        both(reply).gradients(GRAPH)


def test_a_reply_of_somebody_else_is_said_to_be_so(both):
    with pytest.raises(UnexpectedReply, match="not JSON"):
        both(httpx.Response(200, text="<h1>Log in</h1>")).gradients(GRAPH)
    with pytest.raises(UnexpectedReply, match="not a JSON object"):
        both(httpx.Response(200, text="[]")).gradients(GRAPH)
    with pytest.raises(UnexpectedReply, match="cannot be asked"):
        both(httpx.DecodingError("not gzip")).gradients(GRAPH)


def test_nothing_listens():
    address = f"http://127.0.0.1:{free_port()}"
    with (
        Client(address, retry=Retry(attempts=1)) as client,
        pytest.raises(Unreachable, match=f"{address} cannot be reached"),
    ):
        client.health()


# --- the key


def test_the_key_is_sent_and_shown_nowhere(both, caplog):
    caplog.set_level(logging.DEBUG)
    client = both(good())
    client.gradients(GRAPH)
    assert client.sent[0].headers["authorization"] == f"Bearer {KEY}"
    assert client.sent[0].headers["user-agent"].startswith("verigrad/")
    shown = [repr(client.client), str(vars(client.client)), repr(client.sent[0].headers), caplog.text]
    assert not any(KEY in text for text in shown)
    assert repr(client.client).endswith("Client('http://service.example')")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_goes_to_nobody_else(both, status):
    client = both(httpx.Response(status, headers={"location": "https://elsewhere.example/v1/gradients"}))
    with pytest.raises(UnexpectedReply, match=r"sends to https://elsewhere\.example"):
        client.gradients(GRAPH)
    assert len(client.sent) == 1


@pytest.mark.parametrize("key", ["a b", "a\nb", "ключ", "a\x00"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key):
    with pytest.raises(ValueError, match="characters that no key has") as caught:
        Client(key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://me:secret@host", "http://a:b", "/v1"])
def test_an_address_that_cannot_be_one_is_refused(url):
    with pytest.raises(ValueError, match="address of the service") as caught:
        Client(url)
    assert "secret" not in str(caught.value)


def test_address_and_key_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("VERIGRAD_URL", "https://grades.example/verigrad/")
    monkeypatch.setenv("VERIGRAD_KEY", KEY)
    sent = []

    def reply(request):
        sent.append(request)
        return good()

    with Client(transport=httpx.MockTransport(reply)) as client:
        client.gradients(GRAPH)
    assert str(sent[0].url) == "https://grades.example/verigrad/v1/gradients"
    assert sent[0].headers["authorization"] == f"Bearer {KEY}"


def test_this_machine_is_not_asked_through_a_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    for url, count in (("http://127.0.0.1:8000", 0), ("http://[::1]:8000", 0), ("http://localhost", 0), ("http://a.b", 1)):
        with Client(url) as client:
            assert len(client._http._mounts) == count, url


# --- requests


@pytest.mark.parametrize(
    ("array", "written"),
    [
        (np.array([[1.5, 2], [3, 4]]), [[1.5, 2.0], [3.0, 4.0]]),
        (np.array([[1, 2], [3, 4]]).T, [[1, 3], [2, 4]]),
        (np.arange(6.0)[::2], [0.0, 2.0, 4.0]),
        (np.array(2.5), 2.5),
        (np.float64(2.5), 2.5),
        (np.array([1, 2], dtype=">f8"), [1.0, 2.0]),
        (np.array([0.1], dtype=np.float32), [0.1]),  # the shortest digits that are this float32
        (np.array([1, 2], dtype=object), [1, 2]),
        (np.array([[]]), [[]]),
    ],
    ids=repr,
)
def test_arrays_may_stand_for_numbers(both, array, written):
    client = both(good())
    client.gradients({"values": {"x": array}})
    assert orjson.loads(client.sent[0].content) == {"values": {"x": written}}


NOT_FINITE = [
    (np.array([[1, np.nan]]), r"\[0\]\[1\]", [[1.0, "NaN"]]),
    ([[1, float("inf")], (-np.inf,)], r"\[0\]\[1\]", [[1, "Infinity"], ["-Infinity"]]),
    (np.array(np.nan), "", "NaN"),
    (["0.5", None, np.float32("nan")], r"\[2\]", ["0.5", None, "NaN"]),
    (np.float64("nan"), "", "NaN"),
]


@pytest.mark.parametrize(("value", "where", "text"), NOT_FINITE, ids=repr)
def test_what_is_not_finite_is_refused_before_it_is_sent(both, value, where, text):
    with pytest.raises(ValueError, match=rf"^values\.x{where} is not finite"):
        both().gradients({"values": {"y": [1.0], "x": value}})


@pytest.mark.parametrize(("value", "where", "text"), NOT_FINITE, ids=repr)
def test_among_answers_it_is_sent_as_text(both, value, where, text):
    """It would be null, which says that nothing was answered there; and an error would fail a whole class."""
    client = both(good(), good())
    client.grade(GRAPH, {"dx": value})
    client.grade_batch(GRAPH, {"ada": {"dx": value}, "bob": {"dx": np.ones(2)}})
    one, many = [orjson.loads(each.content) for each in client.sent]
    assert one["answers"] == {"dx": text}
    assert [each["answers"] for each in many["submissions"]] == [{"dx": text}, {"dx": [1.0, 1.0]}]


def test_what_is_no_json_is_refused(both):
    with pytest.raises(TypeError, match="this cannot be written as JSON"):
        both().gradients({"values": {"x": object()}})


def test_arguments_become_fields(both):
    client = both(good(), good(), good(), good(), good())
    client.gradients(GRAPH, include=["formulas"], jacobians=("dq/dx",))
    client.check(GRAPH, gradients={"dx": 4}, method="central", tolerance=0.1)
    client.grade(GRAPH, {"dx": "4"}, {"feedback": "score"})
    client.grade_batch(GRAPH, {"ada": {"dx": 4}})
    client.train(GRAPH, optimizer={"kind": "sgd", "learning_rate": 0.1}, steps=2)
    bodies = [orjson.loads(each.content) for each in client.sent]
    assert [{name: each[name] for name in each if name not in GRAPH} for each in bodies] == [
        {"include": ["formulas"], "jacobians": ["dq/dx"]},
        {"gradients": {"dx": 4}, "method": "central", "tolerance": 0.1},
        {"answers": {"dx": "4"}, "policy": {"feedback": "score"}},
        {"submissions": [{"id": "ada", "answers": {"dx": 4}}]},
        {"optimizer": {"kind": "sgd", "learning_rate": 0.1}, "steps": 2},
    ]


def test_the_client_stands_alone():
    loaded = "import sys, service.client; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], env=environment(), capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert "service.client.sync" in names
    assert not {"engine", "fastapi", "pydantic", "service.schemas"} & names


# --- live


def test_live_gradients(live):
    problem = {**GRAPH, "values": {"x": np.float64(2), "y": 3, "z": 4}}
    solution = live("gradients", problem, include=["local"], jacobians=["df/dx"])
    assert {name: solution[name].item() for name in ("f", "dx", "dy", "dz", "q/x", "df/dx")} == {
        "f": 20, "dx": 4, "dy": 4, "dz": 5, "q/x": 1, "df/dx": 4,
    }  # fmt: skip
    assert solution.certificate.status == "agrees"
    assert solution.node("q").op == "add"
    with pytest.raises(KeyError, match="dw is not in this answer"):
        solution["dw"]


def test_live_check(live):
    report = live("check", CHECK["submitted"].body)
    assert report.status == report["dW2"].status == "disagrees"
    assert report["dW2"].worst.submitted == pytest.approx(-report["dW2"].worst.numeric)
    assert report["dA2"].status == "agrees"


def test_live_grades(live):
    grade = live("grade", GRADE["network"].body, GRADE["network"].body["answers"])
    assert grade[grade.first_error].verdict == "wrong"
    assert grade[grade.first_error].cells.tolist() == [[False]]
    body = GRADE_BATCH["batch"].body
    batch = live("grade_batch", body, body["submissions"], body["policy"])
    assert batch["ada"].grade.score == 1
    assert batch["carl"].grade["dc"].verdict == "malformed"
    failed = live("grade_batch", GRAPH, [{"id": "s1", "answers": []}])["s1"]
    assert failed.grade is None
    assert failed.error.errors[0].path == "submissions[0].answers"


def test_live_training(live):
    training = live("train", TRAIN["adam"].body)
    assert training.stopped == "steps"
    assert training.steps[-1].parameters["x"].tolist() == training.parameters["x"].tolist()
    assert training.steps[0].state["mean"]["x"].shape == (2,)


def test_live_mistakes_catalog_and_health(live):
    assert {each.code for each in live("mistakes", MISTAKES["network"].body).mistakes}
    assert "increment" in [each.name for each in live("catalog").check_methods]
    assert live("health").status == "ok"


def test_live_refusal(live):
    with pytest.raises(Refused) as caught:
        live("gradients", {**GRAPH, "values": {"x": [True]}})
    assert caught.value.status == 422
    assert caught.value.errors[0].path.startswith("values")
    with pytest.raises(Refused) as caught:
        live("post", "/v1/nowhere", {})
    assert caught.value.kind == "not-found"
