"""`verigrad serve` as a person meets it: it starts, prints a line that works when pasted, and stops when told to."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVE = [sys.executable, "-m", "service", "serve"]
PATIENCE = 30
"""Seconds to wait for what takes one or two."""


def environment(**more):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VERIGRAD_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **more}


class Served:
    """A running service; its output up to the line to paste."""

    def __init__(self, *arguments, **variables):
        self.process = subprocess.Popen(
            [*SERVE, *arguments],
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        assert self.process.stdout
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("curl "):
                break
        watchdog.cancel()
        assert self.lines, "the service did not start"
        assert self.lines[-1].startswith("curl ")
        self.curl = self.lines[-1].strip()
        match = re.search(r"http://\S+?(?=/v1)", self.curl)
        assert match
        self.address = match[0]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stop(self, number):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def leaves_nobody(self):
        """Whether its whole process group is gone."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pasted(line):
    """What the line prints: run by a shell if there is curl, else sent as it says."""
    if shutil.which("curl"):
        done = subprocess.run(["sh", "-c", line], env=environment(), capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return httpx.Response(200, content=done.stdout).json()
    words = shlex.split(line)
    url = next(word for word in words if word.startswith("http://"))
    body = words[words.index("-d") + 1].encode()
    return httpx.post(url, content=body, headers={"content-type": "application/json"}, trust_env=False).json()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_printed_line_works_and_the_service_stops(number):
    port = free_port()
    with Served("--port", str(port)) as served:
        assert served.address == f"http://127.0.0.1:{port}"
        assert f"Verigrad listens on {served.address} (a page to read and try: {served.address}/docs)\n" in served.lines
        solution = pasted(served.curl)
        gradients = {node["name"]: node["gradient"] for node in solution["nodes"]}
        assert gradients == {"x": 4.0, "y": 4.0, "z": 5.0, "q": 4.0, "f": 1.0}
        assert solution["certificate"]["status"] == "agrees"
        assert served.stop(number) in (0, -number)
        assert served.leaves_nobody()


def test_settings_come_from_the_environment_and_port_0_takes_a_free_one():
    with Served(VERIGRAD_HOST="0.0.0.0", VERIGRAD_PORT="0", VERIGRAD_MAX_BODY="100") as served:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", served.address)
        with httpx.Client(base_url=served.address, trust_env=False) as client:
            assert client.get("/readyz").json() == {"status": "ready"}
            refused = client.post("/v1/gradients", content=b" " * 1_000_000)
            assert refused.status_code == 413
            assert refused.json()["type"] == "/problems/body-too-large"


def refused(*arguments, **variables):
    done = subprocess.run(
        [*SERVE, *arguments], env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_bad_settings_are_refused_in_words():
    assert "VERIGRAD_PORT must be a whole number" in refused(VERIGRAD_PORT="http")
    assert "a port is a whole number from 0 to 65535, not '70000'" in refused("--port", "70000")


def test_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "address already in use" in refused("--port", str(taken.getsockname()[1]))
