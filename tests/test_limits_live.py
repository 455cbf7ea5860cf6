"""What the server does with clients that send too much, too slowly or too many at once, or that do not read."""

import contextlib
import statistics
import time
from pathlib import Path

import orjson
import pytest

from service.contract.examples import GRADIENTS
from tests.service_with_faults import LARGE
from tests.serving import PATIENCE
from tests.wire import Wire, assert_refused, chunked, request, served_with_faults

HEADER_TIMEOUT, BODY_TIMEOUT, KEEP_ALIVE = 0.5, 0.8, 0.6
EARLY = 0.05
"""Seconds by which the clock of the event loop may lag behind the one here."""
LATE = 0.6
"""Seconds that a machine may be behind: the server looks every 0.1 seconds."""
MAX_BODY = 1_000_000
GRADIENTS_BODY = orjson.dumps(GRADIENTS["graph"].body)


@pytest.fixture(scope="module")
def served():
    with served_with_faults(
        VERIGRAD_HEADER_TIMEOUT=str(HEADER_TIMEOUT),
        VERIGRAD_BODY_TIMEOUT=str(BODY_TIMEOUT),
        VERIGRAD_KEEP_ALIVE=str(KEEP_ALIVE),
        VERIGRAD_MAX_HEADER="8192",
        VERIGRAD_MAX_BODY=str(MAX_BODY),
    ) as served:
        yield served
        assert served.process.poll() is None


@pytest.fixture
def wire(served):
    with Wire(served.address) as wire:
        yield wire
    with Wire(served.address) as another:
        assert another.get("/healthz").status == 200


# Time


def test_a_connection_that_sends_nothing_is_closed(wire):
    assert HEADER_TIMEOUT - EARLY <= wire.end() <= HEADER_TIMEOUT + LATE


def test_a_connection_at_rest_is_closed(wire):
    assert wire.get("/healthz").status == 200
    assert KEEP_ALIVE - EARLY <= wire.end() <= KEEP_ALIVE + LATE


@pytest.mark.parametrize("before", [0, 1], ids=["first request", "second request"])
def test_slow_headers(wire, before):
    for _ in range(before):
        wire.get("/healthz")
    assert_refused(wire.drip(request("GET", "/" + "a" * 100), 0.05).answer(), "too-slow")
    assert HEADER_TIMEOUT - EARLY <= wire.end() <= HEADER_TIMEOUT + LATE


def test_headers_that_stop(wire):
    assert_refused(wire.send(b"GET / HTTP/1.1\r\nhost: a\r\n").answer(), "too-slow")
    assert HEADER_TIMEOUT - EARLY <= wire.end() <= HEADER_TIMEOUT + LATE


@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
def test_slow_body(wire, framing):
    head = request("POST", "/v1/gradients", framing)
    body = b"1\r\n \r\n" * 100 if "chunked" in framing else b" " * 99
    assert_refused(wire.send(head).drip(body, 0.05).answer(), "too-slow")
    assert BODY_TIMEOUT - EARLY <= wire.end() <= BODY_TIMEOUT + LATE


def test_a_body_that_never_comes(wire):
    assert_refused(wire.send(request("POST", "/v1/gradients", "content-length: 100")).answer(), "too-slow")


def test_a_body_that_nobody_reads_is_waited_for_no_longer(wire):
    wire.send(request("POST", "/nothing", "content-length: 100"))
    assert wire.answer().status == 404
    assert BODY_TIMEOUT - EARLY <= wire.end() <= BODY_TIMEOUT + LATE


def test_time_for_the_body_is_not_taken_from_the_answer(wire):
    for _ in range(3):  # 1.2 seconds
        assert wire.get("/slow").body == b"at last"


def test_time_in_which_the_server_does_not_read_is_not_counted(wire):
    """The last request waits for three others, which take longer than a body may."""
    sent = request("GET", "/slow") * 3 + request("POST", "/v1/gradients", body=GRADIENTS_BODY)
    wire.send(sent[:-10])
    for _ in range(3):
        assert wire.answer().body == b"at last"
    assert time.monotonic() - wire.opened > BODY_TIMEOUT
    assert wire.send(sent[-10:]).answer().status == 200


def test_an_application_that_waits_for_the_body_is_told_that_there_is_none(wire, served):
    assert_refused(wire.send(request("POST", "/until_gone", "content-length: 9")).answer(), "too-slow")
    assert_told(served, 1)


@pytest.mark.parametrize("leave", [Wire.reset, Wire.close])
def test_an_application_is_told_that_the_client_has_gone(wire, served, leave):
    wire.send(request("GET", "/until_gone") + request("GET", "/healthz"))
    time.sleep(0.1)
    leave(wire)
    assert_told(served, 1)


def assert_told(served, times):
    """Within a second or so."""
    time.sleep(0.6)
    with Wire(served.address) as another:
        assert int(another.get("/told").body) == times


# Size


def test_one_header_of_50_megabytes(wire):
    wire.send_all_that_is_taken(request("GET", "/healthz", "x: " + "a" * 50_000_000))
    assert_refused(wire.answer(), "header-too-large")


def test_50_megabytes_of_headers(wire):
    wire.send_all_that_is_taken(request("GET", "/healthz", *[f"x{i}: {'a' * 4000}" for i in range(12_500)]))
    assert_refused(wire.answer(), "header-too-large")


def test_an_address_of_50_megabytes(wire):
    wire.send_all_that_is_taken(request("GET", "/healthz?" + "a" * 50_000_000))
    assert_refused(wire.answer(), "header-too-large")


def test_headers_up_to_the_limit(wire):
    assert wire.get("/healthz", "x: " + "a" * 8_000).status == 200
    assert_refused(wire.get("/healthz", "x: " + "a" * 8_200), "header-too-large")
    wire.end()


def test_too_many_headers(wire):
    assert wire.get("/healthz", *["x: y"] * 100).status == 200
    assert_refused(wire.get("/healthz", *["x: y"] * 200), "header-too-large")


def test_a_trailer_of_50_megabytes(wire):
    head = request("POST", "/v1/gradients", "transfer-encoding: chunked")
    wire.send_all_that_is_taken(head + b"1\r\n \r\n0\r\nx: " + b"a" * 50_000_000 + b"\r\n\r\n")
    assert_refused(wire.answer(), "header-too-large")


def test_a_body_too_large_is_refused_before_it_comes(wire):
    wire.send(request("POST", "/v1/gradients", f"content-length: {MAX_BODY + 1}"))
    assert_refused(wire.answer(), "body-too-large")
    wire.no_more().end()


@pytest.mark.parametrize("send", [chunked, lambda path, body: request("POST", path, body=body)], ids=["chunked", "length"])
def test_who_reads_only_after_a_body_too_large_still_reads_the_answer(wire, send):
    wire.send(send("/v1/gradients", b" " * 40_000_000))
    assert_refused(wire.answer(), "body-too-large")
    wire.end()


def test_a_body_up_to_the_limit(wire):
    body = GRADIENTS_BODY.ljust(MAX_BODY)
    assert wire.post("/v1/gradients", body).status == 200
    assert wire.send(chunked("/v1/gradients", body)).answer().status == 200
    # 50,000 chunks, whose sizes are more bytes than a head may have
    assert wire.send(chunked("/v1/gradients", body[:50_000], 1)).answer().status == 200


# Number


def latency(wire):
    """The median of 50 requests, in seconds."""
    took = []
    for _ in range(50):
        start = time.perf_counter()
        assert wire.post("/v1/gradients", GRADIENTS_BODY).status == 200
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def test_500_silent_connections_disturb_nobody_and_are_closed(served, wire):
    alone = latency(wire)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Wire(served.address)).connect() for _ in range(500)]
        assert latency(wire) < 10 * alone + 0.05  # a server that looks at each connection in turn, or blocks, takes seconds
        for each in silent:
            assert each.end() <= HEADER_TIMEOUT + 2 * LATE


def test_connections_above_the_limit_are_turned_away():
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(served_with_faults(VERIGRAD_MAX_CONNECTIONS="8"))
        accepted = [stack.enter_context(Wire(served.address)).connect() for _ in range(8)]
        for each in accepted:
            assert each.get("/healthz").status == 200
        for sends in (b"", request("GET", "/healthz"), request("POST", "/v1/gradients", body=b" " * 1_000_000)):
            with Wire(served.address) as above:
                answer = above.send_all_that_is_taken(sends).answer()
                assert_refused(answer, "too-many-at-once")
                assert answer.headers["retry-after"] == "1"
                above.end()
        crowd = [stack.enter_context(Wire(served.address)).connect() for _ in range(200)]
        for each in accepted:
            assert each.get("/healthz").status == 200
        for each in (*accepted[:4], *crowd):
            each.reset()
        time.sleep(LATE)
        for _ in range(4):
            assert stack.enter_context(Wire(served.address)).get("/healthz").status == 200


# Readers


@pytest.mark.parametrize("headers", [(), ("connection: close",)], ids=["connection kept", "last answer"])
def test_who_does_not_read_is_given_up(served, wire, headers):
    before = memory(served)
    wire.send(request("GET", "/large", *headers))
    until(lambda: memory(served) - before > LARGE / 2)
    held = time.monotonic()
    until(lambda: memory(served) - before < LARGE / 4)
    assert time.monotonic() - held > BODY_TIMEOUT / 2
    with pytest.raises(ConnectionResetError):
        wire.file.read()


def test_who_reads_slowly_gets_all(wire):
    wire.send(request("GET", "/large"))
    taken = 0
    while taken < LARGE:  # 2 seconds
        piece = wire.file.read(LARGE // 20)
        assert piece
        taken += len(piece)
        time.sleep(0.1)
    assert wire.opened + 2 * BODY_TIMEOUT < time.monotonic()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def memory(served):
    """Bytes that are held now."""
    pages = Path(f"/proc/{served.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096
