"""A process that works for the service: `python -m service.compute FD`. See service/pool.py.

It reads an operation, an allowance and a body from a pipe, writes the reply, and ends when the other end is closed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

import orjson

from service.allowance import Allowance
from service.faults import warm
from service.perform import perform

NICENESS = 5
"""Less urgent than the processes that answer what is small."""
WATCH = 1.0
"""Seconds between two looks at whether the service is still there."""


def main(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the service decides when this process ends
    os.nice(NICENESS)
    threading.Thread(target=follow, args=(os.getppid(),), daemon=True).start()
    threading.Thread(target=warm, daemon=True).start()
    connection.send_bytes(b"ready")
    while True:
        try:
            operation, allowance = orjson.loads(connection.recv_bytes())
            body = connection.recv_bytes()
        except EOFError:
            return
        reply = perform(operation, body, Allowance(**allowance))
        connection.send_bytes(orjson.dumps([reply.status, reply.headers]))
        connection.send_bytes(reply.content)


def follow(parent: int) -> None:
    """End with the service, also when it was killed while this process works."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
