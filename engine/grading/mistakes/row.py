"""What a row of the table of mistakes holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.grading.mistakes.scene import Scene
from engine.ops.row import Array
from engine.quantities import Quantity

COMMON = 1.5
"""The evidence that a common mistake needs, in decades: a dozen other answers would have been as likely."""
USUAL = 2.8


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misconception.

    `answers` gives what somebody with it answers for a quantity, computed in a scene from what they computed before; it
    gives nothing where the mistake makes no sense. An answer may have another shape than the quantity (a transposed one),
    and may overflow: who plays mistakes out looks away from NumPy's warnings.
    """

    code: str
    family: str
    """Mistakes of one family explain the same numbers in more or less special words."""
    message: str
    """For the student, one sentence."""
    answers: Callable[[Scene, Quantity], Iterable[Array]]
    special: int = 0
    """Of the rows of a family that explain an answer, the most special one is named."""
    travels: bool = False
    """Whether it is also looked for in quantities that were not answered, before the one that was."""
    evidence: float = USUAL
    """How unlikely a chance match must be, in decades, before the mistake is named."""
