"""What grading would hold and tell at once, which small requests can make large: counted before anything is graded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

from engine import Policy
from engine.errors import TooLarge
from engine.problems import Problem
from engine.quantities import find, shape_of
from service.operations.allowance import Allowance

ITEM = 8
"""An item's names, points and words take as much room as so many numbers."""


def refuse_held(problem: Problem, policy: Policy, sheets: Iterable[Any], allowance: Allowance) -> None:
    """TooLarge where the Jacobians to grade by, or all items of the answer, are more than it may hold."""
    sizes: dict[str, int] = {}
    known = known_sizes(problem, policy.ask or problem.asked, policy, sizes)
    asked = set(known)
    shown = sum(known.values()) if policy.feedback == "full" else 0
    told = 0
    for sheet in sheets:
        answered = known_sizes(problem, sheet, policy, sizes) if isinstance(sheet, Mapping) else {}
        more = [name for name in answered if name not in asked]
        told += ITEM * (len(asked) + len(more)) + shown
        told += sum(sizes[name] for name in more) if policy.feedback == "full" else 0
        refuse(told, "the answer could hold", "ask for fewer quantities, or grade fewer submissions at once", allowance)
    held = sum(size for name, size in sizes.items() if "/" in name)
    refuse(held, "the Jacobians to grade by hold", "ask for fewer of them", allowance)


def known_sizes(problem: Problem, names: Iterable[Any], policy: Policy, sizes: dict[str, int]) -> dict[str, int]:
    """Of the named quantities that there are; every name is looked up once."""
    found = {}
    for name in names:
        name = policy.aliases.get(name, name) if isinstance(name, str) else ""
        if name not in sizes:
            quantity = find(problem, name)
            sizes[name] = prod(shape_of(problem, quantity)) if quantity else 0
        found[name] = sizes[name]
    return found


def refuse(numbers: int, what: str, advice: str, allowance: Allowance) -> None:
    if numbers > allowance.numbers:
        raise TooLarge(f"{what} {numbers:,} numbers; {allowance.numbers:,} is the most: {advice}")
