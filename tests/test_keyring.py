"""The gate and the keys in the database: created, revoked and used while the service runs, and with the database away."""

import asyncio
import logging
import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

import service.access.keyring
import service.keys
from service.access.key_store import KeyStore
from service.access.keyring import Keyring
from service.app import create_app
from service.contract.examples import GRADIENTS
from service.jobs.prepare import prepare
from service.keys import Client, digest_of, entry_of, make_key
from service.settings import Settings
from tests.job_system import wait_for
from tests.test_service_errors import problem

GRAPH = GRADIENTS["graph"].body
FIXED = make_key()
SOON = 10
"""Seconds to wait for what takes a few hundredths."""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Every second takes a hundredth."""
    for name in ("LOOK", "RETRY", "NOTE"):
        monkeypatch.setattr(service.access.keyring, name, getattr(service.access.keyring, name) / 100)
    monkeypatch.setattr(service.access.keyring, "AGAIN", 0.0)


@pytest.fixture
def store(tmp_path):
    store = KeyStore(Settings(data_dir=tmp_path))
    prepare(store.database)
    yield store
    store.close()


@pytest.fixture
def serve(store, tmp_path):
    """Starts a service whose keys are in the store: a client that sends this key."""
    started = []

    def serve(**settings):
        app = create_app(Settings(data_dir=tmp_path, **settings))
        door = TestClient(app, raise_server_exceptions=False)
        started.append(door.__enter__())

        def ask(key="", path="/v1/gradients"):
            return door.post(path, json=GRAPH, headers={"authorization": f"Bearer {key}"} if key else {})

        ask.keyring = app.state.keyring  # type: ignore[attr-defined]
        return ask

    yield serve
    for door in started:
        door.__exit__()


def create(store, name="ada", scope="compute"):
    key = make_key()
    return key, store.create(name, scope, digest_of(key)).id


def gone(*arguments):
    raise OperationalError("SELECT", {}, Exception("the disk is gone"))


def status(ask, *arguments):
    return lambda expected: wait_for(lambda: ask(*arguments).status_code == expected, f"status {expected}", SOON)


def test_a_key_works_at_once_and_not_any_more_when_it_is_revoked(serve, store):
    ask = serve(keys=entry_of("fixed", "admin", FIXED))
    key, id = create(store)
    other, _ = create(store, "blaise", "grade")
    assert ask(key).status_code == 200  # the first time that anybody asks with it
    assert ask(FIXED).status_code == 200
    assert "scope of this one is grade" in problem(ask(other), 403, "not-allowed")["detail"]
    store.revoke(id)
    status(ask, key)(401)
    assert ask(FIXED).status_code == 200
    assert ask(other).status_code == 403


def test_keys_are_needed_from_the_first_on_and_for_good(serve, store, tmp_path, caplog):
    caplog.set_level(logging.INFO, "verigrad.keys")
    ask = serve()
    assert ask().status_code == 200
    assert ask(FIXED).status_code == 200  # nobody looks at it
    key, id = create(store)
    status(ask)(401)
    assert problem(ask(), 401, "no-key")["detail"].startswith("send a key")
    assert ask(key).status_code == 200
    store.revoke(id)
    status(ask, key)(401)
    assert ask().status_code == 401
    assert [record.getMessage() for record in caplog.records if record.name == "verigrad.keys"] == [
        "there is a key now: from here on nobody is let in without one"
    ]
    again = serve()  # as after a crash
    assert [again().status_code, again(key).status_code] == [401, 401]
    assert serve(allow_anonymous=True)().status_code == 401
    key, _ = create(store)
    assert [door(key).status_code for door in (ask, again)] == [200, 200]


@pytest.mark.parametrize(("more", "expected"), [({}, 401), ({"allow_anonymous": True}, 200)])
def test_beyond_this_machine_nobody_comes_without_a_key_even_if_there_is_none(serve, more, expected):
    assert serve(host="0.0.0.0", **more)().status_code == expected


def test_without_its_database_the_keys_of_before_are_good_and_no_others(serve, store, monkeypatch, caplog):
    key, _ = create(store)
    ask = serve()
    assert ask(key).status_code == 200
    monkeypatch.setattr(KeyStore, "look", gone)
    wait_for(lambda: ask.keyring.failing, "a look that fails", SOON)
    new, _ = create(store)
    for _ in range(3):
        assert [ask(key).status_code, ask(new).status_code, ask().status_code] == [200, 401, 401]
    warnings = [record.getMessage() for record in caplog.records if record.name == "verigrad.keys"]
    assert warnings == ["the keys in the database cannot be read (OperationalError): those known so far go on to be good"]
    monkeypatch.undo()
    status(ask, new)(200)


def test_who_begins_without_the_database_lets_in_the_keys_of_the_settings_alone(serve, store, monkeypatch):
    key, _ = create(store)
    monkeypatch.setattr(KeyStore, "look", gone)
    ask, fixed = serve(), serve(keys=entry_of("fixed", "admin", FIXED))
    for answer in (ask(), ask(key), fixed(key)):
        assert problem(answer, 503, "keys-unavailable")["errors"] == []
        assert answer.headers["retry-after"] == "5"
    assert fixed().status_code == 401
    assert fixed(FIXED).status_code == 200
    for _ in range(service.access.gate.FAILURES + 1):
        assert ask(key).status_code == 503  # it may be a good one: it does not count as a guess
    monkeypatch.undo()
    status(ask, key)(200)
    assert ask().status_code == 401


def test_what_nobody_foresaw_does_not_end_the_looking(serve, store, monkeypatch):
    ask = serve()
    monkeypatch.setattr(KeyStore, "look", lambda self: 1 / 0)
    wait_for(lambda: ask.keyring.failing, "a look that fails", SOON)
    monkeypatch.undo()
    key, _ = create(store)
    status(ask, key)(200)
    status(ask)(401)


def test_unknown_keys_do_not_keep_the_database_busy(serve, store, monkeypatch):
    for name, seconds in (("LOOK", 1000.0), ("AGAIN", 1000.0)):
        monkeypatch.setattr(service.access.keyring, name, seconds)
    ask, looks = serve(keys=entry_of("fixed", "admin", FIXED)), []
    look = KeyStore.look

    def counted(self):
        looks.append(threading.current_thread().name)
        return look(self)

    monkeypatch.setattr(KeyStore, "look", counted)
    assert {ask(make_key()).status_code for _ in range(10)} == {401}
    assert looks == ["keys"]
    assert ask(FIXED).status_code == 200
    assert len(looks) == 1
    key, _ = create(store)
    assert ask(key).status_code == 401  # within the second
    ask.keyring.asked = float("-inf")
    assert ask(key).status_code == 200
    assert len(looks) == 2


def test_no_request_waits_for_a_database_that_hangs(store, monkeypatch):
    """Who has a known key does not notice; who has another one is told after a moment, while others are answered."""
    monkeypatch.setattr(service.access.keyring, "WAIT", 0.2)
    keyring = Keyring(store_settings(store))
    key, _ = create(store)
    keyring.open()
    released = threading.Event()

    def hang(self):
        released.wait(SOON)
        return gone()

    monkeypatch.setattr(KeyStore, "look", hang)

    async def ask():
        ticks = 0
        task = asyncio.create_task(keyring.look_again())
        while not task.done():
            ticks += 1
            assert keyring.client_of(key.encode()) == Client("ada", "compute")
            await asyncio.sleep(0.01)
        return ticks

    begun = time.monotonic()
    assert asyncio.run(ask()) > 3
    assert time.monotonic() - begun < SOON / 2
    released.set()
    keyring.close()


def store_settings(store):
    return Settings(database_url=f"sqlite:///{store.database.url.database}")


@pytest.mark.parametrize("asked", [0, 2, None])
def test_every_hash_is_compared_in_constant_time(serve, store, monkeypatch, asked):
    """Those of the settings and those of the database."""
    known = [FIXED, *(create(store, name)[0] for name in ("ada", "blaise", "carl"))]
    ask, compared = serve(keys=entry_of("fixed", "admin", FIXED)), []

    def spy(hash, given):
        compared.append(hash)
        return hash == given

    monkeypatch.setattr(service.keys, "compare_digest", spy)
    key = make_key() if asked is None else known[asked]
    assert ask(key).status_code == (401 if asked is None else 200)
    assert set(compared[:4]) == {digest_of(each) for each in known}
    assert len(compared) == (8 if asked is None else 4)  # one that is not known is looked for twice


def test_the_last_use_is_noted_once_a_minute(serve, store, monkeypatch):
    monkeypatch.setattr(service.access.keyring, "NOTE", 1000.0)
    key, id = create(store)
    unused, _ = create(store)
    ask, notes = serve(), []
    note_used = KeyStore.note_used

    def counted(self, ages):
        notes.append(set(ages))
        note_used(self, ages)

    monkeypatch.setattr(KeyStore, "note_used", counted)
    used = lambda: {each.id: each.used_at for each in store.all()}
    assert set(used().values()) == {None}
    assert ask(key).status_code == 200
    wait_for(lambda: used()[id], "a note", SOON)
    assert used()[id] == pytest.approx(time.time(), abs=5)
    for _ in range(5):
        assert ask(key).status_code == 200
        time.sleep(3 * service.access.keyring.LOOK)
    assert notes == [{id}]
    assert ask(unused, "/v1/train").status_code == 422
    wait_for(lambda: len(notes) == 2, "another note", SOON)
    ask.keyring.close()
    assert notes[2:] == [{id}]  # what was left


def test_a_note_that_fails_fails_no_request(serve, store, monkeypatch, caplog):
    key, _ = create(store)
    ask = serve()
    monkeypatch.setattr(KeyStore, "note_used", gone)
    assert ask(key).status_code == 200
    wait_for(lambda: "could not be noted (OperationalError)" in caplog.text, "a warning", SOON)
    assert ask(key).status_code == 200


def test_neither_keys_nor_hashes_are_logged(serve, store, caplog):
    caplog.set_level(logging.DEBUG)
    key, id = create(store)
    ask = serve()
    assert ask(key).status_code == 200
    store.revoke(id)
    status(ask, key)(401)
    assert "this key is not known here" in caplog.text
    for secret in (key, digest_of(key).hex(), repr(digest_of(key))):
        assert secret not in caplog.text
    assert digest_of(key).hex() not in repr(replace(store.look()))


def test_keys_of_one_name_share_their_jobs_also_when_one_is_revoked(serve, store):
    first, id = create(store, "CS101 Gradescope")
    ask = serve()
    door = ask.keyring
    assert ask(first).status_code == 200
    second, _ = create(store, "CS101 Gradescope")
    store.revoke(id)
    status(ask, first)(401)
    assert ask(second).status_code == 200
    assert door.client_of(second.encode()) == Client("CS101 Gradescope", "compute")


def test_the_looking_goes_on_where_there_are_no_more_threads(serve, store, monkeypatch):
    key, id = create(store)
    ask = serve()
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "keys' use":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert ask(key).status_code == 200
    wait_for(lambda: ask.keyring.due(), "a note that is due", SOON)
    time.sleep(5 * service.access.keyring.LOOK)
    store.revoke(id)
    status(ask, key)(401)
    monkeypatch.undo()


def test_a_database_in_the_place_of_another_is_the_one_that_counts(serve, store, tmp_path):
    """As after a restore beneath a service that runs."""
    key, _ = create(store)
    ask = serve()
    assert ask(key).status_code == 200
    other = KeyStore(Settings(data_dir=tmp_path / "elsewhere"))
    prepare(other.database)
    new, _ = create(other)
    other.close()
    store.close()
    for rest in tmp_path.glob("jobs.sqlite3-*"):
        rest.unlink()
    (tmp_path / "elsewhere" / "jobs.sqlite3").rename(tmp_path / "jobs.sqlite3")
    status(ask, new)(200)
    status(ask, key)(401)


def test_a_database_that_is_gone_is_away_and_none_is_made(serve, store, tmp_path):
    key, _ = create(store)
    ask = serve()
    assert ask(key).status_code == 200
    store.close()
    for each in tmp_path.glob("jobs.sqlite3*"):
        each.unlink()
    wait_for(lambda: ask.keyring.failing, "a look that fails", SOON)
    assert [ask(key).status_code, ask().status_code] == [200, 401]
    time.sleep(5 * service.access.keyring.LOOK)
    assert not (tmp_path / "jobs.sqlite3").exists()
