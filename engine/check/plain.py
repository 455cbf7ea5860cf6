"""The short way to a certificate, for what is plain: smooth where it is, of ordinary size, and right.

The gradients of all nodes are compared side by side, as one vector, because on small problems what takes time is going from
node to node. This can only agree. Whatever is not plain is left to `engine.check.certificate`: kinks, infinite derivatives,
and every difference between the two methods, to be excused or to be an alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import prod
from operator import itemgetter

import numpy as np

from engine.check.estimates import BEYOND_SENSE, LEEWAY, apart
from engine.check.few import MOST, numbers_of_few
from engine.check.short_way.entrance import numbers_of_stack
from engine.check.short_way.stack import Stack
from engine.check.verdicts import Certificate
from engine.graph.graph import UNCHANGED
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

SMALL = 25_000
"""Numbers of a tensor that are compared together with those of others."""


def plain_certificate(problem: Problem, run: Run | None, gradients: Mapping[str, Array]) -> Certificate | None:
    """With the largest error relative to the largest entry of its own gradient; None where it is not plain that all are
    right. Without a run, no more of it is computed than is needed."""
    names = tuple(gradients)
    if not names or (run and run.changes is not UNCHANGED):
        return None
    asked = Asked.of(problem, names)
    with np.errstate(all="ignore"):
        found = None if asked.stack is None else numbers_of_stack(problem, run, asked.stack)
        if found is not None:
            for name, factor in asked.scaled:
                found[name] = found[name] * factor
            errors, sizes = compared(found, gradients, asked)
        elif asked.count <= MOST:
            numeric = numbers_of_few(run or problem.run(), names)
            if numeric is None:
                return None
            errors, sizes = by_parts([numeric, *gradients.values()], asked.starts)
        else:
            return None
    worst = 0.0
    for error, size in zip(errors, sizes, strict=True):
        if not (error <= LEEWAY * size and size < BEYOND_SENSE):
            return None
        if error > worst * size:
            worst = error / size
    return Certificate("increment", "agrees", worst, asked.count)


def compared(found: Mapping[str, Array], gradients: Mapping[str, Array], asked: Asked) -> tuple[list[float], list[float]]:
    """max|claim − numeric| and max|numeric|: of large tensors each for itself, and of all others together."""
    errors, sizes = by_parts(asked.pick(found) + asked.pick(gradients), asked.small_starts) if asked.small else ([], [])
    for name in asked.large:
        error, size = apart(found[name], gradients[name])
        errors.append(error)
        sizes.append(size)
    return errors, sizes


def by_parts(both: Sequence[Array], starts: Array) -> tuple[list[float], list[float]]:
    """The same of each part: of numeric gradients and, after them, as many claimed ones, all side by side in one vector."""
    numbers = np.concatenate(both, axis=None)
    half = numbers.size // 2
    claims = numbers[half:]
    claims -= numbers[:half]
    np.abs(numbers, out=numbers)
    largest = np.maximum.reduceat(numbers, starts).tolist()
    parts = len(starts) // 2
    return largest[parts:], largest[:parts]


class Asked:
    """What is known of the gradients that are asked for before a number is seen, such as where they stand in one vector;
    kept with the graph."""

    def __init__(self, problem: Problem, names: tuple[str, ...]) -> None:
        graph = problem.graph
        sizes = {name: prod(graph[name].shape) for name in names}
        self.stack = Stack.of(problem, names)
        self.count = sum(sizes.values())
        self.starts = starts_of_both(list(sizes.values()))
        self.small = tuple(name for name, size in sizes.items() if size <= SMALL)
        self.small_starts = starts_of_both([sizes[name] for name in self.small])
        self.pick = tuple_of(self.small)
        self.large = tuple(name for name, size in sizes.items() if size > SMALL)
        self.scaled = [(name, factor) for name, factor in graph.factors.items() if name in names]

    @classmethod
    def of(cls, problem: Problem, names: tuple[str, ...]) -> Asked:
        return problem.graph.kept(("asked", names), lambda: cls(problem, names))


def tuple_of(names: tuple[str, ...]) -> Callable[[Mapping[str, Array]], tuple[Array, ...]]:
    """What takes the arrays of some names."""
    if len(names) > 1:
        return itemgetter(*names)  # one would come without a tuple
    return lambda arrays: tuple([arrays[name] for name in names])


def starts_of_both(sizes: Sequence[int]) -> Array:
    """Where parts start in a vector, and in another one behind it."""
    return np.array(list(accumulate([*sizes, *sizes], initial=0))[:-1])
