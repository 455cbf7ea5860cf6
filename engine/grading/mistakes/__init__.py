"""The table of mistakes: misconceptions as changed rules. One row a mistake; everything else reads the table."""

from engine.grading.mistakes import activations, averages, chain, losses, products, updates
from engine.grading.mistakes.row import Mistake
from engine.grading.mistakes.scene import Scene

MISTAKES: dict[str, Mistake] = {
    row.code: row for family in (losses, averages, products, activations, chain, updates) for row in family.ROWS
}

__all__ = ["MISTAKES", "Mistake", "Scene"]
