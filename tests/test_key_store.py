"""Keys in the database, on both kinds: made, found, listed, revoked and noted, by many processes at once."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError

import service.access.key_store
from service.access.key_store import KeyStore, Look, NameTaken, has_keys
from service.database.connection import now
from service.database.tables import keys
from service.jobs.prepare import prepare
from service.keys import LONGEST_NAME, Client, Keys, check_name, digest_of, make_key
from service.settings import BadSetting, Settings
from tests.databases import new_database

KEY, OTHER = make_key(), make_key()
NOWHERE = "postgresql://user:secret@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def prepared(shared_database_url):
    store = KeyStore(Settings(database_url=shared_database_url))
    prepare(store.database)
    yield store
    store.close()


@pytest.fixture
def store(prepared):
    with prepared.database.write() as connection:
        connection.execute(keys.delete())
    return prepared


def used_at(store, id):
    return next(key.used_at for key in store.all() if key.id == id)


def test_a_key_from_its_creation_to_its_end(store):
    made = store.create("CS101 Gradescope", "grade", digest_of(KEY))
    assert (made.name, made.scope, made.used_at, made.revoked_at) == ("CS101 Gradescope", "grade", None, None)
    assert store.all() == [made]
    found = Keys(store.look().entries).find(KEY.encode())
    assert found is not None
    assert (found.id, found.client) == (made.id, Client("CS101 Gradescope", "grade"))
    assert Keys(store.look().entries).find(OTHER.encode()) is None
    revoked = store.revoke(made.id)
    assert revoked.revoked_at >= revoked.created_at
    assert store.look() == Look((), any=True)  # there has been one
    assert store.revoke(made.id) == revoked  # once more changes nothing
    assert store.all() == [revoked]
    assert store.revoke("0" * 12) is None


def test_the_key_itself_is_not_stored(store):
    store.create("ada", "grade", digest_of(KEY))
    with store.database.read() as connection:
        (row,) = connection.execute(sa.select(keys)).all()
    assert sha256(KEY.encode()).hexdigest() in row
    assert KEY not in str(row)
    if store.database.is_sqlite:
        content = b"".join(path.read_bytes() for path in Path(store.database.url.database).parent.iterdir())
        assert row.digest.encode() in content
        assert KEY.encode() not in content


def test_keys_of_one_name_have_one_scope(store):
    first = store.create("ada", "grade", digest_of(KEY))
    assert store.create("ada", "grade", digest_of(OTHER)).id != first.id
    with pytest.raises(NameTaken, match="grade"):
        store.create("ada", "compute", digest_of(make_key()))
    with pytest.raises(NameTaken, match="admin"):
        store.create("blaise", "compute", digest_of(make_key()), {"blaise": "admin"})
    assert store.create("blaise", "admin", digest_of(make_key()), {"blaise": "admin"})
    for key in store.all():
        store.revoke(key.id)
    assert store.create("ada", "compute", digest_of(make_key())).scope == "compute"  # nobody has the other any more


def test_of_many_at_once_one_scope_wins(store):
    def create(number):
        try:
            return store.create("ada", ("grade", "compute")[number % 2], digest_of(make_key())).scope
        except NameTaken:
            return None

    with ThreadPoolExecutor(8) as threads:
        scopes = {scope for scope in threads.map(create, range(8)) if scope}
    assert len(scopes) == 1
    assert len(store.all()) == 4


def test_a_scope_of_a_newer_release_lets_nobody_in(store):
    made = store.create("ada", "grade", digest_of(KEY))
    with store.database.write() as connection:
        connection.execute(keys.update().where(keys.c.id == made.id).values(scope="superuser"))
    assert store.look() == Look((), any=True)


def test_the_last_use_is_noted_and_never_moved_back(store):
    first, second = (store.create("ada", "grade", digest_of(make_key())).id for _ in range(2))
    store.note_used({first: 300.0})
    with store.database.read() as connection:
        moment = connection.scalar(sa.select(now()))
    noted = used_at(store, first)
    assert noted == pytest.approx(moment - 300, abs=5)
    assert used_at(store, second) is None
    store.note_used({first: 500.0})  # of a process that was slower
    store.note_used({first: 280.0})  # and of one that is not a minute ahead
    assert used_at(store, first) == noted
    store.note_used({first: 100.0, second: 0.0, "0" * 12: 0.0})
    assert used_at(store, first) == pytest.approx(moment - 100, abs=5)
    assert used_at(store, second) == pytest.approx(moment, abs=5)


def test_looking_makes_no_tables(database_url):
    settings = Settings(database_url=database_url)
    store = KeyStore(settings)
    assert (store.look(), store.all(), store.revoke("0" * 12), has_keys(settings)) == (Look(), [], None, False)
    if store.database.is_sqlite:
        file = Path(str(store.database.url.database))
        assert not file.exists()
        file.touch()  # as somebody begins to make it, who is not to be disturbed
        assert store.look() == Look()
        assert [(path, path.stat().st_size) for path in file.parent.iterdir()] == [(file, 0)]
    prepare(store.database)
    assert store.look() == Look()
    store.create("ada", "grade", digest_of(KEY))
    assert has_keys(settings)
    store.close()


def test_nobody_can_tell(tmp_path):
    assert has_keys(Settings(database_url=NOWHERE)) is None
    (tmp_path / "jobs.sqlite3").write_text("this is no database, however one looks at it")
    assert has_keys(Settings(data_dir=tmp_path)) is None


def test_a_database_that_does_not_answer_is_not_waited_for(request, tmp_path, monkeypatch):
    monkeypatch.setattr(service.access.key_store, "ANSWER", 100)
    store = KeyStore(Settings(database_url=new_database(request, "postgresql", tmp_path)))
    prepare(store.database)
    other = KeyStore(Settings(database_url=store.database.url.render_as_string(hide_password=False)))
    with other.database.write() as connection:
        driver: Any = connection.connection.dbapi_connection
        settings = driver.info.get_parameters()
        assert settings["tcp_user_timeout"] == "100"  # of a line that is cut, which a test cannot have without privileges
        connection.exec_driver_sql("LOCK TABLE keys")
        with pytest.raises(OperationalError, match="statement timeout"):
            store.look()
    assert store.look() == Look()
    for each in (store, other):
        each.close()


def test_a_database_of_the_first_release_gets_the_table(database_url):
    store = KeyStore(Settings(database_url=database_url))
    with store.database.write() as connection:
        config = Config()
        config.set_main_option("script_location", "service.database:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    assert store.look() == Look()
    assert store.all() == []
    prepare(store.database)
    made = store.create("ada", "grade", digest_of(KEY))
    assert store.all() == [made]
    store.close()


@pytest.mark.parametrize("name", ["a", "CS101 Gradescope", "Prof. Łukasiewicz (TA, 2027)", "数学:1", "x" * LONGEST_NAME])
def test_names(name):
    check_name(name)


BAD = ["", " ", " a", "a ", "x" * (LONGEST_NAME + 1), "a\nb", "a\tb", "a\x1b[31m", "a\u202eb", "a\u2028b", "a\x00", "\ud800"]


@pytest.mark.parametrize("name", [*BAD, "a\u200bb", "a\u00a0b", "anonymous"])
def test_names_that_would_mislead(name):
    with pytest.raises(ValueError, match="name"):
        check_name(name)


@pytest.mark.parametrize("digest", ["zz", "", "ab" * 31, "é" * 64])
def test_a_row_that_no_release_has_written_hides_no_other(store, digest):
    store.create("ada", "grade", digest_of(KEY))
    made = store.create("eve", "grade", digest_of(OTHER))
    with store.database.write() as connection:
        connection.execute(keys.update().where(keys.c.id == made.id).values(digest=digest))
    assert [entry.client.name for entry in store.look().entries] == ["ada"]


@pytest.mark.parametrize("url", ["sqlite:///file:{}/jobs?uri=true", "sqlite:///:memory:"])
def test_a_database_whose_keys_would_not_be_found_is_refused(url, tmp_path):
    with pytest.raises(BadSetting, match="by its path alone"):
        KeyStore(Settings(database_url=url.format(tmp_path)))
