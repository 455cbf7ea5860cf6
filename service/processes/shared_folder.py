"""The folder in which processes count together (service/telemetry/metrics.py), from the start of the service to its end.

In memory where there is memory for files, so that it also works on a disk that is full, or not to be written to.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from time import time

from service.settings import BadSetting

MEMORY = Path("/dev/shm")
PREFIX = "verigrad-metrics-"
LOCK = "owner"
"""Locked for as long as somebody counts here, however they end."""
YOUNG = 60.0
"""Seconds for which a folder may not be locked yet."""


class SharedFolder:
    def __init__(self) -> None:
        root = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            self.owner = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            raise BadSetting("there is no folder for temporary files: TMPDIR must name one that can be written to") from None
        fcntl.flock(self.owner, fcntl.LOCK_EX)
        remove_left_behind(self.path.parent)

    def forget_living(self, process: str) -> None:
        """What a process has only while it lives; what it counted stays."""
        for path in self.path.glob(f"gauge_live*_{process}.db"):
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.owner)


def remove_left_behind(root: Path) -> None:
    """By those that were killed."""
    for folder in root.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is somebody else's, or somebody else removes it just now
            if time() - folder.stat().st_mtime > YOUNG and is_free(folder / LOCK):
                shutil.rmtree(folder, ignore_errors=True)


def is_free(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
