"""What a process finds in its environment about how it is to tell of itself."""

from __future__ import annotations

from service.settings import PREFIX

FORMAT, LEVEL = f"{PREFIX}LOG_FORMAT", f"{PREFIX}LOG_LEVEL"
PROCESS = f"{PREFIX}PROCESS"
"""Its place among the others: server-0, worker-1. Whoever takes the place of one that has died has the same."""
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where it counts together with others; named as prometheus_client has it. Only who counts has it."""
