"""A process that ends with the one that started it, however that ended: no orphans after kill -9.

The other way round it shows its parent that it is not frozen: one that is may hold what all others wait for, such as the
lock of a SQLite file, and is better killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
WATCH = 1.0
"""Seconds between two looks at whether the parent is still there, and between two signs of life."""
ALIVE, READY = b".", b"!"


def end_with_parent(parent: int, pipe: int | None = None) -> None:
    """`parent` is who started this process, as that one knows itself: it may be gone already. It hears through the pipe."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # at once, even while this process computes or is stopped
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=watch, args=(parent, pipe), name="parent", daemon=True).start()


def watch(parent: int, pipe: int | None) -> None:
    """Where the system does not tell, and where it is told only of the thread that started this process."""
    while os.getppid() == parent:
        if pipe is not None:
            os.write(pipe, ALIVE)
        time.sleep(WATCH)
    os._exit(1)
