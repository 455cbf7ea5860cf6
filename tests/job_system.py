"""A whole service in processes of its own, of which tests kill what they like."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

from tests.serving import ROOT, environment

PATIENCE = 90
"""Seconds to wait for what takes a few: the machine may have much else to do."""
SERVICE = (sys.executable, "-m", "service")
ROLES = {"server": b"service.http.server", "worker": b"service.jobs.worker", "child": b"service.jobs.child"}
ROLES["pool"] = b"service.work.compute"


def wait_for(condition, what, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


class System:
    """`verigrad serve` or `verigrad worker` on a database."""

    def __init__(self, url, *, serve=True, workers=3, servers=2, path=(), errors=None, command=SERVICE, **variables):
        self.url, self.serve, self.errors, self.command = url, serve, errors, command
        chosen = {
            "VERIGRAD_WORKERS": str(servers),
            "VERIGRAD_JOB_WORKERS": str(workers),
            "VERIGRAD_JOB_HEARTBEAT": "0.2",
            "VERIGRAD_JOB_LEASE": "2",
            "VERIGRAD_GRACE": "5",
            "VERIGRAD_PROCESSES": "1",
            **variables,
        }
        path = os.pathsep.join([*map(str, path), str(ROOT)])
        self.environment = environment(PYTHONPATH=path, VERIGRAD_DATABASE_URL=url, **chosen)
        self.address = ""
        self.start()

    def start(self):
        port = self.address.rpartition(":")[2] or "0"
        arguments = ["serve", "--port", port] if self.serve else ["worker"]
        self.process = subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            start_new_session=True,
        )
        if self.serve:
            assert self.process.stdout
            for line in self.process.stdout:
                if match := re.match(r"Verigrad listens on (\S+)", line):
                    self.address = match[1]
                    break
            assert self.address, "the service did not start"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill_all()
        self.process.communicate()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def members(self):
        """Every process that has this database in its environment, by id: orphans too."""
        mark = f"VERIGRAD_DATABASE_URL={self.url}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it has just ended, or is somebody else's
        return {pid: command for pid, command in found.items() if command}  # one that is dead has none

    def pids(self, role):
        return [pid for pid, command in self.members().items() if ROLES[role] in command.split(b"\0")]

    def kill(self, role):
        """One of them, if there is one."""
        if pids := self.pids(role):
            kill(random.choice(pids))

    def kill_all(self):
        while members := self.members():
            for pid in members:
                kill(pid)
            self.process.poll()
            time.sleep(0.02)

    def client(self):
        return httpx.Client(base_url=self.address, trust_env=False, timeout=PATIENCE)

    def ask(self, method, path, **more):
        """As a client that tries again when the connection breaks."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self.client() as client:
                    response = client.request(method, path, **more)
                if response.status_code < 500:
                    return response
            except httpx.TransportError:
                pass
            assert time.monotonic() < until, f"{method} {path}"
            time.sleep(0.1)

    def submit(self, body, key=None):
        response = self.ask("POST", "/v1/jobs", json=body, headers={"idempotency-key": key} if key else {})
        assert response.status_code == 202, response.text
        return response.json()["id"]

    def job(self, id):
        return self.ask("GET", f"/v1/jobs/{id}").json()

    def finished(self, id):
        return wait_for(lambda: (job := self.job(id))["status"] not in ("queued", "running") and job, f"job {id}")

    def result(self, id):
        return self.ask("GET", f"/v1/jobs/{id}/result").content


def kill(pid, number=signal.SIGKILL):
    with suppress(ProcessLookupError):  # it was faster
        os.kill(pid, number)


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
