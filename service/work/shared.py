"""Memory that two processes share, by a file descriptor that one inherits from the other."""

from __future__ import annotations

import os
import tempfile


def write(shared: int, content: bytes) -> None:
    """At the beginning; the system may take less than all at a time."""
    rest, written = memoryview(content), 0
    while rest:
        done = os.pwrite(shared, rest, written)
        rest, written = rest[done:], written + done


def read(shared: int, size: int) -> bytes:
    parts, missing = [], size
    while missing:
        parts.append(os.pread(shared, missing, size - missing))
        missing -= len(parts[-1])
    return parts[0] if len(parts) == 1 else b"".join(parts)


def shared_memory() -> int:
    """A file descriptor of memory without a name, or of a file without one."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("verigrad")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
