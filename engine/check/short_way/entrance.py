"""The numbers of a dense network by the short way, where it can be gone: see `numbers`."""

from __future__ import annotations

import numpy as np

from engine.check.short_way.endings import REACH
from engine.check.short_way.guard import is_guarded
from engine.check.short_way.numbers import StackNumbers
from engine.check.short_way.sample import no_sample, tensors
from engine.check.short_way.stack import Stack
from engine.graph.graph import UNCHANGED
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

SAMPLED = 2
"""Tensors of which a check moves a coordinate alone; a certificate, of which there are many, does so of one."""


def numbers_of_stack(
    problem: Problem, run: Run | None, stack: Stack, seed: int = 0, sampled: int = 1
) -> dict[str, Array] | None:
    """∂J/∂node for every name that the stack is asked for; None where that is not plain: near a kink, or far from ordinary.

    Without a run, no more of it is computed than is needed. The seed draws the coordinates that are moved alone, of so many
    tensors.
    """
    if run and run.changes is not UNCHANGED:
        return None
    numbers = StackNumbers(problem, stack, run.values if run else stack.values(problem))
    found = numbers.found()
    return stack.laid_out(found) if found is not None and is_guarded(numbers, found, stack.sample(seed, sampled)) else None


def evaluations_of_stack(stack: Stack) -> int:
    """How many differences that takes in a check: of all units in all examples, along the directions, of coordinates."""
    units = sum(layer.examples * layer.units for layer in stack.layers)
    guarded = len(tensors(stack.layers))
    return units + bool(guarded) + min(guarded, SAMPLED)


def numbers_of_examples(problem: Problem, run: Run) -> tuple[Array, list[Array]] | None:
    """Which examples are clear of kinks, and for these ∂J/∂Z of every layer, one example a row.

    None if all are clear, or none is, or the short way cannot be gone.
    """
    stack = Stack.of(problem, Stack.tensors(problem))
    if stack is None or run.changes is not UNCHANGED:
        return None
    bent = [stack.network.rows(run.values[layer.Z]) for layer in stack.layers if layer.has_kinks]
    clear = np.logical_and.reduce([(np.abs(Z) > REACH).all(axis=1) for Z in bent])
    if not np.any(clear) or np.all(clear):
        return None
    with np.errstate(all="ignore"):
        numbers = StackNumbers(problem, stack, run.values, np.flatnonzero(clear))
        found = numbers.found()
        if found is None or not is_guarded(numbers, found, no_sample(stack.layers)):
            return None
    return clear, [found[layer.logits] for layer in stack.layers]
