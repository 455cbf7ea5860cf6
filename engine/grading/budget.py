"""How much is done to find out what is wrong with one submission.

A mistake is looked for at every quantity before it that was not answered, and in every reading of those that were: where
nearly everything is wrong that multiplies, and says nothing. So what is played out is counted, and there is an end to it.
Steps are counted and not seconds, so that the same submission always gets the same grade.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

RECOMPUTED = 1
"""What computing one quantity anew counts for, in one reading of the answers."""
PLAYED = 1
"""What looking for all mistakes of the table at one quantity counts for."""
SCENE = 1
"""What computing everything anew in one reading counts for."""
MOST = 1_000
"""A student who errs here and there meets a fraction of it (tests/test_grading_budget.py)."""


NOT_LOOKED_INTO = "not looked into: too much is wrong before it"


class Exhausted(Exception):
    """No more is to be played out; nobody outside of the diagnosis sees this."""


@dataclass(slots=True)
class Budget:
    """Of one submission."""

    left: float = MOST

    @property
    def exhausted(self) -> bool:
        return self.left <= 0

    def spend(self, count: float = RECOMPUTED) -> None:
        self.left -= count
        if self.left <= 0:
            raise Exhausted


UNLIMITED = Budget(inf)
"""Where nothing was submitted, such as to tell the mistakes of a problem apart."""
