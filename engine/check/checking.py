"""A check: claimed gradients against a numerical method."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from engine.check.estimates import ROUNDING, Estimate, Estimates, Method, largest
from engine.check.methods import central, complex_step, directional
from engine.check.noise import Rounding, silent
from engine.check.scales import gradients_and_scales
from engine.check.verdicts import CheckReport, Verdict, gravest, judge, sensible
from engine.check.ways import by_increments, way_of
from engine.check.work import WORK
from engine.errors import BadProblem, ShapeMismatch, UnknownName, shape_text
from engine.graph.run import Run
from engine.ops.row import Array, Shape
from engine.problems import Problem
from engine.reading.arrays import kind_of, read_array, read_number, read_whole
from engine.reading.fields import join, read_choice

LEAST_STEP = 1e-200

METHODS: dict[str, Method] = {
    "increment": by_increments,
    "central": central,
    "complex_step": complex_step,
    "directional": directional,
}


def estimate(problem: Problem, run: Run, names: Sequence[str], method: str, step: float | None, seed: int) -> Estimates:
    """Estimates of what the problem's conventions report, by the node's name."""
    with np.errstate(all="ignore"):  # what is not finite is looked for, and told
        found = METHODS[method](problem, run, names, step, seed)
    return reported(problem, found)


def reported(problem: Problem, found: Estimates) -> Estimates:
    """As the problem's conventions have it, which report multiples of some gradients."""
    factors = problem.graph.factors
    scaled: dict[str, Estimate] = {name: each.rescaled(factors.get(name, 1.0)) for name, each in found.by_name.items()}
    return replace(found, by_name=scaled)


def look_along_directions(
    problem: Problem, run: Run, claim: Array, verdict: Verdict, entries: Estimate, seed: int, terms: Mapping[str, Any]
) -> Verdict:
    """At a tie, entries that are right one by one may be wrong together (the parts of a maximum sum to 1).

    So a gradient at a kink must also lie between the one-sided differences along random directions, and along all ones.
    What each entry may be off by, it may be off by here, too.
    """
    name = verdict.name[1:]
    found = estimate(problem, run, [name], "directional", None, seed).by_name[name]
    assert found.directions is not None
    weights = np.abs(found.directions).reshape(len(found.directions), -1).sum(axis=1)
    slack = weights * (terms["tolerance"] * entries.size + ROUNDING * terms["scale"])
    joint = judge(verdict.name, claim, found, scale=terms["scale"], tolerance=0.0, noise=silent, slack=slack)
    if joint.status != "disagrees":  # by rounding nothing is excused: a nudge would leave the kink
        return verdict
    reason = "every entry lies between its one-sided differences, but not all together: no one subgradient has them"
    return replace(verdict, status="disagrees", reason=reason, max_error=joint.max_error, error_bound=joint.error_bound)


def refuse_check(problem: Problem, claims: Mapping[str, Array] | None, method: str, step: float | None) -> None:
    """TooLarge, in the words of the check itself, for one that would cost too much; no claim is looked at."""
    names = list(claims) if claims is not None else [name[1:] for name in problem.asked]
    if method == "increment":
        way_of(problem, problem.unchanged, names, step, 0).refuse_excess(problem)
    else:
        WORK[method].refuse(problem, {name: prod(problem.graph[name].shape) for name in names})


def squeezed(shape: Shape) -> Shape:
    return tuple(length for length in shape if length != 1)


def read_claims(problem: Problem, claims: Any) -> dict[str, Array]:
    """Gradients as somebody sends them, by the node's name."""
    if not isinstance(claims, Mapping):
        raise BadProblem(f"expected an object of gradients by name, not {kind_of(claims)}", path="gradients")
    graph = problem.graph
    known = [f"d{name}" for name in graph.differentiable]
    read: dict[str, Array] = {}
    for name, value in claims.items():
        path = join("gradients", str(name))
        if name not in known:
            raise UnknownName("gradient", str(name), known, path=path)
        node = graph[name[1:]]
        array = read_array(value, path)
        if squeezed(array.shape) == squeezed(node.shape):  # as for grades, axes of length 1 do not count
            array = array.reshape(node.shape)
        if array.shape != node.shape:
            hint = "; transposed it would fit" if array.shape[::-1] == node.shape else ""
            raise ShapeMismatch(
                f"{name} is {shape_text(array.shape)}, but '{node.name}' is {shape_text(node.shape)}{hint}", path=path
            )
        read[node.name] = array
    return read


def read_options(
    *, method: Any = "increment", step: Any = None, tolerance: Any = 1e-6, seed: Any = None
) -> tuple[str, float | None, float, int | None]:
    """How to check."""
    return (
        read_choice(method, "method", "method", METHODS),
        None if step is None else read_number(step, "step", least=LEAST_STEP, most=1.0),
        read_number(tolerance, "tolerance", least=0.0),
        None if seed is None else read_whole(seed, "seed", least=0, most=2**63 - 1),
    )


def check(
    problem: Problem,
    claims: Any = None,
    *,
    method: str = "increment",
    step: float | None = None,
    tolerance: float = 1e-6,
    seed: int | None = None,
) -> CheckReport:
    """Check the claimed gradients, or without claims the engine's own, against a numerical method.

    `tolerance` is relative to the largest entry of each tensor and added to the error bound. Without `step` each method
    takes its own. Random directions are drawn from `seed`, or from a secret one; the report tells it if they had a say: with
    that method, or at kinks.
    """
    method, step, tolerance, seed = read_options(method=method, step=step, tolerance=tolerance, seed=seed)
    seed = secrets.randbits(53) if seed is None else seed
    started = perf_counter()
    run = problem.run()
    own = [name[1:] for name in problem.asked]
    if claims is None and not own:
        raise BadProblem("there is nothing to check: every value is a constant", path="constants")
    if claims is not None and not claims:
        raise BadProblem("there is nothing to check: no gradient is given", path="gradients")
    submitted = read_claims(problem, claims) if claims is not None else None
    gradients, scales = gradients_and_scales(run, tuple(own if submitted is None else submitted))
    submitted = gradients if submitted is None else submitted
    found = estimate(problem, run, list(submitted), method, step, seed)
    rounding, verdicts, drawn = Rounding(problem, run), [], method == "directional"
    for name, claim in submitted.items():
        terms: dict[str, Any] = {"scale": scales[name], "tolerance": tolerance, "noise": rounding.of(name)}
        verdict = judge(f"d{name}", claim, found.by_name[name], **terms)
        if verdict.status == "kink" and method != "directional":
            verdict, drawn = look_along_directions(problem, run, claim, verdict, found.by_name[name], seed, terms), True
        if verdict.status == "disagrees":
            verdict = sensible(verdict, max(scales[name], largest(gradients[name])))
        verdicts.append(verdict)
    return CheckReport(
        status=gravest(each.status for each in verdicts),
        method=method,
        gradients=tuple(verdicts),
        coordinates=found.coordinates,
        evaluations=found.evaluations,
        seed=seed if drawn else None,
        step=step,
        seconds=perf_counter() - started,
    )
