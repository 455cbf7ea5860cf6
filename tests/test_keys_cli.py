"""`verigrad keys` on both databases, for people and for programs."""

import os
import re
import sqlite3

import orjson
import pytest

from service.access.key_store import KeyStore
from service.cli import run
from service.keys import Keys, digest_of, entry_of, make_key, read_keys
from service.settings import Settings
from tests.terminal import on_a_terminal

KEY = re.compile("verigrad_[A-Za-z0-9_-]{43}")
FIXED = make_key()


@pytest.fixture
def keys(monkeypatch, capfd, database_url):
    """Runs `verigrad keys`: its status, and what it wrote to either stream."""
    monkeypatch.setenv("VERIGRAD_DATABASE_URL", database_url)
    return runner(capfd)


@pytest.fixture
def elsewhere(monkeypatch, capfd, tmp_path):
    """The same, where the kind of database does not matter."""
    monkeypatch.setenv("VERIGRAD_DATA_DIR", str(tmp_path))
    return runner(capfd)


def runner(capfd):
    def keys(*arguments):
        try:
            status: object = run(["keys", *arguments])
        except SystemExit as stopped:  # by argparse
            status = stopped.code
        out, told = capfd.readouterr()
        return status, orjson.loads(out) if out else None, told

    return keys


def detail(found):
    status, out, told = found
    assert out is None
    return status, orjson.loads(told)["detail"]


def test_create_list_revoke(keys, monkeypatch):
    assert keys("list") == (0, {"keys": []}, "")
    monkeypatch.setenv("VERIGRAD_KEYS", entry_of("fixed", "admin", FIXED))
    status, made, told = keys("create", "--scope", "grade", "--name", "CS101 Gradescope")
    assert (status, told) == (0, "")
    key = made.pop("key")
    assert KEY.fullmatch(key)
    assert made.pop("within_seconds") == 5
    assert re.fullmatch(r"/.*/(jobs\.sqlite3|verigrad_\w+)", made.pop("database"))
    assert (made["name"], made["scope"], made["source"]) == ("CS101 Gradescope", "grade", "database")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["created_at"])
    fixed = {"name": "fixed", "scope": "admin", "source": "settings"}
    assert keys("list") == (0, {"keys": [fixed, made]}, "")
    store = KeyStore(Settings())
    found = Keys(store.look().entries).find(key.encode())
    assert found is not None
    assert found.client.name == "CS101 Gradescope"
    status, revoked, told = keys("revoke", made["id"])
    assert (status, told) == (0, "")
    assert revoked.pop("within_seconds") == 5
    assert revoked == {**made, "revoked_at": revoked["revoked_at"]}
    assert revoked["revoked_at"] >= made["created_at"]
    assert keys("list")[1] == {"keys": [fixed, revoked]}
    assert keys("revoke", made["id"])[1]["revoked_at"] == revoked["revoked_at"]
    assert not store.look().entries
    store.close()


def test_neither_keys_nor_hashes_are_listed(keys, monkeypatch):
    monkeypatch.setenv("VERIGRAD_KEYS", entry_of("fixed", "admin", FIXED))
    key = keys("create", "--scope", "grade", "--name", "ada")[1]["key"]
    listed = str(keys("list"))
    for secret in (key, FIXED, digest_of(key).hex(), digest_of(FIXED).hex()):
        assert secret not in listed


def test_one_name_has_one_scope(elsewhere, monkeypatch):
    monkeypatch.setenv("VERIGRAD_KEYS", entry_of("fixed", "admin", FIXED))
    create = lambda name, scope: elsewhere("create", "--name", name, "--scope", scope)
    assert [create("ada", "grade")[0] for _ in range(2)] == [0, 0]
    for name, there, asked in (("ada", "grade", "admin"), ("fixed", "admin", "compute")):
        status, sentence = detail(create(name, asked))
        assert status == 2
        assert sentence.startswith(f"'{name}' has a key of scope {there}")
    assert create("fixed", "admin")[0] == 0
    assert len(elsewhere("list")[1]["keys"]) == 4


def test_an_entry_is_made_and_nothing_stored(elsewhere, tmp_path):
    status, made, told = elsewhere("create", "--scope", "compute", "--name", "note-book", "--entry")
    assert (status, told, made.keys()) == (0, "", {"name", "scope", "key", "entry"})
    found = read_keys(made["entry"]).find(made["key"].encode())
    assert found is not None
    assert (found.client.name, found.client.scope) == ("note-book", "compute")
    assert list(tmp_path.iterdir()) == []


BAD = {
    "a name with a line": (["create", "--scope", "grade", "--name", "a\nb"], "1 to 64 visible characters"),
    "no name": (["create", "--scope", "grade", "--name", ""], "1 to 64 visible characters"),
    "nobody's name": (["create", "--scope", "grade", "--name", "anonymous"], "clients without a key"),
    "a name that is no UTF-8": (["create", "--scope", "grade", "--name", os.fsdecode(b"\xff")], "visible characters"),
    "a name for an entry": (["create", "--scope", "grade", "--name", "a b", "--entry"], "letters, digits, dots"),
    "an unknown id": (["revoke", "0" * 12], "no key in the database has this id"),
    "no id": (["revoke", "'; DROP TABLE keys"], "no key in the database has this id"),
    "an id that is no UTF-8": (["revoke", os.fsdecode(b"\xff")], "no key in the database has this id"),
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD.values(), ids=BAD)
def test_what_cannot_be_done_is_said(elsewhere, arguments, sentence):
    status, said = detail(elsewhere(*arguments))
    assert status == 2
    assert sentence in said
    assert elsewhere("list")[1] == {"keys": []}


def test_options_and_settings_are_looked_at(elsewhere, monkeypatch):
    for arguments in (
        ["create", "--name", "a"],
        ["create", "--scope", "grade"],
        ["create", "--scope", "x", "--name", "a"],
        [],
    ):
        status, out, told = elsewhere(*arguments)
        assert (status, out) == (2, None)
        assert "usage: verigrad keys" in told
    monkeypatch.setenv("VERIGRAD_KEYS", f"ada:grade:{FIXED}")
    status, out, told = elsewhere("list")
    assert (status, out) == (2, None)
    assert "VERIGRAD_KEYS: the hash of entry 1" in told
    assert FIXED not in told


@pytest.mark.parametrize("arguments", [["list"], ["revoke", "0" * 12], ["create", "--scope", "grade", "--name", "ada"]])
def test_a_database_that_does_not_answer(elsewhere, monkeypatch, arguments):
    monkeypatch.setenv("VERIGRAD_DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/none")
    status, out, told = elsewhere(*arguments)
    assert (status, out) == (4, None)
    assert orjson.loads(told)["title"] == "The database does not answer"
    assert "secret" not in told


def test_a_database_of_a_newer_release(elsewhere, tmp_path):
    create = lambda: elsewhere("create", "--scope", "grade", "--name", "ada")
    assert create()[0] == 0
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as connection:
        connection.execute("UPDATE verigrad_version SET version_num = '9999'")
    connection.close()
    status, sentence = detail(create())
    assert status == 4
    assert "the release of Verigrad that changed it" in sentence


def test_a_folder_that_cannot_be_written(elsewhere, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VERIGRAD_DATA_DIR", str(tmp_path / "file" / "data"))
    status, sentence = detail(elsewhere("create", "--scope", "grade", "--name", "ada"))
    assert status == 4
    assert "not a directory" in sentence


def test_on_a_terminal(tmp_path):
    at = {
        "VERIGRAD_DATA_DIR": str(tmp_path),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "VERIGRAD_KEYS": entry_of("x", "grade", FIXED),
    }
    assert on_a_terminal("keys", "revoke", "0" * 12, **at)[0] == 2
    status, drawn = on_a_terminal("keys", "create", "--scope", "compute", "--name", "CS101 [red]Gradescope", **at)
    assert status == 0
    assert KEY.search(drawn)
    assert "CS101 [red]Gradescope" in drawn
    assert "shown this once" in drawn
    status, drawn = on_a_terminal("keys", "list", **at)
    assert status == 0
    lines = [re.split(" {2,}", line.rstrip()) for line in drawn.splitlines()]
    assert lines[0] == ["name", "scope", "id", "created", "last used", "revoked"]
    assert lines[2] == ["x", "grade", "in settings", "–", "–", "–"]
    assert "[red]" in drawn
    assert all(len(line) <= 80 for line in drawn.splitlines())
    (id,) = re.findall("[0-9a-f]{12}", drawn)
    status, drawn = on_a_terminal("keys", "revoke", id, **at)
    assert "is revoked. Services turn it away within 5 seconds." in " ".join(drawn.split())
