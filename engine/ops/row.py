"""What a row of the table of ops holds: all that is known of one op.

Conventions that every row keeps, so that the machinery needs no special cases:

- `forward(*inputs, **attributes)` takes complex input too (the complex-step check), branching on the real part.
- `backward` has one rule an input: `rule(d, out, *inputs, **attributes)` with d = ∂J/∂out, returning ∂J/∂input *before*
  un-broadcasting, which happens in one place, in the backward walk.
- `increment(*pairs, **attributes)` takes pairs (x, Δx) and returns the exact difference f(x+Δx) − f(x), written without
  subtracting near-equal numbers. It shares no code with `backward`: it is the second oracle. Δx may carry leading axes
  that x lacks, one perturbation a row, so axes are always counted from the end. Δx is None where an input does not
  move; `aligned` ops get 0.0 there instead, and operands of equal rank. The difference has the shape of the result
  behind the leading axes, also where only a repeated operand moves.
- `kinks(*pairs, **attributes)` tells, entry by entry, where a perturbation reaches a point without a derivative. The
  increment of such an op takes `side`, see `ramp_increment`.
- `shape(*shapes, **attributes)` gives the result's shape before anything is computed, or raises ShapeMismatch.
- `formula` is Python with NumPy's names, so that tests can evaluate what students read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Rule = Callable[..., Array]
Side = Literal["left", "right", "chosen"]
"""Instead of the true difference, the linear one: at a kink with the slope on that side, or our subgradient."""


@dataclass(frozen=True, slots=True)
class Formula:
    """`value` and one `gradient` an input; {0}, {1}… stand for the inputs, {out} for the result, {d} for ∂J/∂out.

    {shape_of_0} is the first input's shape, and {count} how many of its entries make one of the result.
    """

    value: str
    gradient: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Op:
    """One row of the table."""

    name: str
    forward: Callable[..., Array]
    backward: tuple[Rule, ...]
    increment: Callable[..., Array]
    formula: Formula
    shape: Callable[..., Shape]
    summary: str
    """What it is, in a few words, for the catalog."""
    kinks: Callable[..., NDArray[np.bool_]] | None = None
    subgradient: str = ""
    """The derivative used at a kink, in words."""
    from_output: Rule | None = None
    """The rule as it is used by someone who was given the output and not the input: `rule(d, out, **attributes)`."""
    formula_by_rank: Mapping[tuple[int, ...], Formula] = field(default_factory=dict)
    """Other words for operands of other ranks, where there are any."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Keyword literals an expression may give, with their defaults; `...` marks one that must be given."""
    check: Callable[..., None] | None = None
    """Refuses attributes outside their range: check(*shapes, **attributes)."""
    aligned: bool = False
    variadic: bool = False
    in_expressions: bool = True
    """False for ops that only the builders of networks use (an affine layer with its conventions)."""

    def formula_for(self, *shapes: Shape) -> Formula:
        return self.formula_by_rank.get(tuple(len(shape) for shape in shapes), self.formula)

    @property
    def arity(self) -> int:
        return len(self.backward)

    def rule(self, position: int) -> Rule:
        """The backward rule towards one input; a variadic op has one rule that is told which input is meant."""
        if not self.variadic:
            return self.backward[position]
        shared = self.backward[0]

        def towards(d: Array, out: Array, *inputs: Array, **attributes: Any) -> Array:
            return shared(d, out, *inputs, position=position, **attributes)

        return towards
