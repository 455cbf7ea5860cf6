"""What a check costs, by its method, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from engine.check.differences import MULTIPLES
from engine.errors import TooLarge
from engine.limits import Limits
from engine.problems import Problem

DIRECTIONS = 4
CENTRAL_PASSES, COMPLEX_PASSES = 4, 2
"""Of a coordinate."""
FORWARD_OVERHEAD = 40_000
"""Elementary operations that could be done while Python passes one node of a forward pass."""


def refuse_work(limits: Limits, operations: float, advice: str) -> None:
    """Refuse what would take too long, before it begins."""
    if operations > limits.check_operations:
        raise TooLarge(
            f"this check would cost about {operations:.1e} operations; {limits.check_operations:.1e} is the most: {advice}"
        )


def check_work(problem: Problem, evaluations: Mapping[str, int], overhead: int = 0) -> float:
    """So many evaluations of what depends on each node; with an overhead for every node passed through in Python."""
    operations = 0.0
    for name, count in evaluations.items():
        behind = problem.graph.descendants(problem.graph.position(name))
        operations += count * (sum(problem.graph.work[each] for each in behind) + overhead * len(behind))
    return operations


def increment_work(problem: Problem, sizes: Mapping[str, int]) -> float:
    return check_work(problem, {name: len(MULTIPLES) * size for name, size in sizes.items()})


def directional_work(problem: Problem, sizes: Mapping[str, int]) -> float:
    return check_work(problem, dict.fromkeys(sizes, len(MULTIPLES) * DIRECTIONS))


def passes_work(problem: Problem, sizes: Mapping[str, int], passes: int) -> float:
    return check_work(problem, {name: passes * size for name, size in sizes.items()}, overhead=FORWARD_OVERHEAD)


class Work(NamedTuple):
    """What so many entries of each node cost, in elementary operations, and what to do where that is too much."""

    operations: Callable[[Problem, Mapping[str, int]], float]
    advice: str

    def refuse(self, problem: Problem, sizes: Mapping[str, int]) -> None:
        refuse_work(problem.limits, self.operations(problem, sizes), self.advice)


WORK: dict[str, Work] = {
    "increment": Work(increment_work, "take a smaller problem, or check along random directions"),
    "directional": Work(directional_work, "take a smaller problem"),
    "central": Work(partial(passes_work, passes=CENTRAL_PASSES), "method 'increment' costs less"),
    "complex_step": Work(partial(passes_work, passes=COMPLEX_PASSES), "method 'increment' costs less"),
}
"""By method."""
