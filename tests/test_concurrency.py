"""Many clients at once get what each would get alone, byte by byte, whoever hangs up in the middle."""

import json
import random
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from service.work.answer import SMALL
from tests.contract import EXAMPLES
from tests.problems import random_network
from tests.serving import Served

CLIENTS = 16
QUITTERS = 40
SECONDS = re.compile(rb'"seconds":[^,}]+')
"""The one thing that is different each time."""


def large():
    """Requests beyond the size that is looked at by the process that answers: these are computed beside it."""
    rng = np.random.default_rng(0)
    loss = {"kind": "squared_error"}
    network = random_network(rng, [30, 20, 3], ["tanh", "identity"], loss, examples=40)
    answers = {"dW2": np.round(rng.standard_normal((20, 3)), 4).tolist()}
    submissions = [{"id": f"s{number}", "answers": {"dW2": rng.standard_normal((20, 3)).tolist()}} for number in range(5)]
    graph = {"graph": {"expressions": ["J = sum(w * x)"]}, "values": {"w": 2, "x": rng.standard_normal((50, 40)).tolist()}}
    step = {**network, "optimizer": {"kind": "adam", "learning_rate": 0.01}, "steps": 2}
    return [
        ("/v1/gradients", {**network, "include": ["formulas"]}),
        ("/v1/gradients", {**graph, "constants": ["x"]}),
        ("/v1/gradients", {**network, "include": "formulas"}),
        ("/v1/gradients", {**network, "labels": [[1]]}),
        ("/v1/check", {**network, "method": "directional", "seed": 1}),
        ("/v1/grade", {**network, "answers": answers}),
        ("/v1/grade/batch", {**network, "submissions": submissions}),
        ("/v1/train", step),
    ]


LARGE = [(path, json.dumps(body).encode()) for path, body in large()]
EXAMPLE = [(path, json.dumps(body).encode()) for path, body in EXAMPLES.values() if path != "/v1/jobs"]
"""A job has another id each time."""
WRONG = [("/v1/gradients", b"{"), ("/v1/grade", b'{"graph": 3}'), ("/v1/nothing", b"{}")]
REQUESTS = [*LARGE, *EXAMPLE, *WRONG]


@pytest.fixture(scope="module")
def served():
    with Served("--port", "0", VERIGRAD_PROCESSES="2", VERIGRAD_RATE="0", VERIGRAD_KEPT_REPLIES="0") as service:
        yield service


@pytest.fixture(scope="module")
def alone(served):
    """What each is answered when nobody else asks."""
    with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
        return [answer(client, request) for request in REQUESTS]


def answer(client, request):
    path, body = request
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    return response.status_code, response.headers["content-type"], SECONDS.sub(b"", response.content)


def ask(served, places):
    """One client's requests, over one connection; the answers by place."""
    with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
        return [(place, answer(client, REQUESTS[place])) for place in places]


def hang_up(served, request, part):
    """Send a part of a request, or all of it, and be gone before the answer comes."""
    path, body = request
    address = urlsplit(served.address)
    head = f"POST {path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    text = head + body
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(text[: max(1, int(len(text) * part))])


def in_crowd(served, orders, quitters=()):
    with ThreadPoolExecutor(len(orders) + 4) as threads:
        asked = [threads.submit(ask, served, order) for order in orders]
        left = [threads.submit(hang_up, served, *each) for each in quitters]
        for each in left:
            each.result()
        return [answered for each in asked for answered in each.result()]


def test_the_requests_are_of_all_kinds(alone):
    assert all(len(body) > SMALL for _, body in LARGE)
    assert all(len(body) <= SMALL for _, body in EXAMPLE)
    assert [status for status, _, _ in alone] == [200, 200, 422, 422, *[200] * 4, *[200] * len(EXAMPLE), 422, 422, 404]


@pytest.mark.parametrize("place", [0, len(LARGE)], ids=["large", "small"])
def test_identical_requests_are_answered_alike(served, alone, place):
    answers = in_crowd(served, [[place] * 3] * CLIENTS)
    assert [found for _, found in answers] == [alone[place]] * 3 * CLIENTS


def test_mixed_requests_are_answered_as_alone_while_others_hang_up(served, alone):
    chance = random.Random(0)
    orders = [chance.sample(range(len(REQUESTS)), len(REQUESTS)) for _ in range(CLIENTS)]
    quitters = [(chance.choice(REQUESTS), chance.choice([0.2, 0.9, 1.0])) for _ in range(QUITTERS)]
    answers = in_crowd(served, orders, quitters)
    assert len(answers) == CLIENTS * len(REQUESTS)
    different = sorted({place for place, found in answers if found != alone[place]})
    assert different == []
