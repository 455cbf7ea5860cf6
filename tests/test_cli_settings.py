"""`verigrad settings`: every value with its source, no secret, and `.env.example` made from the class."""

import subprocess
import sys

import orjson
import pytest

from service.database.connection import Database, url_of
from service.jobs.prepare import prepare
from service.settings import Settings
from tests.serving import PATIENCE, ROOT, environment, free_port
from tests.terminal import on_a_terminal

ENTRY = f"autograder:grade:{'ab' * 32}"


def ran(*arguments, **variables):
    command = [sys.executable, "-m", "service", "settings", *arguments]
    return subprocess.run(command, env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE)


def shown(*arguments, **variables):
    done = ran(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    answer = orjson.loads(done.stdout)
    return {row["variable"]: (row["value"], row["source"]) for row in answer["settings"]}, answer


def test_all_are_shown_with_their_sources():
    found, answer = shown("--port", "9000", VERIGRAD_RATE="7", VERIGRAD_PORT="8001", VERIGRAD_HOST="")
    assert list(found) == [f"VERIGRAD_{name.upper()}" for name in Settings.model_fields]
    assert found["VERIGRAD_PORT"] == (9000, "command line")
    assert found["VERIGRAD_RATE"] == (7, "environment")
    assert found["VERIGRAD_HOST"] == ("127.0.0.1", "default")  # an empty one is as none
    assert [row["description"] for row in answer["settings"]] == [
        each.description for each in Settings.model_fields.values()
    ]


def test_a_slip_of_the_hand_is_named():
    _, answer = shown(VERIGRAD_JOBWORKERS="2", VERIGRAD_URL="http://127.0.0.1:1", verigrad_rate="3")
    assert answer["unknown"] == ["VERIGRAD_JOBWORKERS"]


def test_a_folder_for_data_that_is_a_file_is_told_at_once(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for arguments in (["serve", "--port", "0"], ["worker"], ["settings"], ["keys", "list"], ["backup", "x.sqlite3"]):
        command = [sys.executable, "-m", "service", *arguments]
        variables = environment(VERIGRAD_DATA_DIR=str(file))
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert f"VERIGRAD_DATA_DIR must be a folder; {file} is none" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_no_secret_is_shown(arguments):
    url = "postgresql://user:hush1@host/name?sslpassword=hush2"
    variables = {"VERIGRAD_KEYS": ENTRY, "VERIGRAD_DATABASE_URL": url}
    found, _ = shown(*arguments, **variables)
    assert found["VERIGRAD_KEYS"] == ("***", "environment")
    assert found["VERIGRAD_DATABASE_URL"][0].startswith("postgresql://user:***@host/name?sslpassword=")
    status, drawn = on_a_terminal("settings", *arguments, **variables)
    assert status == 0
    assert "autograder" in ENTRY
    assert not any(secret in drawn + ran(**variables).stdout for secret in ("hush", "autograder", "abab"))


def test_every_secret_is_told_from_what_is_none():
    """By repr=False, which keeps it out of logs as well."""
    secret = {name for name, field in Settings.model_fields.items() if not field.repr}
    assert secret == {"keys", "database_url"}


def test_people_see_a_table():
    status, drawn = on_a_terminal("settings", VERIGRAD_RATE="7", VERIGRAD_JOBWORKERS="2", NO_COLOR="1", TERM="dumb")
    assert status == 0
    assert [line.split() for line in drawn.splitlines() if "VERIGRAD_RATE" in line] == [
        ["VERIGRAD_RATE", "7", "environment"]
    ]
    assert "without any effect: VERIGRAD_JOBWORKERS" in drawn


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"VERIGRAD_PORT": "eighty"}, "VERIGRAD_PORT must be a valid whole number, not 'eighty'"),
        ({"VERIGRAD_MAX_LAYERS": "0"}, "VERIGRAD_MAX_LAYERS must be greater than or equal to 1, not '0'"),
        ({"VERIGRAD_KEYS": "secret"}, "VERIGRAD_KEYS: entry 1 must be name:scope:hash"),
        ({"VERIGRAD_DATABASE_URL": "mysql://user:hush@host/name"}, "VERIGRAD_DATABASE_URL must be like postgresql://"),
    ],
)
@pytest.mark.parametrize("command", ["settings", "serve", "worker"])
def test_one_that_cannot_be_used_stops_with_a_sentence(command, variables, sentence):
    command = [sys.executable, "-m", "service", command]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not any(secret in done.stderr for secret in ("hush", "secret", "Traceback"))


def test_env_example_is_made_from_the_class():
    """Mend it by: verigrad settings --env-example > .env.example"""
    assert ran("--env-example").stdout == (ROOT / ".env.example").read_text()


def test_env_example_can_be_used_as_it_is():
    lines = [line.removeprefix("#") for line in (ROOT / ".env.example").read_text().splitlines() if "VERIGRAD_" in line]
    variables = dict(line.split("=", 1) for line in lines if line.startswith("VERIGRAD_"))
    assert set(variables) == {f"VERIGRAD_{name.upper()}" for name in Settings.model_fields}
    found, _ = shown(**variables)
    defaults, _ = shown(VERIGRAD_JOB_WORKERS="", VERIGRAD_DATA_DIR="")
    assert {name: value for name, (value, _) in found.items()} == {name: value for name, (value, _) in defaults.items()}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hush@hush@host/name",
        "postgresql://user:hush@hush/hush@host/name",
        "postgresql://user:hush@host:hush/name",
        "postgresql://user:hush@host/name\udcff",
    ],
)
def test_an_address_in_which_the_password_has_no_clear_end_is_refused_without_it(url):
    done = ran(VERIGRAD_DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "VERIGRAD_DATABASE_URL" in done.stderr
    assert not any(secret in done.stderr for secret in ("hush", "Traceback"))


@pytest.mark.parametrize("command", ["settings", "settings --env-example", "healthy", "backup {}/copy"])
def test_an_answer_that_nobody_can_write_is_said_in_a_sentence(command, tmp_path):
    folder = tmp_path / "data"
    database = Database(url_of(Settings(data_dir=folder)))
    prepare(database)
    database.close()
    variables = environment(VERIGRAD_DATA_DIR=str(folder), VERIGRAD_PORT=str(free_port()))
    line = f"{sys.executable} -m service {command.format(tmp_path)} > /dev/full"
    done = subprocess.run(line, shell=True, env=variables, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == (1 if command == "healthy" else 5)
    assert done.stderr.startswith("verigrad: the answer cannot be written: ")
    assert done.stderr.count("\n") == 1
