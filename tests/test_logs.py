"""The log: a line for each request with all that helps and nothing that was sent, in one format from every process."""

import logging
import re
import subprocess
import sys
import time

import httpx
import orjson
import pytest

from service.access.scopes import LEAST_SCOPE
from service.contract.examples import CHECK, GRADE, GRADIENTS
from service.keys import entry_of, make_key
from service.telemetry.requests import GONE
from tests.serving import ROOT, Served, environment
from tests.terminal import on_a_terminal
from tests.wire import Wire, chunked, request, served_with_faults

KEY, PUPIL, UNKNOWN = make_key(), make_key(), make_key()
FIELDS = {"timestamp", "level", "event", "logger", "request_id", "method", "route", "status", "seconds"}
FIELDS |= {"bytes_in", "bytes_out", "process"}
MORE_FIELDS = {"key", "cost", "job", "kept", "refused", "exception"}
"""Of some lines."""
BODY = orjson.dumps(GRADIENTS["graph"].body)


def lines_of(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def requests_in(path):
    return [line for line in lines_of(path) if line["logger"] == "verigrad.requests"]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "errors"


def served(log, *arguments, **variables):
    with log.open("w") as errors:
        return Served("--port", "0", *arguments, errors=errors, VERIGRAD_JOB_WORKERS="0", **variables)


def faulty(log, **variables):
    with log.open("w") as errors:
        return served_with_faults(errors=errors, **variables)


def said(address, data):
    with Wire(address) as wire:
        return wire.send(data).answer()


def asking(address):
    return httpx.Client(base_url=address, trust_env=False)


def test_a_line_for_each_request_says_what_it_was(log):
    keys = f"{entry_of('autograder', 'admin', KEY)},{entry_of('pupil', 'grade', PUPIL)}"
    headers = {"authorization": f"Bearer {KEY}", "x-request-id": "exam-7"}
    with served(log, VERIGRAD_KEYS=keys, VERIGRAD_LOG_LEVEL="debug") as running, asking(running.address) as client:
        answer = client.post("/v1/gradients?secret=1", content=BODY, headers=headers)
        client.post("/v1/gradients", content=BODY, headers=headers)
        client.get("/problems/busy", headers={"x-request-id": "page"})
        client.get("/no/such/place", headers={"x-request-id": "nowhere"})
        client.get("/healthz", headers={"x-request-id": "health"})
        client.get("/metrics", headers={"authorization": f"Bearer {PUPIL}", "x-request-id": "not-allowed"})
        running.process.terminate()
        running.process.wait()
    first, again, page, nowhere, health, forbidden = requests_in(log)
    assert set(first) == FIELDS | {"key", "cost"}
    assert (first["request_id"], first["key"], first["method"]) == ("exam-7", "autograder", "POST")
    assert (first["route"], first["status"], first["event"]) == ("/v1/gradients", 200, "request")
    assert (first["bytes_in"], first["bytes_out"]) == (len(BODY), len(answer.content))
    assert 0 < first["cost"] < 1
    assert 0 < first["seconds"] < 30
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["timestamp"])
    assert (first["level"], first["process"]) == ("info", "server-0")
    assert again["kept"] is True
    assert (page["route"], page["status"], "key" in page) == ("/problems/{kind}", 200, False)
    assert (nowhere["route"], nowhere["status"]) == (None, 404)
    assert (health["route"], health["level"]) == ("/healthz", "debug")
    assert (forbidden["status"], forbidden["key"]) == (403, "pupil")


def test_a_request_can_be_followed_to_its_job(log):
    with served(log) as running, asking(running.address) as client:
        submitted = client.post("/v1/jobs", content=b'{"check":' + BODY + b"}", headers={"x-request-id": "exam-8"})
        assert submitted.status_code == 202, submitted.text
        id = submitted.json()["id"]
        assert client.get(f"/v1/jobs/{id}").status_code == 200
        running.process.terminate()
        running.process.wait()
    posted, asked = requests_in(log)
    assert (posted["request_id"], posted["job"]) == ("exam-8", id)
    assert (asked["route"], asked["job"]) == ("/v1/jobs/{id}", id)


def test_a_variable_that_is_no_setting_is_told_of(log):
    with served(log, VERIGRAD_JOBWORKERS="2", VERIGRAD_URL="http://127.0.0.1:1"):
        pass
    told = [line["event"] for line in lines_of(log) if "no such setting" in line["event"]]
    assert told == ["VERIGRAD_JOBWORKERS is set, but there is no such setting"]


@pytest.mark.parametrize(("level", "statuses"), [("info", [200, 404, 503]), ("warning", [503]), ("error", [])])
def test_the_level_is_chosen(log, level, statuses):
    # A request of more than the pool takes is the one that fails: there is no process in time.
    more = {"VERIGRAD_INLINE": "0", "VERIGRAD_DEADLINE": "0.01"}
    with served(log, VERIGRAD_LOG_LEVEL=level, **more) as running, asking(running.address) as client:
        told = [
            client.get("/v1/catalog"),
            client.get("/x"),
            client.post("/v1/gradients", content=BODY),
            client.get("/healthz"),
        ]
        assert [each.status_code for each in told] == [200, 404, 503, 200]
    assert [line["status"] for line in requests_in(log)] == statuses


def test_every_line_is_json_whoever_writes_it(log, tmp_path):
    with served(log, VERIGRAD_WORKERS="2", VERIGRAD_DATA_DIR=str(tmp_path)) as running, asking(running.address) as client:
        client.get("/v1/catalog")
        until = time.monotonic() + 30  # until both are there, and the database is
        while len({line.get("process") for line in lines_of(log)}) < 3:
            assert time.monotonic() < until
            time.sleep(0.1)
        running.process.terminate()
        running.process.wait()
    lines = lines_of(log)
    assert {field for line in lines for field in line} <= FIELDS | MORE_FIELDS
    assert {"verigrad.requests", "uvicorn.error"} <= {line["logger"] for line in lines}
    assert {"server-0", "server-1", "opening"} <= {line.get("process") for line in lines}
    assert all({"timestamp", "level", "event", "logger"} <= set(line) for line in lines)


WRITE = """
import logging, sys, threading, warnings
from service.telemetry.%(module)s import %(start)s as start
start()
logging.getLogger("verigrad.x").warning("of ours: %%s", "one")
logging.getLogger("somebody.else").error("of another")
logging.getLogger("somebody.else").info("too talkative")
try:
    raise ValueError("a secret")
except ValueError:
    try:
        raise KeyError("another")
    except KeyError:
        logging.getLogger("verigrad.x").exception("it failed")
raise RuntimeError("the last secret")
"""


@pytest.mark.parametrize(("module", "start"), [("logs", "start_log"), ("later", "start_log_later")])
def test_libraries_faults_and_tracebacks_without_what_they_quote(module, start):
    code = WRITE % {"module": module, "start": start}
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, timeout=60)
    lines = [orjson.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["of ours: one", "of another", "it failed", "this process ends by a fault"]
    assert [line["level"] for line in lines] == ["warning", "error", "error", "error"]
    assert "builtins.ValueError" in lines[2]["exception"]
    assert lines[2]["exception"].endswith("builtins.KeyError")
    assert "line 15" in lines[3]["exception"]
    assert b"secret" not in done.stderr
    assert done.returncode == 1


def test_a_terminal_gets_text_and_may_ask_for_json():
    code = "import sys; from service.telemetry.logs import *; start_log(sys.argv[1]);"
    code += "logging.getLogger('verigrad').warning('one line'); request_lines.info('request', status=200)"
    command = lambda format: ["-c", code, format]
    _, text = on_a_terminal(*command("auto"), program=sys.executable)
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert re.search(r"^\d\d:\d\d:\d\d \[warning *\] one line", plain, flags=re.MULTILINE)
    assert "status=200" in plain
    _, text = on_a_terminal(*command("json"), program=sys.executable)
    assert [orjson.loads(line)["event"] for line in text.splitlines()] == ["one line", "request"]


def test_what_is_refused_before_it_is_a_request_is_logged_too(log):
    slow = {"VERIGRAD_HEADER_TIMEOUT": "0.3", "VERIGRAD_BODY_TIMEOUT": "0.3", "VERIGRAD_MAX_BODY": "1000"}
    with faulty(log, VERIGRAD_MAX_HEADER="2000", **slow) as running:
        ask = lambda data: said(running.address, data).status
        assert ask(b"nonsense\r\n\r\n") == 400
        assert ask(request("GET", "/healthz", "x: " + "secret" * 1_000)) == 431
        assert ask(b"GET /healthz HTT") == 408
        assert ask(request("POST", "/v1/grade", "x-request-id: slow", "content-length: 90") + b"secret") == 408
        assert ask(chunked("/v1/grade", b"secret" * 300)) == 413
        with Wire(running.address) as leaver:
            leaver.send(request("POST", "/v1/grade", "x-request-id: gone", "content-length: 90") + b"secret")
            time.sleep(0.05)
        until = time.monotonic() + 20
        while len(found := requests_in(log)) < 6:
            assert time.monotonic() < until
            time.sleep(0.05)
    told = [(line["status"], line.get("refused"), line.get("route")) for line in found]
    assert told[:3] == [(400, "malformed-http", None), (431, "header-too-large", None), (408, "too-slow", None)]
    assert told[3:] == [(408, None, "/v1/grade"), (413, None, "/v1/grade"), (GONE, None, "/v1/grade")]
    assert [line.get("request_id") for line in found][3::2] == ["slow", "gone"]
    assert b"secret" not in log.read_bytes()


SECRET = "zq9secret7"


def test_nothing_that_was_sent_is_in_the_log(log):
    """Whatever is asked, with secrets in every place of a request where there can be one."""
    keys = entry_of("ada", "admin", KEY)
    bodies = [
        *({**each.body, SECRET: SECRET} for each in (GRADIENTS["graph"], CHECK["submitted"], GRADE["network"])),
        {**GRADE["network"].body, "answers": {"dW1": SECRET, SECRET: 1}, "policy": {"feedback": "full"}},
        {"train": {SECRET: SECRET}},
        {"graph": {"expressions": [f"{SECRET} = x / y"]}, "values": {"x": 1, "y": 0}},
        [SECRET],
        SECRET,
    ]
    with (
        served(log, VERIGRAD_KEYS=keys, VERIGRAD_LOG_LEVEL="debug", VERIGRAD_PROCESSES="1") as running,
        asking(running.address) as client,
    ):
        for path in LEAST_SCOPE:
            address = f"{path.replace('{id}', SECRET)}?{SECRET}={SECRET}"
            for key in (KEY, UNKNOWN, SECRET * 4):
                headers = {"authorization": f"Bearer {key}", "cookie": SECRET, SECRET: SECRET, "x-request-id": f"<{SECRET}>"}
                for body in bodies:
                    client.request("POST", address, json=body, headers={**headers, "idempotency-key": SECRET})
                client.post(address, content=SECRET.encode() * 3_000, headers=headers)  # read in a process beside
                client.get(address, headers={**headers, "last-event-id": SECRET})
        said(running.address, f"GET /{SECRET} {SECRET}\r\n\r\n".encode())
        running.process.terminate()
        running.process.wait()
    written = log.read_text()
    assert len(requests_in(log)) > 300
    for secret in (SECRET, KEY, UNKNOWN, entry_of("ada", "admin", KEY).rpartition(":")[2]):
        assert secret not in written


def test_a_fault_is_logged_with_its_place_and_without_its_words(log):
    with faulty(log) as running, asking(running.address) as client:
        assert client.get("/fault").status_code == 500
        running.process.terminate()
        running.process.wait()
    faults = [line for line in lines_of(log) if "exception" in line]
    assert faults
    assert all(line["exception"].endswith("\nbuiltins.ZeroDivisionError") for line in faults)  # not what it says
    assert all("service_with_faults.py" in line["exception"] for line in faults)


def test_who_only_imports_the_service_has_no_log():
    """The log of the tests themselves is pytest's: nothing of ours has taken over."""
    code = "import service.app, logging, sys; service.app.create_app(); print(len(logging.getLogger().handlers))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert logging.getLogger("verigrad").handlers == []


def test_the_page_tells_every_field():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    told = page.partition("## The log")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", told, flags=re.MULTILINE)
    assert {field for row in rows for field in re.findall(r"`(\w+)`", row)} == FIELDS | MORE_FIELDS


def test_a_log_that_cannot_be_written_ends_nothing():
    code = """
import logging, os
from service.telemetry.logs import request_lines, start_log
start_log("json")
logging.getLogger("verigrad").warning("for nobody")
request_lines.info("request")
from service.telemetry.later import start_log_later
start_log_later()
logging.getLogger("verigrad").warning("for nobody")
print("done")
"""
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=full, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n")
