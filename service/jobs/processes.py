"""A child, as its worker sees it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import suppress
from typing import IO

import orjson

from service.jobs.attempts import Attempt
from service.jobs.messages import Message, receive, send
from service.telemetry.environment import PROCESS

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A job has one core; and sums made in parallel would not be the same twice."""


class ChildLost(Exception):
    """It ended without an outcome."""


class Child:
    """A process for one attempt; killed at the end of the block, unless it has ended before."""

    def __init__(self, attempt: Attempt, memory: int, *, salvage: bool = False) -> None:
        self.order = {
            "job": attempt.job,
            "kind": attempt.kind,
            "allowance": orjson.loads(attempt.allowance),
            "memory": memory,
            "salvage": salvage,
        }
        self.content = [attempt.body] if attempt.checkpoint is None else [attempt.body, attempt.checkpoint]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.jobs.child", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **ONE_THREAD, PROCESS: f"{os.environ.get(PROCESS, 'worker')}.job"},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.orders: IO[bytes] = self.process.stdin
        self.answers: IO[bytes] = self.process.stdout

    def __enter__(self) -> Child:
        with suppress(OSError):  # it has ended already: `next` will say so
            send(self.orders, self.order, *self.content)
        return self

    def next(self, seconds: float) -> Message | None:
        """What it says, or None if it says nothing for so long."""
        ready, _, _ = select.select([self.answers], [], [], seconds)
        if not ready:
            return None
        message = receive(self.answers)
        if message is None:
            raise ChildLost(f"exit code {self.process.wait()}")
        return message

    def stop(self) -> None:
        """Have it end at its next step, with a checkpoint."""
        with suppress(OSError):  # it has ended: `next` will say how
            self.orders.write(b"s")

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.wait()
        self.orders.close()
        self.answers.close()
