"""A client that sends bytes, whatever they are, and reads what comes back, answer by answer."""

import contextlib
import socket
import struct
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

import orjson

from service.replies.problem_types import PROBLEM_TYPES
from tests.serving import PATIENCE, Served


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return orjson.loads(self.body)


class Wire:
    """Connected when first used, so that the time to put together what is sent does not count."""

    def __init__(self, address):
        self.address = address

    @cached_property
    def socket(self):
        parts = urlsplit(self.address)
        connected = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        self.opened = time.monotonic()
        return connected

    @cached_property
    def file(self):
        return self.socket.makefile("rb")

    def connect(self):
        assert self.socket
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if "socket" in vars(self):
            self.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def send_all_that_is_taken(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)
        return self

    def drip(self, data, pause):
        """A byte at a time, until there is an answer."""
        self.socket.settimeout(pause)
        for byte in data:
            self.socket.sendall(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                self.socket.recv(1, socket.MSG_PEEK)
                break
        self.socket.settimeout(PATIENCE)
        return self

    def no_more(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.file.close()
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def get(self, path, *headers):
        return self.send(request("GET", path, *headers)).answer()

    def post(self, path, body, *headers):
        return self.send(request("POST", path, *headers, body=body)).answer()

    def answer(self, bodyless=False):
        line = self.file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        status = int(line.split()[1])
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name] = value.strip()
        body = b"" if status == 100 or bodyless else self.file.read(int(headers["content-length"]))
        return Answer(status, headers, body)

    def end(self):
        """Seconds from the opening to the end, which comes cleanly and with nothing before it."""
        assert self.file.read() == b""
        return time.monotonic() - self.opened


def served_with_faults(**settings):
    """`errors` is where its log goes."""
    return Served(command=[sys.executable, "-m", "tests.service_with_faults"], VERIGRAD_PORT="0", **settings)


def assert_refused(answer, kind):
    """A whole problem document, and word that the connection ends."""
    row = PROBLEM_TYPES[kind]
    assert answer.status == row.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert (document["type"], document["title"], document["status"]) == (row.uri, row.title, row.status)
    assert document["detail"]
    assert "date" in answer.headers


def request(method, path, *headers, body=None):
    lines = [f"{method} {path} HTTP/1.1", "host: verigrad.test", *headers]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + (body or b"")


def chunked(path, body, size=65_536, *headers):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return request("POST", path, "transfer-encoding: chunked", *headers) + framed + b"0\r\n\r\n"
