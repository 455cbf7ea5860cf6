"""A service running in a process of its own, for tests that meet it as its users do."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
SERVE = [sys.executable, "-m", "service", "serve"]
PATIENCE = 30
"""Seconds to wait for what takes one or two."""


DATA = tempfile.TemporaryDirectory(prefix="verigrad-tests-")
"""Where services keep their jobs that were not told where."""


def environment(**more):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VERIGRAD_")}
    chosen = {"VERIGRAD_DATA_DIR": DATA.name, "VERIGRAD_JOB_WORKERS": "1", **more}
    return {**inherited, "PYTHONPATH": str(ROOT), **chosen}


class Served:
    """A running service; its output up to the line to paste."""

    def __init__(self, *arguments, command=SERVE, errors=subprocess.DEVNULL, **variables):
        self.process = subprocess.Popen(
            [*command, *arguments],
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=errors,
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
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        """Take in what it logs: a service whose log nobody reads stands still once the pipe is full."""
        assert self.process.stdout
        self.lines.extend(self.process.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.listener.join()
        assert self.process.stdout
        self.process.stdout.close()

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
