"""The process in which one job is done: `python -m service.jobs.child PARENT`. See service/jobs/runner.py.

It reads the job from its standard input and writes progress, checkpoints and the outcome to its standard output. It ends
when the worker is gone, and stops at its next step when the worker says so.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from time import monotonic
from typing import Any, BinaryIO

import numpy as np
import orjson

from service.jobs.failures import out_of_memory
from service.jobs.kinds import KINDS, beneath
from service.jobs.messages import Message, receive, send
from service.jobs.work import Outcome, Work, failed
from service.operations.allowance import Allowance
from service.processes.parent import end_with_parent
from service.replies.problem_documents import problem_of
from service.telemetry.later import start_log_later

NICENESS = 10
"""Less urgent than anything that somebody waits for."""
LEAST, MOST = 1.0, 5.0
"""Seconds between two checkpoints: more of them where they are large and take long to write."""
SHARE = 0.05
"""Of the time, that writing checkpoints may take."""


class Reports:
    """Progress as often as it is told; a checkpoint with it when it is time for one."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe
        self.due = monotonic() + LEAST

    def __call__(self, progress: dict[str, Any], checkpoint: Callable[[], bytes] | None) -> None:
        begun = monotonic()
        if checkpoint is None or begun < self.due:
            send(self.pipe, {"progress": progress})
            return
        send(self.pipe, {"progress": progress}, checkpoint())
        ended = monotonic()
        self.due = ended + min(max((ended - begun) / SHARE, LEAST), MOST)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # of a terminal or a service manager: the worker decides
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(int(sys.argv[1]))
    start_log_later()
    os.nice(NICENESS)
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints goes to the log, and not in between the messages
    message = receive(orders)
    if message is None:
        return
    stop = threading.Event()
    threading.Thread(target=listen, args=(orders, stop), name="orders", daemon=True).start()
    outcome = do(message, stop, Reports(answers))
    answer(answers, outcome)


def listen(orders: BinaryIO, stop: threading.Event) -> None:
    """One byte is the order to stop; the end of the orders is the end of the worker."""
    while orders.read(1):
        stop.set()
    os._exit(1)


def do(message: Message, stop: threading.Event, reports: Reports) -> Outcome:
    order = message.what
    body, *checkpoint = message.content
    if order["salvage"]:
        stop.set()
    resource.setrlimit(resource.RLIMIT_DATA, (order["memory"], order["memory"]))
    kind = order["kind"]
    try:
        with np.errstate(all="ignore"), beneath(kind):
            work = Work(
                wire=orjson.loads(body)[kind],
                allowance=Allowance(**order["allowance"]),
                checkpoint=checkpoint[0] if checkpoint else None,
                seed=int.from_bytes(sha256(order["job"].encode()).digest()[:6], "big"),
                stop=stop,
                report=reports,
            )
            return KINDS[kind].work(work)
    except MemoryError:
        return failed(out_of_memory(order["memory"]))
    except Exception as error:
        return failed(problem_of(error, f"job {order['job']}"))


def answer(answers: BinaryIO, outcome: Outcome) -> None:
    result = b"" if outcome.result is None else orjson.dumps(outcome.result, option=orjson.OPT_SERIALIZE_NUMPY)
    what = {"status": outcome.status, "error": outcome.error}
    send(answers, what, result, outcome.checkpoint or b"")


if __name__ == "__main__":
    main()
