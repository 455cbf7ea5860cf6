"""Processes whose parent has ended: the first process of a container, which may be the supervisor, becomes their parent."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress


def bury(mine: Collection[int]) -> None:
    """Let go of those that have ended, which nobody else will; those that are mine are asked for elsewhere."""
    with suppress(ChildProcessError):  # there are none at all
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in mine:
            os.waitpid(ended.si_pid, 0)
