"""What the server makes of HTTP itself: of what is none, of what may be read in two ways, and of a connection afterwards."""

import signal
import time

import orjson
import pytest

from service.contract.examples import GRADIENTS
from tests.serving import PATIENCE
from tests.wire import Wire, assert_refused, chunked, request, served_with_faults

GRADIENTS_BODY = orjson.dumps(GRADIENTS["graph"].body)
DEEP = b'{"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"

POST = b"POST /v1/gradients HTTP/1.1\r\nhost: a\r\n"
GET = b"GET /healthz HTTP/1.1\r\nhost: a\r\n"
LENGTH = b"content-length: 5\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"

MALFORMED = {
    "length and encoding": POST + LENGTH + CHUNKED + b"\r\n0\r\n\r\n",
    "encoding and length": POST + CHUNKED + LENGTH + b"\r\n0\r\n\r\n",
    "two lengths": POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "one length twice": POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"content-length: 2, 2\r\n\r\n{}",
    "a negative length": POST + b"content-length: -2\r\n\r\n{}",
    "a length too large for a number": POST + b"content-length: %d\r\n\r\n" % 2**65,
    "no size of a chunk": POST + CHUNKED + b"\r\nxyz\r\n",
    "a size too large for a number": POST + CHUNKED + b"\r\nfffffffffffffffff\r\n",
    "a negative size": POST + CHUNKED + b"\r\n-1\r\n",
    "a chunk longer than its size": POST + CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
    "no method": b"these are words\r\n\r\n",
    "not text": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no address": b"GET http:// HTTP/1.1\r\nhost: a\r\n\r\n",
    "a space before the colon": GET + b"x : y\r\n\r\n",
    "a header on two lines": GET + b"x: y\r\n z\r\n\r\n",
    "a zero byte": GET + b"x: \x00\r\n\r\n",
    "lines that end in LF": b"GET / HTTP/1.1\nhost: a\n\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"host: b\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
UNSUPPORTED = {
    "another encoding": (POST + b"transfer-encoding: gzip\r\n\r\n", "unsupported-http"),
    "another encoding, in chunks": (POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "unsupported-http"),
    "a proxy": (b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n", "unsupported-http"),
    "no version": (b"GET /\r\n\r\n", "unsupported-http-version"),
    "another version": (b"GET / HTTP/2.0\r\nhost: a\r\n\r\n", "unsupported-http-version"),
}


@pytest.fixture(scope="module")
def served():
    with served_with_faults() as served:
        yield served
        assert served.process.poll() is None


@pytest.fixture
def wire(served):
    with Wire(served.address) as wire:
        yield wire
    with Wire(served.address) as another:
        assert another.get("/healthz").status == 200


# What is no HTTP, or may be read in two ways


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(wire, case):
    assert_refused(wire.send(MALFORMED[case]).answer(), "malformed-http")
    wire.no_more().end()


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_unsupported(wire, case):
    sent, kind = UNSUPPORTED[case]
    assert_refused(wire.send(sent).answer(), kind)
    wire.no_more().end()


def test_malformed_in_pieces(wire):
    assert_refused(wire.drip(MALFORMED["length and encoding"], 0.001).answer(), "malformed-http")


def test_what_comes_before_is_answered_first(wire):
    """The refusal must not be taken for the answer to another request."""
    wire.send(request("GET", "/slow") + request("GET", "/healthz") + MALFORMED["no method"])
    assert wire.answer().body == b"at last"
    assert wire.answer().json() == {"status": "ok"}
    assert_refused(wire.answer(), "malformed-http")
    wire.end()


def test_a_malformed_body_that_waits_for_another_answer(wire):
    wire.send(request("GET", "/slow") + MALFORMED["no size of a chunk"])
    assert wire.answer().body == b"at last"
    assert_refused(wire.answer(), "malformed-http")
    wire.end()


def test_nothing_follows_a_refusal(wire):
    wire.send(MALFORMED["length and encoding"] + request("GET", "/healthz"))
    assert_refused(wire.answer(), "malformed-http")
    wire.no_more().end()


# What is HTTP


def test_pipelined(wire):
    wire.send(
        request("GET", "/slow") + request("POST", "/v1/gradients", body=GRADIENTS_BODY) * 3 + request("GET", "/healthz")
    )
    assert wire.answer().body == b"at last"
    assert [wire.answer().status for _ in range(4)] == [200] * 4
    assert wire.get("/healthz").status == 200


def test_too_many_pipelined(wire):
    """Those that are held are answered. 20,000 at once would hold 60 MB."""
    wire.send_all_that_is_taken(request("GET", "/slow") + request("GET", "/healthz") * 20_000)
    assert [wire.answer().status for _ in range(65)] == [200] * 65
    assert_refused(wire.answer(), "too-many-at-once")
    wire.end()


@pytest.mark.parametrize("path", ["/healthz", "/slow"])
def test_who_closes_only_the_half_is_answered(wire, path):
    wire.send(request("GET", path) * 2).no_more()
    statuses: list[int] = []
    while statuses.count(200) < 2:
        statuses.append(wire.answer().status)
    assert statuses.count(100) <= 1  # by which the server finds out whether there is somebody still
    assert statuses.count(200) == len(statuses) - statuses.count(100)
    wire.end()


def test_who_leaves_amid_a_request_is_not_answered(wire):
    wire.send(request("POST", "/v1/gradients", "content-length: 100") + b"{").no_more().end()


def test_http_1_0(wire):
    answer = wire.send(b"GET /healthz HTTP/1.0\r\n\r\n").answer()
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    wire.end()


def test_http_1_0_does_not_know_100_continue(wire):
    head = b"POST /v1/gradients HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(GRADIENTS_BODY)
    assert wire.send(head + GRADIENTS_BODY).answer().status == 200


def test_100_continue(wire):
    for _ in range(2):
        wire.send(request("POST", "/v1/gradients", "expect: 100-continue", f"content-length: {len(GRADIENTS_BODY)}"))
        assert wire.answer().status == 100
        assert wire.send(GRADIENTS_BODY).answer().status == 200


@pytest.mark.parametrize(("path", "length", "status"), [("/v1/gradients", 10**9, 413), ("/nothing", 10, 404)])
def test_without_100_continue_the_connection_ends(wire, path, length, status):
    """The client may leave the body out or send it; what it sends next must not be taken for the other."""
    answer = wire.send(request("POST", path, "expect: 100-continue", f"content-length: {length}")).answer()
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    wire.send(request("GET", "/healthz")).no_more().end()


def test_an_address_in_full(wire):
    assert wire.get("http://verigrad.test/healthz").json() == {"status": "ok"}
    assert wire.get("http://verigrad.test").headers["location"] == "docs"


def test_a_trailer_is_not_a_header(wire):
    sent = chunked("/headers", b"body").removesuffix(b"\r\n") + b"authorization: mine\r\n\r\n"
    assert wire.send(sent).answer().body == b"host transfer-encoding"
    assert wire.get("/healthz").status == 200


def test_a_websocket_is_answered_as_any_request(wire):
    headers = (
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    assert wire.get("/socket", *headers).json()["type"] == "/problems/not-found"
    assert wire.get("/healthz").status == 200


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_upgrade_to_http_2_is_not_made_and_the_body_is_read(wire, pieces):
    """As Java's client asks it of each server, and curl --http2."""
    headers = (
        "connection: Upgrade, HTTP2-Settings",
        "upgrade: h2c",
        "http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    )
    sent = request("POST", "/v1/gradients", *headers, body=GRADIENTS_BODY)
    half = len(sent) if pieces == 1 else len(sent) - 10
    wire.send(sent[:half])
    time.sleep(0.05)
    assert wire.send(sent[half:]).answer().status == 200
    assert wire.get("/healthz").status == 200


def test_what_follows_an_upgrade_is_checked_too(wire):
    wire.send(request("GET", "/healthz", "connection: upgrade", "upgrade: h2c") + MALFORMED["no host"])
    assert wire.answer().status == 200
    assert_refused(wire.answer(), "malformed-http")


# When a connection can be used again


def test_a_connection_outlives_a_refusal_by_the_application(wire):
    for _ in range(2):
        assert wire.get("/nothing").status == 404
        assert wire.get("/v1/gradients").status == 405
        assert wire.post("/nothing", b"x" * 300_000).status == 404
        assert wire.send(chunked("/nothing", b"x" * 300_000)).answer().status == 404
        assert wire.post("/v1/gradients", b"{").json()["type"] == "/problems/malformed-json"
        assert wire.post("/v1/gradients", b"{}").status == 422
        assert wire.post("/v1/gradients", DEEP).json()["status"] == 422
    assert wire.post("/v1/gradients", GRADIENTS_BODY).status == 200


def test_a_connection_ends_with_a_fault_and_says_so(wire):
    assert_refused(wire.get("/fault"), "internal-error")
    wire.end()


def test_an_answer_that_breaks_off_is_seen_to(wire):
    wire.send(request("GET", "/fault_amid"))
    assert b"0\r\n\r\n" not in wire.file.read()


def test_who_is_served_when_the_service_stops_is_answered():
    with served_with_faults() as served, Wire(served.address) as busy, Wire(served.address) as silent:
        with Wire(served.address) as begun:
            silent.connect()
            begun.send(b"GET ")
            busy.send(request("GET", "/slow"))
            time.sleep(0.1)
            start = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            answer = busy.answer()
            assert (answer.body, answer.headers["connection"]) == (b"at last", "close")
            silent.end()
            begun.end()
        served.process.wait(PATIENCE)
        assert time.monotonic() - start < 8  # VERIGRAD_GRACE is 10
