"""A process that works for the service: `python -m service.work.compute SOCKET SHARED MEMORY`. See process.py beside it.

It reads lines from the socket, each with an operation, the length of the body that lies in shared memory, and an allowance;
writes the answer where the body was, and a line about it. It ends when the other end of the socket is closed.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import orjson

from service.operations.allowance import Allowance
from service.telemetry.later import start_log_later
from service.work.perform import perform
from service.work.shared import read, write

NICENESS = 10
"""Less urgent than the processes that answer what is small."""
WATCH = 1.0
"""Seconds between two looks at whether the service is still there."""
GROWN = 0.25
"""The part of the memory it may take that a process may keep for itself between two requests."""
STATISTICS = Path("/proc/self/statm")


def main(line: socket.socket, shared: int, memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the service decides when this process ends
    os.nice(NICENESS)
    start_log_later()
    limit_memory(memory)
    threading.Thread(target=follow, args=(os.getppid(),), daemon=True).start()
    with suppress(ConnectionError):  # the service is gone, and whoever asked it
        line.sendall(b"ready\n")
        serve(line, shared, memory)


def serve(line: socket.socket, shared: int, memory: int) -> None:
    for request in line.makefile("rb"):
        operation, size, allowance = orjson.loads(request)
        reply = perform(operation, read(shared, size), Allowance(**allowance))
        write(shared, reply.content)
        told = [len(reply.content), reply.status, reply.headers, reply.facts, held() > GROWN * memory]
        line.sendall(orjson.dumps(told) + b"\n")


def limit_memory(memory: int) -> None:
    """Beyond it a request fails with a MemoryError, instead of the machine with all that is on it."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def held() -> int:
    """Bytes of memory in use, or where the system does not tell, that ever were."""
    try:
        return int(STATISTICS.read_bytes().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def follow(parent: int) -> None:
    """End with the service, also when it was killed while this process works."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))
