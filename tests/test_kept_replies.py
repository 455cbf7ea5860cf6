"""A reply is given again only to the same request of somebody who may see it, and takes no more room than it may."""

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.replies.problem_documents import Reply
from service.settings import Settings
from service.work.kept_replies import MOST_SENT, PART, REPEATABLE, KeptReplies
from service.work.perform import PERFORMED

BODY = {"graph": {"expressions": ["J = a * b"]}, "values": {"a": 2, "b": 3}}
GRADED = {**BODY, "answers": {"da": 3}}


def reply(length):
    return Reply(b"x" * length)


def key(kept, name):
    return kept.key_of("gradients", name.encode(), True)


@pytest.fixture
def counted(monkeypatch):
    """How often each operation was done."""
    done = []

    def counting(name, operation):
        def do(wire, allowance):
            done.append(name)
            return operation(wire, allowance)

        return do

    for name, operation in PERFORMED.items():
        monkeypatch.setitem(PERFORMED, name, counting(name, operation))
    return done


def test_the_same_request_is_answered_once(counted):
    client = TestClient(create_app(Settings()))
    first, second = (client.post("/v1/gradients", json=BODY) for _ in range(2))
    assert first.content == second.content
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert counted == ["gradients"]
    client.post("/v1/gradients", json={**BODY, "values": {"a": 2, "b": 4}})
    client.post("/v1/mistakes", json=BODY)
    assert counted == ["gradients", "gradients", "mistakes"]


def test_a_check_is_done_each_time(counted):
    client = TestClient(create_app(Settings()))
    for _ in range(2):
        assert client.post("/v1/check", json=BODY).json()["status"] == "agrees"
    assert counted == ["check", "check"]
    assert set(PERFORMED) - REPEATABLE == {"check", "grade_batch", "job"}


def test_what_is_refused_is_not_kept(counted):
    client = TestClient(create_app(Settings()))
    for _ in range(2):
        assert client.post("/v1/gradients", json={**BODY, "include": ["all"]}).status_code == 422
    assert counted == ["gradients", "gradients"]


def test_an_answer_is_not_kept_for_who_may_not_see_it():
    kept = KeptReplies(1_000)
    shown, hidden = (kept.key_of("grade", b"{}", answers_shown) for answers_shown in (True, False))
    kept.keep(shown, reply(1))
    assert kept.find(shown)
    assert kept.find(hidden) is None


def test_none_are_kept_if_none_are_to_be(counted):
    client = TestClient(create_app(Settings(kept_replies=0)))
    for _ in range(2):
        client.post("/v1/grade", json=GRADED)
    assert counted == ["grade", "grade"]


def test_the_least_recently_used_make_room():
    kept = KeptReplies(100)
    for name in "abcde":
        kept.keep(key(kept, name), reply(18))
    kept.find(key(kept, "a"))
    kept.keep(key(kept, "f"), reply(25))
    assert [name for name in "abcdef" if kept.find(key(kept, name))] == ["a", "c", "d", "e", "f"]
    assert kept.size == 97
    kept.keep(key(kept, "a"), reply(10))
    assert kept.size == 89


def test_what_is_large_is_not_kept():
    kept = KeptReplies(100 * PART)
    assert kept.key_of("gradients", b"x" * MOST_SENT, True)
    assert kept.key_of("gradients", b"x" * (MOST_SENT + 1), True) is None
    kept.keep(key(kept, "a"), reply(101))
    assert kept.size == 0
    assert not kept.kept
    kept.keep(key(kept, "a"), reply(100))
    assert kept.size == 100
