"""`verigrad healthy`, as a container's health check runs it."""

import os
import subprocess
import sys

import pytest
import sqlalchemy as sa

from service.database.connection import Database, now, url_of
from service.database.tables import workers
from service.jobs.fleet import HOST, Fleet, here, lives_here, new_name
from service.jobs.prepare import prepare
from service.processes.sockets import listen
from service.settings import BadSetting, Settings
from tests.job_system import System, kill, wait_for
from tests.serving import PATIENCE, environment, free_port


def healthy(*arguments, **variables):
    command = [sys.executable, "-m", "service", "healthy", *arguments]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_service_that_answers_is(host, served):
    port = served.address.rpartition(":")[2]
    status, sentence = healthy(VERIGRAD_PORT=port, VERIGRAD_HOST=host, HTTP_PROXY="http://127.0.0.1:1")
    assert (status, sentence) == (0, f"the service answers at http://127.0.0.1:{port}/healthz\n")


def test_none_is_not():
    status, sentence = healthy(VERIGRAD_PORT=str(free_port()))
    assert status == 1
    assert "does not answer" in sentence


def test_a_worker_is_while_it_gives_signs_of_life(database_url):
    with System(database_url, serve=False, workers=1) as system:
        variables = {name: value for name, value in system.environment.items() if name.startswith("VERIGRAD_")}
        wait_for(lambda: healthy("--worker", **variables)[0] == 0, "its first sign of life")
        for pid in (system.process.pid, *system.members()):
            kill(pid)
        wait_for(lambda: healthy("--worker", **variables)[0] == 1, "its last to be long ago")


def test_where_there_is_no_database_there_is_no_worker_and_none_is_made(tmp_path):
    status, sentence = healthy("--worker", VERIGRAD_DATA_DIR=str(tmp_path))
    assert (status, sentence) == (1, "there is no database of jobs yet\n")
    assert not os.listdir(tmp_path)


def test_a_database_that_does_not_answer_is_told_in_a_sentence():
    url = f"postgresql://user:hush@127.0.0.1:{free_port()}/name"
    status, sentence = healthy("--worker", VERIGRAD_DATABASE_URL=url)
    assert (status, "cannot be asked (connection failed: " in sentence, "refused" in sentence) == (1, True, True)
    assert "hush" not in sentence


def test_workers_elsewhere_and_those_that_are_silent_do_not_count(tmp_path, monkeypatch):
    database = Database(url_of(Settings(data_dir=tmp_path)))
    prepare(database)
    assert not lives_here(database, 60)
    Fleet(database, f"other{new_name()}", 60).join()
    assert not lives_here(database, 60)
    Fleet(database, new_name(), 60).join()
    assert lives_here(database, 60)
    with database.write() as connection:
        connection.execute(sa.update(workers).values(seen_at=now() - 61))
    assert not lives_here(database, 60)
    database.close()


def test_the_name_of_a_worker_fits_into_the_table(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 64)
    assert len(here()) == HOST + 1
    assert isinstance(workers.c.id.type, sa.String)
    assert len(new_name()) == workers.c.id.type.length


@pytest.mark.parametrize("host", ["a" * 300, "a..b", "\udcff", "[::1]"])
def test_a_host_that_is_none_is_told_in_a_sentence(host):
    status, sentence = healthy(VERIGRAD_HOST=host)
    assert status == 1
    assert "does not answer" in sentence
    with pytest.raises(BadSetting, match="no such address"):
        listen(host, 0)
