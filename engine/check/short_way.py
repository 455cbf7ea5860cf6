"""The numbers of a dense network by the short way, where it can be gone: see `engine.check.stack_numbers`."""

from __future__ import annotations

import numpy as np

from engine.check.endings import REACH
from engine.check.stack import Stack
from engine.check.stack_numbers import StackNumbers
from engine.check.stack_sample import is_confirmed
from engine.graph.graph import UNCHANGED
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem


def numbers_of_stack(
    problem: Problem, run: Run | None, names: tuple[str, ...], seed: int | None = None
) -> dict[str, Array] | None:
    """∂J/∂node for every name; None where it is no such network, or not plain: near a kink, or far from ordinary.

    Without a run, no more of it is computed than is needed. With a seed, single coordinates are moved alone, too.
    """
    stack = Stack.of(problem)
    if stack is None or (run and run.changes is not UNCHANGED):
        return None
    values = run.values if run else stack.values(problem)
    numbers = StackNumbers(problem, stack, values)
    found = numbers.of(names)
    return found if found is None or seed is None or is_confirmed(numbers, found, seed) else None


def numbers_of_examples(problem: Problem, run: Run) -> tuple[Array, list[Array]] | None:
    """Which examples are clear of kinks, and for these ∂J/∂Z of every layer, one example a row.

    None if all are clear, or none is, or the short way cannot be gone.
    """
    stack = Stack.of(problem)
    if stack is None or run.changes is not UNCHANGED:
        return None
    bent = [stack.network.rows(run.values[layer.Z]) for layer in stack.layers if layer.has_kinks]
    clear = np.logical_and.reduce([(np.abs(Z) > REACH).all(axis=1) for Z in bent])
    if not np.any(clear) or np.all(clear):
        return None
    with np.errstate(all="ignore"):
        numbers = StackNumbers(problem, stack, run.values, np.flatnonzero(clear))
        D = numbers.by_logits()
        if D is None or not numbers.is_guarded(numbers.by_products(D, set(problem.graph.differentiable))):
            return None
    return clear, D
