"""Every node of a problem with its value and gradient, confirmed."""

from __future__ import annotations

from typing import Any

from engine import read_problem, solve
from service.operations.allowance import Allowance
from service.operations.certificates import CERTIFICATES
from service.replies.render import render_solution
from service.requests.body import divide


def gradients(wire: Any, allowance: Allowance) -> dict[str, Any]:
    given, options = divide(wire, ("include", "jacobians"))
    problem = read_problem(given, allowance.limits)
    return render_solution(solve(problem, **options, confirm=CERTIFICATES.certify))
