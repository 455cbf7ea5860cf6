"""What is said of a run that went wrong: what was not finite, and whether the learning rate can have done it."""

from __future__ import annotations

COST = "the cost is no longer finite"
GRADIENT = "the gradient is not finite"
UPDATE = "the gradient is finite, but the step it leads to is not"
VALIDATION = "the cost of the validation data is no longer finite"


def divergence(
    what: str, step: int, epoch: int, rate: float, *, from_the_start: bool = False, dtype: str = "float64"
) -> str:
    """`rate` is the learning rate of the last step before; `from_the_start`: the same examples give no finite
    numbers with the first parameters either."""
    said = f"diverged at step {step} (epoch {epoch}): {what}; "
    if not from_the_start:
        return said + f"lower the learning rate ({rate:g} now), for example to {rate / 10:g}"
    if dtype == "float32":
        return said + "with the first parameters it is not either, so float32 may be too narrow: try float64"
    return said + "with the first parameters it is not either, so a lower learning rate would not help"
