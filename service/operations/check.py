"""Gradients against a numerical method."""

from __future__ import annotations

from typing import Any

import engine
from engine import read_problem
from engine.check.checking import read_claims, read_options, refuse_check
from engine.errors import BadProblem
from engine.problems import Problem
from engine.reading.arrays import kind_of
from service.operations.allowance import Allowance
from service.replies.render import render_check
from service.requests.body import divide
from service.telemetry.facts import note


def check(wire: Any, allowance: Allowance) -> dict[str, Any]:
    problem, claims, options = read(wire, allowance)
    report = engine.check(problem, claims, **options)
    note("checks", [report.status])
    return render_check(report)


def read_check(wire: Any, allowance: Allowance) -> None:
    """Refuse what cannot be checked, without checking anything."""
    problem, claims, options = read(wire, allowance)
    method, step, _, _ = read_options(**options)
    claimed = None if claims is None else read_claims(problem, claims)
    refuse_check(problem, claimed, method, step)


def read(wire: Any, allowance: Allowance) -> tuple[Problem, dict[str, Any] | None, dict[str, Any]]:
    given, options = divide(wire, ("gradients", "method", "step", "tolerance", "seed"))
    claims = options.pop("gradients", None)
    if claims is not None and not isinstance(claims, dict):
        raise BadProblem(f"expected an object of gradients by name, not {kind_of(claims)}", path="gradients")
    if claims == {}:  # checking the engine's own instead would tell somebody who claims nothing that all agrees
        raise BadProblem("expected a gradient; leave the field out to check the engine's own", path="gradients")
    return read_problem(given, allowance.limits), claims, options
