"""Work in processes of its own: the same answers, ended when it takes too long, and never a reason for others to wait."""

import asyncio
import os
import signal
import threading
import time

import orjson
import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.contract.examples import GRADIENTS
from service.operations.allowance import Allowance
from service.replies.problem_documents import Busy, DeadlineExceeded, WorkLost
from service.settings import Settings
from service.work.perform import perform
from service.work.pool import Pool

GRAPH = GRADIENTS["graph"].body
BODY = b'{"graph": {"expressions": ["J = x * x"]}, "values": {"x": 3}}'
LAYERS = [{"units": 32, "activation": "relu"}, {"units": 32, "activation": "relu"}, {"units": 1, "activation": "identity"}]
SLOW = orjson.dumps(
    {
        "network": {"layers": LAYERS, "loss": "squared_error"},
        "inputs": [[0.5] * 30] * 20,
        "labels": [[1.0]] * 20,
        "method": "central",
    }
)
"""A check of half a second."""
LARGE = b'{"graph": {"expressions": ["J = sum(x)"]}, "values": {"x": [%s]}, "constants": ["x"]}' % b",".join(
    [b"1.5"] * 10**6
)
PATIENCE = 30


MB = 2**20


def pool_of(**changes):
    return Pool(**{"processes": 1, "deadline": PATIENCE, "most_waiting": 1, "memory": 4096 * MB, **changes})


@pytest.fixture
def pool():
    made = pool_of()
    yield made
    made.close()


def ask(pool, body=BODY, operation="gradients"):
    return asyncio.run(pool.perform(operation, body, Allowance()))


def is_gone(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_answer_is_the_same_in_a_process(pool):
    assert ask(pool) == perform("gradients", BODY, Allowance())
    assert ask(pool, b"[") == perform("gradients", b"[", Allowance())


def test_large_bodies_and_answers_come_through_whole(pool):
    body = b" " * (20 * MB) + LARGE
    assert ask(pool, body) == perform("gradients", body, Allowance())
    assert ask(pool) == perform("gradients", BODY, Allowance())


def test_a_process_is_used_again(pool):
    ask(pool)
    (first,) = pool.idle
    ask(pool)
    assert list(pool.idle) == [first]


def test_work_beyond_the_deadline_is_ended_and_another_process_started(pool):
    ask(pool)
    pool.deadline = 0.02
    number = pool.idle[0].process.pid
    with pytest.raises(DeadlineExceeded):
        ask(pool, SLOW, "check")
    assert is_gone(number)
    assert [each.process.pid for each in pool.idle] != [number]
    pool.deadline = PATIENCE
    assert ask(pool).status == 200


def test_waiting_counts_too(pool):
    async def crowd():
        pool.deadline = 0.05
        return await asyncio.gather(*(pool.perform("check", SLOW, Allowance()) for _ in range(2)), return_exceptions=True)

    ask(pool)
    kinds = {type(each) for each in asyncio.run(crowd())}
    assert kinds <= {DeadlineExceeded, Busy}
    assert Busy in kinds


def test_who_stops_waiting_frees_the_process(pool):
    ask(pool)
    number = pool.idle[0].process.pid

    async def leave():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.perform("check", SLOW, Allowance()), 0.02)

    asyncio.run(leave())
    assert is_gone(number)
    assert ask(pool).status == 200


def test_a_process_that_is_killed_while_it_works_loses_one_request_and_no_more(pool):
    ask(pool)
    number = pool.idle[0].process.pid

    async def kill():
        working = asyncio.ensure_future(pool.perform("check", SLOW, Allowance()))
        await asyncio.sleep(0.02)
        os.kill(number, signal.SIGKILL)
        with pytest.raises(WorkLost):
            await working

    asyncio.run(kill())
    assert ask(pool).status == 200


def test_a_process_that_died_while_it_rested_loses_nothing(pool):
    ask(pool)
    os.kill(pool.idle[0].process.pid, signal.SIGKILL)
    time.sleep(0.05)
    assert ask(pool).status == 200


def test_more_memory_than_a_process_may_take_is_refused_in_words():
    pool = pool_of(memory=400 * MB)
    try:
        zeros = b"[%s]" % b",".join([b"0"] * 16_000_000)
        reply = ask(pool, b'{"graph": {"expressions": ["J = sum(x)"]}, "values": {"x": %s}}' % zeros)
        assert reply.status == 503
        assert b"memory" in reply.content
        assert ask(pool).status == 200
    finally:
        pool.close()


def test_a_process_that_has_grown_is_replaced():
    pool = pool_of(memory=140 * MB)  # of which it takes more than a quarter before it has done anything
    pool.warm()
    (first,) = pool.idle
    try:
        assert ask(pool).status == 200
        assert not first.alive
        assert len(pool.idle) == 1
    finally:
        pool.close()


def test_more_requests_than_may_wait_are_turned_away(pool):
    ask(pool)
    refused = []

    async def one(body):
        try:
            await pool.perform("check", body, Allowance())
        except Busy as busy:
            refused.append(busy.headers["retry-after"])

    async def crowd():
        await asyncio.gather(*(one(SLOW) for _ in range(3)))

    asyncio.run(crowd())
    assert refused == ["1"]


def test_processes_end_with_the_service():
    with TestClient(create_app(Settings(processes=2))) as client:
        pool = client.app.state.pool  # type: ignore[attr-defined]
        numbers = [each.process.pid for each in pool.idle]
        assert len(numbers) == 2
    for number in numbers:
        assert is_gone(number)


def test_event_loop_stays_free_while_a_process_works():
    with TestClient(create_app(Settings())) as client:
        client.post("/v1/check", content=SLOW)
        worker = threading.Thread(target=client.post, args=("/v1/check",), kwargs={"content": SLOW})
        worker.start()
        answered = 0
        while worker.is_alive():
            start = time.perf_counter()
            assert client.get("/healthz").status_code == 200
            assert time.perf_counter() - start < 1
            answered += 1
        assert answered > 2
