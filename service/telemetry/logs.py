"""The log: a line each, as JSON for programs or readable on a terminal, the same from every process and library.

What is logged is chosen here and in requests.py beside it. Nothing that was sent is ever part of it: no body, no key, no
answer, no query; and of an exception its type and its place, for its message may quote what was sent.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from io import FileIO
from types import TracebackType
from typing import Any, BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo, FilteringBoundLogger, Processor

from service.telemetry.environment import FORMAT, LEVEL, PROCESS
from service.telemetry.exceptions import LOST, describe

OURS = ("verigrad", "uvicorn")
"""Loggers that are as talkative as the setting says. All others tell of warnings at most: what they say for their own
debugging may repeat what was sent."""
QUIET = {"dbos": logging.ERROR}


def nothing(event: str, **fields: Any) -> None:
    pass


class RequestLines:
    """One line for each request. Silent until there is a log, as in a program that only imports the service."""

    def __init__(self) -> None:
        self.debug: Callable[..., None] = nothing
        self.info: Callable[..., None] = nothing
        self.warning: Callable[..., None] = nothing

    def go_to(self, logger: FilteringBoundLogger) -> None:
        self.debug, self.info, self.warning = logger.debug, logger.info, logger.warning


request_lines = RequestLines()


def start_log(format: str = "", level: str = "") -> None:
    """From here on everything that this process logs is in one format; by default in that of the environment."""
    format = chosen_format(format or os.environ.get(FORMAT, ""))
    number = getattr(logging, (level or os.environ.get(LEVEL, "") or "info").upper())
    # Without a buffer: a line is one write, and is there when the process is killed a moment later.
    stream = Unfailing(2, "w", closefd=False)
    final = to_json if format == "json" else to_text(sys.stderr.isatty())
    add_process = naming(os.environ.get(PROCESS, ""))
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if format == "json" else "%H:%M:%S", utc=format == "json"),
        *add_process,
    ]
    structlog_of = structlog.wrap_logger(
        structlog.BytesLogger(cast(BinaryIO, stream)),
        processors=[*common, final],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    request_lines.go_to(structlog_of.bind(logger="verigrad.requests"))
    handler = Lines(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common, add_exception],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, decoded(final)],
        )
    )
    take_over(handler, number)


def chosen_format(format: str) -> str:
    if format in ("", "auto"):
        return "text" if sys.stderr.isatty() else "json"
    return format


def take_over(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name, least in QUIET.items():  # DBOS makes a handler of its own where it finds none
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(least)
    logging.captureWarnings(True)
    sys.excepthook = log_fault
    threading.excepthook = log_fault_of_thread


class Unfailing(FileIO):
    """What cannot be written is lost: a disk that is full, or a reader that is gone, must not end what the line tells of."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return 0


class Lines(logging.Handler):
    """A record, a line, a write."""

    def __init__(self, stream: FileIO) -> None:
        super().__init__()
        self.stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(self.format(record).encode(errors="replace") + b"\n")
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Python's own would print what could not be logged, with all its arguments."""
        self.stream.write(LOST)


def naming(process: str) -> list[Processor]:
    def add(logger: Any, method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return [add] if process else []


def add_exception(logger: Any, method: str, event: EventDict) -> EventDict:
    info: ExcInfo | None = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if info and info[1] is not None:
        event["exception"] = describe(info[1])
    return event


def to_json(logger: Any, method: str, event: EventDict) -> bytes:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event")}
    return orjson.dumps({**first, **event}, default=type_name)


def type_name(value: Any) -> str:
    """Of what is no JSON: what it says of itself may be anything."""
    return type(value).__name__


def to_text(colors: bool) -> Processor:
    render = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=0)

    def to_text(logger: Any, method: str, event: EventDict) -> bytes:
        return str(render(logger, method, event)).encode(errors="replace")

    return to_text


def decoded(final: Processor) -> Processor:
    """For the formatters of the standard library, which make text."""

    def text(logger: Any, method: str, event: EventDict) -> str:
        made = final(logger, method, event)
        assert isinstance(made, bytes)
        return made.decode()

    return text


def log_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What would have ended as a traceback on the terminal."""
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("verigrad").error("this process ends by a fault", exc_info=(kind, error, trace))


def log_fault_of_thread(fault: threading.ExceptHookArgs) -> None:
    if fault.exc_value is not None:
        log = logging.getLogger("verigrad")
        log.error("a thread ends by a fault", exc_info=(fault.exc_type, fault.exc_value, fault.exc_traceback))
