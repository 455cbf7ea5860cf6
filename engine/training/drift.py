"""The drift alarm: while a run goes on, the gradients it is about to use are confirmed by exact increments."""

from __future__ import annotations

from math import inf, isnan

import numpy as np

from engine.check import CheckReport, check
from engine.errors import EngineError
from engine.ops.row import Array
from engine.problems import Problem
from engine.training.batches import Examples
from engine.training.dense import DenseNetwork
from engine.training.model import Model
from engine.training.results import GradientCheck
from engine.training.subset import with_examples, with_parameters

FLOAT32_DRIFT = 0.05
"""Of the length of the gradient: float32 may flip a unit that is next to its kink, but may not lose the direction."""


def confirm(problem: Problem, model: Model, parameters: Array, examples: Examples, step: int, epoch: int) -> GradientCheck:
    """Check the gradient that `model` has found for these examples."""
    live = on_batch(problem, model.named(parameters), examples)
    try:
        if model.dtype == np.float64:
            gradient, drift = model.gradient, 0.0
        else:
            gradient = in_float64(live)
            drift = distance(model.gradient, gradient)
        claims = {f"d{name}": value for name, value in model.named(gradient).items()}
        report = check(live, claims, seed=step)
    except EngineError as error:
        return GradientCheck(step, epoch, "inconclusive", 0.0, error.message)
    scale = float(np.abs(gradient).max(initial=0.0)) or 1.0
    error_size = max(each.max_error for each in report.gradients) / scale
    status, reason = report.status, why(report)
    error_size = inf if isnan(error_size) else error_size
    if drift > FLOAT32_DRIFT and status in ("agrees", "kink"):
        status, reason = "inconclusive", f"float32 is {drift:.0%} off the same gradient in float64: train with float64"
    return GradientCheck(step, epoch, status, error_size, reason)


def on_batch(problem: Problem, parameters: dict[str, Array], examples: Examples) -> Problem:
    """The problem at this point of the run, on one batch."""
    live = with_parameters(problem, {name: value.astype(np.float64) for name, value in parameters.items()})
    if problem.network is None:
        return live
    X, Y = (problem.network.rows(problem.leaves[name])[examples] for name in ("X", "Y"))
    return with_examples(live, X, Y)


def in_float64(live: Problem) -> Array:
    """The gradient as the same loop finds it in float64, whose rounding no check mistakes for an error."""
    assert live.network is not None
    twin = DenseNetwork(live)
    twin.learn(twin.view(twin.initial), slice(0, live.network.examples))
    return twin.gradient


def distance(gradient: Array, reference: Array) -> float:
    """‖g − r‖ / ‖r‖."""
    size = float(np.linalg.norm(reference))
    return float(np.linalg.norm(gradient - reference)) / size if size else 0.0


def why(report: CheckReport) -> str:
    """The first verdict that is as grave as the whole, in words."""
    verdict = next(each for each in report.gradients if each.status == report.status)
    if verdict.worst is None:
        return verdict.reason
    place = "".join(f"[{each}]" for each in verdict.worst.index)
    return (
        f"{verdict.name}{place} is {verdict.worst.submitted:.6g} by backpropagation, but {verdict.worst.numeric:.6g} by"
        " exact increments"
    )
