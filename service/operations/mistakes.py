"""Which mistakes a problem can tell apart."""

from __future__ import annotations

from typing import Any

from engine import distinguish, read_problem
from service.operations.allowance import Allowance
from service.replies.render import render_distinction
from service.requests.body import divide


def mistakes(wire: Any, allowance: Allowance) -> dict[str, Any]:
    problem, _ = divide(wire, ())
    return {"mistakes": [render_distinction(each) for each in distinguish(read_problem(problem, allowance.limits))]}
