"""Work in processes of its own: the same answers, ended when it takes too long, and never a reason for others to wait."""

import os
import signal
import threading
import time

import anyio
import pytest
from starlette.testclient import TestClient

from service.allowance import Allowance
from service.app import create_app
from service.examples import GRADIENTS
from service.perform import perform
from service.pool import Pool
from service.problem_documents import Busy, DeadlineExceeded, WorkLost
from service.settings import Settings

GRAPH = GRADIENTS["graph"].body
BODY = b'{"graph": {"expressions": ["J = x * x"]}, "values": {"x": 3}}'
SLOW = b'{"graph": {"expressions": ["J = sum(x @ y)"]}, "values": {"x": %s, "y": %s}}' % (
    (b"[%s]" % b",".join([b"[%s]" % b",".join([b"1.5"] * 400)] * 400),) * 2
)
PATIENCE = 30


@pytest.fixture
def pool():
    made = Pool(processes=1, deadline=PATIENCE, most_waiting=1)
    yield made
    made.close()


def ask(pool, body=BODY, operation="gradients"):
    return anyio.run(pool.perform, operation, body, Allowance())


def test_the_answer_is_the_same_in_a_process(pool):
    assert ask(pool) == perform("gradients", BODY, Allowance())
    assert ask(pool, b"[") == perform("gradients", b"[", Allowance())


def test_a_process_is_used_again(pool):
    ask(pool)
    (first,) = pool.idle
    ask(pool)
    assert list(pool.idle) == [first]


def test_work_beyond_the_deadline_is_ended(pool):
    ask(pool)
    pool.deadline = 0.005
    number = pool.idle[0].process.pid
    with pytest.raises(DeadlineExceeded):
        ask(pool, SLOW)
    assert not pool.idle
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    pool.deadline = PATIENCE
    assert ask(pool).status == 200


def test_a_process_that_is_killed_loses_one_request_and_no_more(pool):
    ask(pool)
    os.kill(pool.idle[0].process.pid, signal.SIGKILL)
    with pytest.raises(WorkLost):
        ask(pool)
    assert ask(pool).status == 200


def test_more_requests_than_may_wait_are_turned_away(pool):
    ask(pool)
    refused = []

    async def one(body):
        try:
            await pool.perform("gradients", body, Allowance())
        except Busy as busy:
            refused.append(busy.headers["retry-after"])

    async def crowd():
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one, SLOW)
                await anyio.sleep(0.01)

    anyio.run(crowd)
    assert refused == ["1"]


def test_processes_end_with_the_service():
    with TestClient(create_app(Settings(processes=2))) as client:
        pool = client.app.state.pool  # type: ignore[attr-defined]
        numbers = [each.process.pid for each in pool.idle]
        assert len(numbers) == 2
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_event_loop_stays_free_while_a_process_works():
    with TestClient(create_app(Settings())) as client:
        client.post("/v1/gradients", content=SLOW)
        worker = threading.Thread(target=client.post, args=("/v1/gradients",), kwargs={"content": SLOW})
        worker.start()
        answered = 0
        while worker.is_alive():
            start = time.perf_counter()
            assert client.get("/healthz").status_code == 200
            assert time.perf_counter() - start < 1
            answered += 1
        assert answered > 2
