"""Every node of a problem with its value and gradient, confirmed."""

from __future__ import annotations

from typing import Any

from engine import read_problem, solve
from service.allowance import Allowance
from service.body import divide
from service.render import render_solution


def gradients(wire: Any, allowance: Allowance) -> dict[str, Any]:
    problem, options = divide(wire, ("include", "jacobians"))
    return render_solution(solve(read_problem(problem, allowance.limits), **options))
