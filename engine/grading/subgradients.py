"""What is right where there is no derivative: any subgradient, by the rule of a check, and not the engine's choice alone.

The bounds are differenced only for an answer that is not right without them, and only under a certificate that found kinks:
with all others, nobody waits for them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.check.checking import estimate
from engine.check.estimates import Estimate, largest
from engine.check.noise import silent
from engine.check.verdicts import judge
from engine.grading.answers import Answer
from engine.grading.compare import Tolerance
from engine.grading.written import written
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

COMPUTED = 1e-6
"""How exact a computed answer is taken to be, in relation to its largest entry: the leeway of a check."""
LEAST_DIGITS = 2
SEED = 0
"""The same request gets the same grade."""


class Reading(NamedTuple):
    """Which entries are right, and the gradient that they are right for."""

    cells: Array
    value: Array


class Subgradients:
    """Of one key, by the node's name, from when they are first needed."""

    def __init__(self, problem: Problem, run: Run) -> None:
        self.problem = problem
        self.run = run
        self.bounds: dict[str, Estimate] = {}

    def read(self, name: str, answer: Answer, truth: Array, cells: Array, tolerance: Tolerance) -> Reading:
        """Entries at a kink are right anywhere between their one-sided derivatives, if all are right together.

        An end of that range is taken exactly where it reads as what was written, as the truth is.
        """
        bounds = self.bounds_of(name)
        open_to = bounds.kinked & ~cells & np.isfinite(bounds.low) & np.isfinite(bounds.high)
        if not open_to.any():
            return Reading(cells, truth)
        submitted = answer.values.reshape(truth.shape)
        value, found = truth, cells
        for chosen in (bounds.low, bounds.high, np.clip(submitted, bounds.low, bounds.high)):
            fits = open_to & ~found & tolerance.right(answer, np.where(open_to, chosen, truth))
            value, found = np.where(fits, chosen, value), found | fits
        if found.all() and not self.together(name, answer, value, found & ~cells):
            return Reading(cells, truth)
        return Reading(found, value)

    def together(self, name: str, answer: Answer, value: Array, chosen: Array) -> bool:
        """Whether the entries agree along directions too: the parts of a maximum sum to 1, as far as their digits tell."""
        found = estimate(self.problem, self.run, [name], "directional", None, SEED).by_name[name]
        assert found.directions is not None
        unit = written(answer, LEAST_DIGITS).unit.reshape(value.shape)
        slack = np.where(chosen, np.maximum(unit, COMPUTED * largest(value)), 0.0)
        reach = np.abs(found.directions).reshape(len(found.directions), -1) @ slack.ravel()
        found.spread = found.spread + reach
        scale = max(largest(value), largest(found.numeric))
        verdict = judge(f"d{name}", value, found, scale=scale, tolerance=COMPUTED, noise=silent)
        return verdict.status != "disagrees"

    def bounds_of(self, name: str) -> Estimate:
        if name not in self.bounds:
            self.bounds[name] = estimate(self.problem, self.run, [name], "increment", None, SEED).by_name[name]
        return self.bounds[name]
