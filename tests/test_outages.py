"""What happens when the database is away, full, older or newer, and when the service is told to end."""

import os
import resource
import signal
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import OperationalError

from service.database.connection import Database, is_full, reason_of, url_of, where
from service.database.schema import VERSION_TABLE, NewerSchema, newest_step, settings, step_of
from service.database.tables import jobs
from service.jobs import opening
from service.jobs.opening import Unopened, open_patiently
from service.jobs.prepare import prepare
from service.settings import Settings
from tests.databases import new_database
from tests.job_bodies import training, undisturbed
from tests.job_system import PATIENCE, System, kill, wait_for
from tests.serving import SERVE, environment
from tests.test_jobs_api import Api
from tests.test_service_errors import problem

PASSWORD = "zq9password"
AWAY = f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/nothing?application_name={PASSWORD}"
TRAIN = {"train": training(5)}
GRADIENTS = {"graph": {"expressions": ["J = x * x"]}, "values": {"x": 3}}
LONG = training(30_000)


def started(*arguments, **variables):
    """Until it ends by itself: its exit code, and the lines of its log."""
    command = [*SERVE[:-1], *(arguments or ("serve", "--port", "0"))]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, timeout=120)
    return done.returncode, [orjson.loads(line) for line in done.stderr.splitlines()]


@pytest.fixture
def database(database_url):
    database = Database(url_of(Settings(database_url=database_url)))
    yield database
    database.close()


# At the start


@pytest.mark.parametrize("arguments", [("serve", "--port", "0"), ("worker",)])
def test_a_database_that_stays_away_ends_the_start(arguments):
    code, lines = started(*arguments, VERIGRAD_DATABASE_URL=AWAY, VERIGRAD_DATABASE_WAIT="1")
    assert code == 1
    told = [line for line in lines if line["logger"] == "verigrad.database"]
    assert [line["level"] for line in told] == ["warning"] * (len(told) - 1) + ["error"]
    assert len(told) >= 3
    assert "127.0.0.1:1/nothing does not answer (connection failed: " in told[0]["event"]
    assert told[0]["event"].endswith("trying again in 0.5 s")
    assert "did not answer for 1 s (VERIGRAD_DATABASE_WAIT)" in told[-1]["event"]
    assert PASSWORD not in str(lines)
    assert not any("exception" in line for line in lines)


def test_a_database_that_comes_late_is_waited_for(database, monkeypatch):
    waits: list[float] = []
    tries = []

    def late(database):
        tries.append(1)
        if len(tries) < 6:
            raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(opening, "prepare", late)
    open_patiently(database, 60, waits.append)
    assert waits == [0.5, 1, 2, 4, 5]


def test_a_folder_that_cannot_be_written_to_is_said_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    code, lines = started(VERIGRAD_DATA_DIR=str(tmp_path / "file" / "data"))
    (told,) = [line["event"] for line in lines if line["logger"] == "verigrad.database"]
    assert (code, told.endswith("cannot be opened: not a directory")) == (1, True)


def test_it_can_be_told_to_end_while_it_waits():
    process = subprocess.Popen(
        [*SERVE[:-1], "worker"],
        env=environment(VERIGRAD_DATABASE_URL=AWAY),
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stderr
        assert b"trying again" in process.stderr.readline()
        process.terminate()
        assert process.wait(20) == 0


def test_tables_of_a_later_version_are_not_touched(database, database_url, tmp_path):
    prepare(database)
    with database.write() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    sentence = f"the schema of the database (9999) is newer than this version of Verigrad ({newest_step()})"
    with pytest.raises(NewerSchema, match="start a newer version, or restore a backup"):
        prepare(database)
    with pytest.raises(Unopened, match="newer than this version"):
        open_patiently(database, 60)
    code, lines = started(VERIGRAD_DATABASE_URL=database_url)
    assert code == 1
    assert [sentence in line["event"] for line in lines if line["level"] == "error"] == [True]
    api = Api(tmp_path, database_url=database_url)
    problem(api.post("/v1/jobs", json=TRAIN), 503, "jobs-unavailable")


def test_tables_of_an_earlier_version_are_brought_up_to_date_with_what_is_in_them(database, database_url):
    with database.write() as connection:
        config = settings()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        texts = dict.fromkeys(("id", "owner", "kind", "status", "digest"), "old")
        numbers = dict.fromkeys(("revision", "attempt", "lost", "spent", "created_at"), 0)
        row = {**texts, **numbers, "progress": "{}", "allowance": "{}", "cancelling": False}
        connection.execute(jobs.insert().values(**row))
    with System(database_url, serve=False, workers=0):
        wait_for(lambda: at(database) == newest_step(), "the newest step")
    with database.read() as connection:
        assert connection.scalar(sa.select(jobs.c.id)) == "old"


def at(database):
    with database.read() as connection:
        return step_of(connection)


# While it runs


def test_a_database_that_is_lost_and_comes_back(request, tmp_path):
    url = new_database(request, "postgresql", tmp_path)
    server = request.getfixturevalue("postgresql_server").set(drivername="postgresql+psycopg")
    name = sa.make_url(url).database
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")

    def allow(yes):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {yes}")
            gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            connection.exec_driver_sql(gone)

    api = Api(tmp_path, database_url=url)
    first = api.submit()
    allow("false")
    for response in (api.post("/v1/jobs", json=TRAIN), api.get("/v1/jobs"), api.get(first["links"]["self"])):
        problem(response, 503, "jobs-unavailable")
        assert int(response.headers["retry-after"]) > 0
    assert api.post("/v1/gradients", json=GRADIENTS).status_code == 200
    assert api.get("/readyz").status_code == 503
    allow("true")
    assert api.get(first["links"]["self"]).json() == first
    api.submit()
    time.sleep(1)  # for as long the answer is kept
    assert api.get("/readyz").status_code == 200
    api.served.state.jobs.close()
    engine.dispose()


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path):
    api = Api(tmp_path)
    first = api.submit()
    engine = api.served.state.jobs.open().database.engine
    limit = lambda pages: sa.event.listens_for(engine, "checkout")(
        lambda connection, record, proxy: connection.execute(f"PRAGMA max_page_count = {pages}")
    )
    limit(1)  # SQLite takes the present size for it
    large = {"train": training(5, inputs=[[0.123456] * 6] * 1_000, labels=[[1]] * 1_000)}
    response = api.post("/v1/jobs", json=large)
    document = problem(response, 507, "jobs-storage-full")
    assert "try again later" in document["detail"]
    assert int(response.headers["retry-after"]) > 0
    assert api.get("/v1/jobs").json() == {"jobs": [first]}
    assert api.post("/v1/gradients", json=GRADIENTS).status_code == 200
    limit(10**6)
    api.submit(large)
    assert api.work(first)["status"] == "succeeded"
    api.served.state.jobs.close()


def test_a_disk_that_fills_up_beneath_a_running_service(tmp_path):
    """A limit to the size of files does to a process what a full disk does, without one."""
    path = tmp_path / "jobs.sqlite3"
    with System(f"sqlite:///{path}", servers=1, workers=1, errors=subprocess.DEVNULL) as system:
        running = system.submit({"train": LONG})
        wait_for(lambda: system.job(running)["progress"].get("step"), "it to begin")
        limit = max(each.stat().st_size for each in tmp_path.iterdir()) + 16_384
        allow_files_of(system, limit)
        with system.client() as client:
            accepted = []
            while (response := client.post("/v1/jobs", json=TRAIN)).status_code == 202:
                accepted.append(response.json()["id"])
            problem(response, 507, "jobs-storage-full")
            assert client.post("/v1/gradients", json=GRADIENTS).status_code == 200
        time.sleep(3)  # longer than the lease: its worker cannot say that it is alive, and is taken for dead
        assert system.job(running)["status"] == "running"
        allow_files_of(system, resource.RLIM_INFINITY)
        assert system.finished(running)["status"] == "succeeded"
        assert system.result(running) == undisturbed("train", LONG)
        for id in [*accepted, system.submit(TRAIN)]:
            assert system.finished(id)["status"] == "succeeded"


def allow_files_of(system, limit):
    for pid in (system.process.pid, *system.pids("server"), *system.pids("worker")):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_what_a_full_disk_is():
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    assert is_full(OperationalError("", {}, full))
    assert not is_full(OperationalError("", {}, busy))
    assert is_full(OSError(28, ""))
    assert not is_full(OSError(13, ""))


def test_reasons_for_the_log_quote_nothing_and_hide_the_password():
    with pytest.raises(OperationalError) as raised, Database(url_of(Settings(database_url=AWAY))).read():
        pass
    assert "Connection refused" in reason_of(raised.value)
    assert PASSWORD not in reason_of(raised.value)
    assert where(sa.make_url(AWAY)) == "127.0.0.1:1/nothing"
    broken = sa.exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError(PASSWORD))
    assert reason_of(broken) == "IntegrityError"
    assert reason_of(PermissionError(13, PASSWORD)) == "permission denied"


# At the end


def test_told_to_end_it_answers_what_it_has_and_gives_jobs_back(tmp_path):
    with System(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", servers=1, workers=1, VERIGRAD_INLINE="0") as system:
        id = system.submit({"train": LONG})
        wait_for(lambda: system.job(id)["progress"].get("step"), "it to begin")
        (pool,) = system.pids("pool")
        kill(pool, signal.SIGSTOP)  # so that the request is under way for as long as the test wants
        with system.client() as client, ThreadPoolExecutor(1) as thread:
            answer = thread.submit(client.post, "/v1/gradients", json=GRADIENTS)
            wait_for(lambda: "verigrad_pool_busy 1.0" in system.ask("GET", "/metrics").text, "the request to be worked on")
            system.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert not answer.done()
            kill(pool, signal.SIGCONT)
            response = answer.result()
        assert (response.status_code, response.headers["connection"]) == (200, "close")
        system.process.communicate(timeout=PATIENCE)
        assert system.process.returncode == 0
        with sqlite3.connect(tmp_path / "jobs.sqlite3") as connection:
            assert connection.execute("SELECT status, attempt FROM jobs").fetchall() == [("queued", 1)]
        connection.close()
        assert wait_for(lambda: not system.members(), "all processes to end", 5)
        system.start()
        assert system.finished(id)["attempt"] == 2
        assert system.result(id) == undisturbed("train", LONG)


def test_nothing_is_left_of_what_processes_counted_in_together(tmp_path):
    folders = lambda: {each for each in Path("/dev/shm").glob("verigrad-metrics-*") if each.stat().st_uid == os.getuid()}
    before = folders()
    with System(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", workers=0, servers=1) as system:
        (mine,) = {
            Path(value.partition(b"=")[2].decode())
            for pid in wait_for(lambda: system.pids("server"), "a server")
            for value in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if value.startswith(b"PROMETHEUS_MULTIPROC_DIR=")
        }
        assert mine.is_dir()
        assert system.stop() == 0
        assert not mine.exists()
    assert mine not in folders() | before
