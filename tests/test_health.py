"""/healthz and /readyz: alive, ready, degraded, not ready; quickly, whatever hangs."""

import asyncio
import threading
import time

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.app import create_app
from service.database.schema import VERSION_TABLE, newest_step
from service.jobs.fleet import Fleet
from service.operations import OPERATIONS
from service.routes.health import NO_WORKER, UNSOLVED
from service.settings import Settings
from service.telemetry.recent import Recent
from tests.contract import CLOSED, validate


@pytest.fixture
def app(database_url):
    app = create_app(Settings(database_url=database_url))
    yield app
    app.state.jobs.close()


def ready(app):
    """Asked anew, and by the loop of this client."""
    app.state.jobs.recent_condition.last = app.state.solves.last = None
    response = TestClient(app).get("/readyz")
    validate(response.json(), "Health", CLOSED)
    return response.status_code, response.json()


def test_ready_with_a_worker_and_degraded_without(app):
    degraded = (200, {"status": "degraded", "reasons": [NO_WORKER]})
    assert ready(app) == degraded
    database = app.state.jobs.open().database
    fleet = Fleet(database, "worker", 30)
    fleet.join()
    assert ready(app) == (200, {"status": "ready"})
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE workers SET seen_at = seen_at - 60")
    assert ready(app) == degraded


def test_not_ready_when_the_engine_cannot_confirm(app, monkeypatch):
    unconfirmed = {"certificate": {"status": "inconclusive"}}
    monkeypatch.setitem(OPERATIONS, "gradients", lambda wire, allowance: unconfirmed)
    assert ready(app) == (503, {"status": "not ready", "reasons": [UNSOLVED]})


@pytest.mark.parametrize("step", ["0001", "9999"])
def test_not_ready_when_the_schema_is_another(app, step):
    with app.state.jobs.open().database.write() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{step}'"))
    status, told = ready(app)
    assert (status, told["status"]) == (503, "not ready")
    (reason,) = told["reasons"]
    assert f"is at step {step}" in reason
    assert f"needs {newest_step()}" in reason


def test_not_ready_without_a_database_and_alive_all_the_same():
    app = create_app(Settings(database_url="postgresql://nobody:geheim@127.0.0.1:1/nothing"))
    status, told = ready(app)
    assert (status, told) == (503, {"status": "not ready", "reasons": ["the database of jobs does not answer"]})
    assert TestClient(app).get("/healthz").json() == {"status": "ok"}


def test_a_database_that_hangs_keeps_nobody_waiting(app, monkeypatch):
    until = threading.Event()
    app.state.jobs.recent_condition.ask = until.wait
    with TestClient(app) as client:
        begun = time.monotonic()
        response = client.get("/readyz")
        assert (response.status_code, response.json()["reasons"]) == (503, ["the database of jobs does not answer"])
        assert 1.9 < time.monotonic() - begun < 20
        until.set()


def test_what_is_a_moment_old_is_told_again_and_asked_once_by_all():
    asked = []

    def ask():
        time.sleep(0.05)
        asked.append(1)
        return len(asked)

    async def many():
        recent = Recent(ask, age=0.3, patience=20)
        first = await asyncio.gather(*(recent.get() for _ in range(20)))
        again = await recent.get()
        await asyncio.sleep(0.4)
        return first, again, await recent.get()

    assert asyncio.run(many()) == ([1] * 20, 1, 2)


def test_who_waits_in_vain_leaves_the_question_to_the_next():
    go = threading.Event()

    async def late():
        recent = Recent(lambda: go.wait(20) and "an answer", age=1, patience=0.1)
        with pytest.raises(TimeoutError):
            await recent.get()
        recent.patience = 20
        asyncio.get_running_loop().call_later(0.1, go.set)
        return await recent.get()

    assert asyncio.run(late()) == "an answer"
