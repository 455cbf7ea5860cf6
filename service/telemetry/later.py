"""The log of a process that hardly ever logs: made when there is something to say. Else what writes the lines would take a
good part of the time in which such a process starts, and of the memory that it may take.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from types import TracebackType

from service.telemetry.exceptions import LOST


class Later(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            from service.telemetry.logs import start_log

            start_log()
        except Exception:  # such as for want of memory
            with suppress(OSError):
                os.write(2, LOST)
        else:
            logging.getLogger(record.name).handle(record)


def start_log_later() -> None:
    root = logging.getLogger()
    root.handlers = [Later()]
    root.setLevel(logging.WARNING)
    sys.excepthook = log_fault


def log_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("verigrad").error("this process ends by a fault", exc_info=(kind, error, trace))
