"""Processes for what takes longer than a moment, so that the event loop stays free and a deadline really ends the work.

A thread cannot be ended, and parsing holds the interpreter's lock; a process can, and does not. Each takes one request at
a time, as raw bytes, from a thread that waits for it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import deque
from dataclasses import asdict
from multiprocessing.connection import Connection
from time import monotonic

import orjson
from anyio import CapacityLimiter, to_thread

from service.allowance import Allowance
from service.problem_documents import Busy, DeadlineExceeded, Reply, WorkLost

START = 60.0
"""Seconds that a process may take to start."""
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Process:
    """One that computes. Started at once, ready a moment later."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.compute", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD},
            )
        self.connection = Connection(ours.detach())
        self.started = False

    def await_start(self) -> None:
        if not self.started:
            if not self.connection.poll(START):
                raise WorkLost("a process for this request did not start in time: try again")
            self.connection.recv_bytes()
            self.started = True

    def perform(self, operation: str, body: bytes, allowance: Allowance, until: float) -> Reply:
        self.connection.send_bytes(orjson.dumps([operation, asdict(allowance)]))
        self.connection.send_bytes(body)
        if not self.connection.poll(max(0.0, until - monotonic())):
            raise DeadlineExceeded("this took longer than the service allows one request")
        status, headers = orjson.loads(self.connection.recv_bytes())
        return Reply(self.connection.recv_bytes(), status, headers)

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()


class Pool:
    def __init__(self, processes: int, deadline: float, most_waiting: int) -> None:
        self.limiter = CapacityLimiter(processes)
        self.deadline = deadline
        self.most_waiting = most_waiting
        self.idle: deque[Process] = deque()
        self.closed = threading.Event()

    async def perform(self, operation: str, body: bytes, allowance: Allowance) -> Reply:
        """The reply, or a RequestError: no process is free, or this one did not end well."""
        if self.limiter.statistics().tasks_waiting >= self.most_waiting:
            raise Busy("more requests are waiting than this service takes on: try again soon", headers={"retry-after": "1"})
        until = monotonic() + self.deadline
        return await to_thread.run_sync(self.wait_for, operation, body, allowance, until, limiter=self.limiter)

    def wait_for(self, operation: str, body: bytes, allowance: Allowance, until: float) -> Reply:
        if monotonic() > until:
            raise Busy("no process became free in time: try again soon", headers={"retry-after": "1"})
        process = self.take()
        try:
            process.await_start()
            reply = process.perform(operation, body, allowance, until)
        except BaseException as error:
            process.end()
            if isinstance(error, EOFError | OSError):
                raise WorkLost("the process that worked on this request ended before it was done") from error
            raise
        self.give_back(process)
        return reply

    def take(self) -> Process:
        try:
            return self.idle.pop()  # the one that worked last: its memory is warm
        except IndexError:
            return Process()

    def give_back(self, process: Process) -> None:
        self.idle.append(process)
        if self.closed.is_set():
            self.close()

    def warm(self) -> None:
        """Start all processes, so that no request waits for that."""
        for _ in range(int(self.limiter.total_tokens)):
            self.idle.append(Process())

    def close(self) -> None:
        self.closed.set()
        while self.idle:
            self.idle.pop().end()
