"""Exact increments, by the way that costs least; what it costs is known before it is gone.

A dense network is differenced the short way where it is plain, a large one layer by layer, and all else entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.check.estimates import Estimates, exact
from engine.check.factored import FactoredCheck
from engine.check.guard import guard
from engine.check.methods import increment
from engine.check.noise import Rounding
from engine.check.short_way.entrance import SAMPLED, evaluations_of_stack, numbers_of_stack
from engine.check.short_way.stack import Stack
from engine.check.work import WORK, refuse_work
from engine.graph.run import Run
from engine.problems import Problem

GENERAL_COORDINATES = 300
"""Up to here every coordinate of a network is differenced one by one; beyond, by the factored form."""


@dataclass(frozen=True, slots=True)
class Way:
    operations: float
    advice: str
    estimates: Callable[[], Estimates]
    is_short: bool = False

    def refuse_excess(self, problem: Problem) -> None:
        refuse_work(problem.limits, self.operations, self.advice)


def way_of(problem: Problem, run: Run, names: Sequence[str], step: float | None, seed: int, *, short: bool = True) -> Way:
    """The seed draws the coordinates that a guard moves. Without `short`, not the short way of dense networks."""
    sizes = {name: run[name].size for name in names}
    count = sum(sizes.values())
    stack = Stack.of(problem, tuple(names)) if short and step is None else None
    if stack is not None:
        with np.errstate(all="ignore"):
            plain = numbers_of_stack(problem, run, stack, seed, SAMPLED)
        if plain is not None:
            by_name = {name: exact(plain[name]) for name in names}
            return Way(0.0, "", lambda: Estimates(by_name, count, evaluations_of_stack(stack)), is_short=True)
    advice = WORK["increment"].advice
    if problem.network is not None and step is None and count > GENERAL_COORDINATES:
        factored = FactoredCheck(problem, run)
        return Way(factored.operations(), advice, lambda: by_layers(factored, names, seed))
    operations = WORK["increment"].operations(problem, sizes)
    return Way(operations, advice, lambda: increment(problem, run, names, step, 0))


def by_layers(factored: FactoredCheck, names: Sequence[str], seed: int) -> Estimates:
    """The losses and the cost, which are no layer's, one by one."""
    problem, run = factored.problem, factored.run
    found = factored.estimates(names)
    evaluations = factored.evaluations + guard(factored, found, seed, Rounding(problem, run))
    rest = increment(problem, run, [name for name in names if name not in found], None, seed)
    by_name = {name: found[name] if name in found else rest.by_name[name] for name in names}
    return Estimates(by_name, sum(run[name].size for name in names), evaluations + rest.evaluations)


def by_increments(problem: Problem, run: Run, names: Sequence[str], step: float | None, seed: int) -> Estimates:
    """Exact increments, for every coordinate."""
    way = way_of(problem, run, names, step, seed)
    way.refuse_excess(problem)
    return way.estimates()
