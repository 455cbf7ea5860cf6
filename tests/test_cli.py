"""The command line: what it writes is what the service writes, and its status says how it went."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from service.cli import run
from service.cli.ask import COMMANDS
from service.contract.examples import CHECK, GRADE, GRADE_BATCH, GRADIENTS, MISTAKES, TRAIN
from service.work.perform import PERFORMED
from tests.serving import PATIENCE, environment, free_port

VERIGRAD = [sys.executable, "-m", "service"]
GRAPH = orjson.dumps(GRADIENTS["graph"].body)
EXAMPLES = {
    "gradients": GRADIENTS,
    "check": CHECK,
    "grade": GRADE,
    "grade-batch": GRADE_BATCH,
    "mistakes": MISTAKES,
    "train": TRAIN,
}
CASES = [
    pytest.param(name, example.body, id=f"{name}-{key}")
    for name, table in EXAMPLES.items()
    for key, example in table.items()
]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in [each for each in os.environ if each.startswith("VERIGRAD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def ask(monkeypatch, capfdbinary):
    """Runs a command with this on standard input: its status, and what it wrote to either stream."""

    def ask(*arguments, given=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        try:
            status: object = run(arguments)
        except SystemExit as stopped:  # by argparse
            status = stopped.code
        return status, *capfdbinary.readouterr()

    return ask


def timeless(answer):
    return re.sub(rb'"seconds":[0-9.e-]+', b"", answer)


# --- the same bytes


@pytest.mark.parametrize(("command", "body"), CASES)
def test_here_there_and_over_http_it_is_the_same(ask, served, command, body):
    content = orjson.dumps(body)
    path = f"{served.address}/v1/{command.replace('-', '/')}"
    over_http = httpx.post(path, content=content, headers={"content-type": "application/json"}, trust_env=False)
    here = ask(command, "-", given=content)
    there = ask(command, "-", "--url", served.address, given=content)
    assert here[0] == there[0] == 0
    assert timeless(here[1]) == timeless(there[1]) == timeless(over_http.content) + b"\n"
    assert here[2] == there[2] == b""


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", GRAPH.replace(b"2", b"true"), b'{"valuse": {}}', b"\xff"], ids=repr)
def test_a_refusal_is_the_same_too(ask, served, body):
    over_http = httpx.post(f"{served.address}/v1/gradients", content=body, trust_env=False)
    assert ask("gradients", "-", given=body) == (2, b"", over_http.content + b"\n")
    assert ask("gradients", "-", "--url", served.address, given=body) == (2, b"", over_http.content + b"\n")


def test_the_commands_are_the_operations():
    assert {row.name: f"POST /v1/{row.name.replace('-', '/')}" for row in COMMANDS}.keys() == EXAMPLES.keys()


# --- input


def test_a_file_is_read_as_standard_input_is(ask, tmp_path):
    file = tmp_path / "task.json"
    file.write_bytes(b"\xef\xbb\xbf" + GRAPH)  # as some editors write it
    assert ask("gradients", str(file)) == ask("gradients", "-", given=GRAPH)


@pytest.mark.parametrize(("name", "why"), [("missing.json", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read(ask, tmp_path, name, why):
    status, out, told = ask("gradients", str(tmp_path / name))
    assert (status, out) == (2, b"")
    document = orjson.loads(told)
    assert document["title"] == "The input cannot be read"
    assert why in document["detail"]


def test_many_submissions_are_graded_here(ask):
    """Limits that protect a service from its clients do not hold for one's own machine."""
    batch = {
        **GRADIENTS["graph"].body,
        "submissions": [{"id": str(number), "answers": {"dx": 4}} for number in range(1_001)],
    }
    status, out, _ = ask("grade-batch", "-", given=orjson.dumps(batch))
    assert status == 0
    assert len(orjson.loads(out)["results"]) == 1_001


# --- exit status


def test_bad_options(ask):
    status, out, told = ask("frobnicate", "task.json")
    assert (status, out) == (2, b"")
    assert b"invalid choice: 'frobnicate'" in told
    assert ask("gradients")[0] == 2
    assert ask("serve", "--workers", "many")[0] == 2
    status, _, told = ask("serve", "--workers", "0")
    assert status == 2
    assert b"VERIGRAD_WORKERS must be greater than or equal to 1" in told


WRONG = {**GRADIENTS["graph"].body, "gradients": {"dx": 5}}
KINK = {"graph": {"expressions": ["J = relu(x)"]}, "values": {"x": 0}}


@pytest.mark.parametrize(
    ("command", "body", "status"),
    [
        ("check", WRONG, 1),
        ("check", GRADIENTS["graph"].body, 0),
        ("check", KINK, 0),
        ("grade", {**GRADIENTS["graph"].body, "answers": {"dx": 5}}, 1),
        ("grade", {**GRADIENTS["graph"].body, "answers": {"dx": 4, "dy": 4, "dz": 5}}, 0),
        ("grade-batch", {**GRADIENTS["graph"].body, "submissions": []}, 0),
        ("grade-batch", {**GRADIENTS["graph"].body, "submissions": [{"id": "a", "answers": {"dx": 5}}]}, 1),
        ("grade-batch", {**GRADIENTS["graph"].body, "submissions": [{"id": "a", "answers": []}]}, 1),
    ],
)
def test_fail_turns_what_is_not_right_into_a_status(ask, command, body, status):
    given = orjson.dumps(body)
    assert ask(command, "-", given=given)[0] == 0
    assert ask(command, "-", "--fail", given=given)[0] == status
    assert ask(command, "-", "--fail", given=b"[]")[0] == 2


def test_nothing_there(ask, monkeypatch):
    monkeypatch.setattr("random.random", lambda: 0.0)  # no pauses before it is tried again
    status, out, told = ask("gradients", "-", "--url", f"http://127.0.0.1:{free_port()}", given=GRAPH)
    assert (status, out) == (4, b"")
    assert "cannot be reached" in orjson.loads(told)["detail"]
    status, _, told = ask("gradients", "-", "--url", "localhost:8000", given=GRAPH)
    assert status == 2
    assert "the address of the service is like http://" in orjson.loads(told)["detail"]


class Elsewhere(HTTPServer):
    """A service that replies as it is told, and remembers the headers of its requests."""

    status = 200
    content = b"{}"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Told)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[Any] = []


class Told(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(self.headers)
        self.send_response(self.server.status)
        self.send_header("content-type", "application/problem+json")
        self.send_header("retry-after", "3600")  # longer than anybody waits
        self.send_header("content-length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def elsewhere():
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [(401, 3), (403, 3), (404, 4), (405, 4), (413, 2), (422, 2), (429, 4), (500, 5), (502, 4), (503, 4), (504, 4), (302, 4)],
)
def test_what_a_service_replies_becomes_a_status(ask, elsewhere, status, exit_status):
    document = {"type": "/problems/any", "title": "No", "status": status, "detail": "it cannot be", "errors": []}
    elsewhere.status, elsewhere.content = status, orjson.dumps(document, option=orjson.OPT_INDENT_2)
    found, out, told = ask("grade", "-", "--url", elsewhere.address, given=GRAPH)
    assert (found, out) == (exit_status, b"")
    assert told == elsewhere.content + b"\n" or status == 302


def test_a_reply_that_is_no_document(ask, elsewhere):
    elsewhere.status, elsewhere.content = 502, b"<h1>Bad gateway</h1>"
    status, _, told = ask("grade", "-", "--url", elsewhere.address, given=GRAPH)
    assert status == 4
    assert orjson.loads(told) == {
        "type": "about:blank", "title": "Bad Gateway", "status": 502, "detail": "Bad Gateway", "errors": [],
    }  # fmt: skip


def test_address_and_key_come_from_the_environment(ask, elsewhere, monkeypatch):
    monkeypatch.setenv("VERIGRAD_URL", elsewhere.address)
    monkeypatch.setenv("VERIGRAD_KEY", "from-the-environment")
    assert ask("gradients", "-", given=GRAPH) == (0, b"{}\n", b"")
    ask("gradients", "-", "--key", "from-the-option", given=GRAPH)
    assert [each["authorization"] for each in elsewhere.requests] == [
        "Bearer from-the-environment",
        "Bearer from-the-option",
    ]
    here = ask("gradients", "-", "--url", "", given=GRAPH)
    assert here[1].startswith(b'{"output":"f"')
    assert len(elsewhere.requests) == 2


def test_a_fault_of_ours_is_said_to_be_one(ask, monkeypatch, caplog):
    monkeypatch.setitem(PERFORMED, "gradients", lambda wire, allowance: 1 / 0)
    status, out, told = ask("gradients", "-", given=GRAPH)
    assert (status, out) == (5, b"")
    assert orjson.loads(told.splitlines()[-1])["type"] == "/problems/internal-error"
    assert "ZeroDivisionError" in caplog.text  # where it was, for a report


# --- as a process


def start(*arguments, **variables):
    streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([*VERIGRAD, *arguments], env=environment(**variables), **streams)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered):
    """Of an answer that is larger than a pipe holds."""
    body = {**GRADIENTS["graph"].body, "values": {"x": [1.5] * 300, "c": [1] * 300}, "jacobians": ["ds/dx"]}
    body["graph"] = {"expressions": ["s = softmax(x)", "J = dot(c, s)"]}
    with start("gradients", "-", PYTHONUNBUFFERED=unbuffered) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(orjson.dumps(body))
        process.stdin.close()
        assert process.stdout.read(10) == b'{"output":'
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 141


def test_an_interrupt_is_quiet(tmp_path):
    os.mkfifo(tmp_path / "waiting")
    with start("gradients", str(tmp_path / "waiting")) as process:
        writer = os.open(tmp_path / "waiting", os.O_WRONLY)  # opens once the other end does
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE) == (b"", b"")
        assert process.returncode == 130
        os.close(writer)


def test_nothing_is_imported_that_is_not_used():
    program = """
import sys
from service.cli import run
status = run(["gradients", sys.argv[1]])
print(status, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "-"], input=GRAPH, env=environment(), capture_output=True, timeout=PATIENCE
    )
    status, *names = done.stderr.decode().split()
    assert status == "0"
    assert {"numpy", "engine"} <= set(names)
    assert not {"fastapi", "starlette", "uvicorn", "pydantic", "pydantic_settings", "httpx", "rich", "anyio"} & set(names)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_answer_that_cannot_be_written_is_told():
    for redirected in ("> /dev/full", ">&-"):
        line = f"'{sys.executable}' -m service gradients - {redirected}"
        done = subprocess.run(["sh", "-c", line], input=GRAPH, env=environment(), capture_output=True, timeout=PATIENCE)
        assert done.returncode == 5
        assert done.stderr.startswith(b"verigrad: the answer cannot be written: ")
        assert b"Traceback" not in done.stderr
