"""Processes for what takes longer than a moment, so that the event loop stays free and a deadline really ends the work.

A thread cannot be ended, and parsing holds the interpreter's lock; a process can, and does not. Each takes one request at
a time. Whoever stops waiting for one, because time is up or the client has gone, ends it, and another is started.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from service.operations.allowance import Allowance
from service.replies.problem_documents import Busy, DeadlineExceeded, Reply, RequestError, WorkLost
from service.telemetry.metrics import POOL_BUSY, POOL_REFUSED, POOL_WAITING
from service.work.process import Lost, Process

SOON = {"retry-after": "1"}


class Pool:
    def __init__(self, processes: int, deadline: float, most_waiting: int, memory: int) -> None:
        self.processes = processes
        self.deadline = deadline
        self.most_waiting = most_waiting
        self.memory = memory
        self.free = asyncio.Semaphore(processes)
        self.waiting = 0
        self.idle: deque[Process] = deque()
        self.closed = False

    async def perform(self, operation: str, body: bytes, allowance: Allowance) -> Reply:
        """The reply, or a RequestError: no process is free, or this one did not end well. The deadline is for both."""
        until = monotonic() + self.deadline
        try:
            await self.wait_until_free()
            try:
                with POOL_BUSY.track_inprogress():
                    return await self.compute(operation, body, allowance, until)
            finally:
                self.free.release()
        except RequestError as error:
            POOL_REFUSED.labels(error.kind).inc()
            raise

    async def wait_until_free(self) -> None:
        if self.free.locked() and self.waiting >= self.most_waiting:
            raise Busy("more requests are waiting than this service takes on: try again soon", headers=SOON)
        self.waiting += 1
        POOL_WAITING.inc()
        try:
            async with asyncio.timeout(self.deadline):
                await self.free.acquire()
        except TimeoutError:
            raise Busy("no process became free in time: try again soon", headers=SOON) from None
        finally:
            self.waiting -= 1
            POOL_WAITING.dec()

    async def compute(self, operation: str, body: bytes, allowance: Allowance, until: float) -> Reply:
        process = self.take()
        try:
            async with asyncio.timeout(until - monotonic()):
                await process.start()
                reply = await process.perform(operation, body, allowance)
        except BaseException as error:
            if not process.started and not isinstance(error, Lost):
                self.idle.append(process)  # it is not to blame, and will be ready for the next
                if isinstance(error, TimeoutError):
                    raise Busy("no process was ready in time: try again soon", headers=SOON) from None
                raise
            await self.replace(process)
            if isinstance(error, TimeoutError):
                raise DeadlineExceeded("this took longer than the service allows one request") from None
            if isinstance(error, Lost):
                raise WorkLost("the process that worked on this request ended before it was done") from None
            raise
        if process.spent or self.closed:
            await self.replace(process)
        else:
            self.idle.append(process)
        return reply

    def take(self) -> Process:
        """The one that worked last: its memory is warm, and it may know this problem already."""
        while self.idle:
            process = self.idle.pop()
            if process.alive:
                return process
            process.end()
        return Process(self.memory)

    async def replace(self, process: Process) -> None:
        """End one, in a thread because that may take a moment, and start another."""
        ending = asyncio.get_running_loop().run_in_executor(None, process.end)
        if not self.closed:
            self.idle.appendleft(Process(self.memory))
        await asyncio.shield(ending)

    def warm(self) -> None:
        """Start all processes, so that no request waits for that."""
        for _ in range(self.processes):
            self.idle.append(Process(self.memory))

    def close(self) -> None:
        self.closed = True
        while self.idle:
            self.idle.pop().end()
