"""How long a request will take, from its spec alone, before anything is computed or drawn."""

from __future__ import annotations

from typing import Any

from service.allowance import Allowance


def seconds(operation: str, wire: Any) -> float:
    return 0.0


def refuse_more(operation: str, wire: Any, allowance: Allowance) -> None:
    pass
