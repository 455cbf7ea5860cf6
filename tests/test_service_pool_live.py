"""What clients see of the processes beside the service: problem documents when they end, and room when a client leaves."""

import os
import signal
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from tests.serving import PATIENCE, Served

LAYERS = [{"units": 32, "activation": "relu"}, {"units": 32, "activation": "relu"}, {"units": 1, "activation": "identity"}]
LONG = orjson.dumps(
    {
        "network": {"layers": LAYERS, "loss": "squared_error"},
        "inputs": [[0.5] * 30] * 20,
        "labels": [[1.0]] * 20,
        "optimizer": {"kind": "sgd", "learning_rate": 1e-9},
        "steps": 10_000,
        "record": ["cost"],
    }
)
"""Some seconds of training."""
TINY = b'{"graph": {"expressions": ["J = x * x"]}, "values": {"x": 3}}'


def post(served, path, content):
    with httpx.Client(base_url=served.address, trust_env=False, timeout=PATIENCE) as client:
        return client.post(path, content=content)


def computing(served):
    """The processes of this service that compute, by number."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system does not tell what processes run")
    found = set()
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # one that has just ended
            ours = os.getpgid(int(each.name)) == served.process.pid
            if ours and b"service.work.compute" in (each / "cmdline").read_bytes():
                found.add(int(each.name))
    return found


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def answers_again(served):
    """503 until the process is ready, then 200."""
    while (reply := post(served, "/v1/check", TINY)).status_code != 200:
        assert reply.json()["type"] == "/problems/busy"
        time.sleep(0.1)


def test_deadline():
    with Served("--port", "0", VERIGRAD_DEADLINE="0.3", VERIGRAD_PROCESSES="1", VERIGRAD_INLINE="0") as served:
        answers_again(served)
        refused = post(served, "/v1/train", LONG)
        assert refused.status_code == 504
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "/problems/deadline-exceeded"
        answers_again(served)


def test_killed_and_full():
    with Served("--port", "0", VERIGRAD_PROCESSES="1", VERIGRAD_MAX_WAITING="1", VERIGRAD_INLINE="0") as served:
        assert post(served, "/v1/check", TINY).status_code == 200
        (number,) = computing(served)
        replies = []
        crowd = [
            threading.Thread(target=lambda: replies.append(post(served, "/v1/train", LONG)), daemon=True) for _ in range(3)
        ]
        for each in crowd:
            each.start()
        until(lambda: replies)
        os.kill(number, signal.SIGKILL)
        for each in crowd:
            each.join(PATIENCE)
        busy, lost, done = replies
        assert busy.status_code == 503
        assert busy.json()["type"] == "/problems/busy"
        assert busy.headers["retry-after"] == "1"
        assert lost.status_code == 503
        assert lost.json()["type"] == "/problems/work-lost"
        assert done.status_code == 200


def test_a_client_that_leaves_makes_room():
    with Served("--port", "0", VERIGRAD_PROCESSES="1", VERIGRAD_INLINE="0") as served:
        assert post(served, "/v1/check", TINY).status_code == 200
        before = computing(served)
        address = urlsplit(served.address)
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(b"POST /v1/train HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(LONG) + LONG)
            time.sleep(0.2)
            assert computing(served) == before
            # Reset, because who closes one half alone still reads: that cannot be told from who closes both.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert post(served, "/v1/check", TINY).status_code == 200
        assert computing(served).isdisjoint(before)
