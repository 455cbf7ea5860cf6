"""Differences by exact increments, with their spread and their kinks: what all methods that use increments share.

A method says how the output moves for given steps (`Moves`); here those moves become a derivative that can be trusted:
central, at two step lengths, with one-sided hulls at kinks, and with smaller steps where the first were too coarse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.check.estimates import EPSILON
from engine.check.increments import Kink, Kinks
from engine.graph.run import Run
from engine.ops.row import Array, Side

MULTIPLES = (1.0, -1.0, 2.0, -2.0)
SIDES: tuple[Side, ...] = ("left", "right", "chosen")
STEP = 1e-12
"""So small that only what rounding could have put on the wrong side of a kink is taken to lie on it."""
LARGEST = 1e100
TINY = 1e-150
"""An entry this small is taken as 0, lest its steps vanish."""
VANISHING = 1e-290
EVEN = 1e-4
"""Moves that are apart by less than this part of them are all but alike."""
TIGHT = 1e-13
"""A spread beyond this part of the largest difference asks for a smaller step."""
SHRINKS = (1e-8, 1e-16, 1e-32, 1e-64)
"""What the steps that are too coarse are multiplied with, again and again."""
COLUMNS = ("numeric", "spread", "kinked", "low", "high")

Moves = Callable[[Array, Side | None, Kinks | None], Array]
"""From steps (multiples, …) to the changes of the output, of the same shape: moves(steps, side, kinks)."""


@dataclass(slots=True)
class Differences:
    """The columns of an Estimate by name, and what they cost."""

    columns: dict[str, Array]
    kinks: set[Kink]
    evaluations: int


def natural_step(run: Run) -> float:
    """Small against 1, also after multiplication with the largest number of the run."""
    return STEP / min(max(run.largest_value, 1.0), LARGEST)


def steps_for(run: Run, name: str, step: float) -> Array:
    """The step of every entry of a node: in proportion to entries below 1, so that they never change sign."""
    shortcut = run.graph.shortcut
    if shortcut and run.graph.position(name) == shortcut.head:  # never out of the domain of the loss
        room = shortcut.fusion.room(run.values[shortcut.logits], shortcut.axis)
        return step * np.where(room < VANISHING, 1.0, room)  # without room the derivative is infinite, or its label is 0
    size = np.minimum(np.abs(run[name]), 1.0)
    return step * np.where(size < TINY, 1.0, size)


def difference(moves: Moves, h: Array, *, adapt: bool, scale: float = 0.0, first: Differences | None = None) -> Differences:
    """Derivatives from moves by ±h and ±2h. With `adapt`, steps that overflow or are too coarse are made smaller.

    `scale` is the size of what is already known of the same gradient; `first` is what these steps gave, where that is known.
    """
    total = 0
    for shrink in (*SHRINKS, 0.0):
        found = first or difference_once(moves, h)
        first = None
        total += found.evaluations
        numeric, spread = found.columns["numeric"], found.columns["spread"]
        largest = max(scale, float(np.abs(numeric[np.isfinite(numeric)]).max(initial=0.0)))
        coarse = ~np.isfinite(numeric) | ~(spread <= TIGHT * largest)
        if not adapt or not shrink or not coarse.any():
            break
        h = np.where(coarse, h * shrink, h)
    return Differences(found.columns, found.kinks, total)


def difference_once(moves: Moves, h: Array) -> Differences:
    steps = np.multiply.outer(MULTIPLES, h)
    kinks = Kinks(np.zeros(steps.shape, dtype=bool))
    with np.errstate(all="ignore"):
        moved = moves(steps, None, kinks)
        kinked = np.asarray(kinks.rows.any(axis=0))
        straight = {side: moves(steps, side, None) for side in SIDES} if kinked.any() else {}
        columns = columns_from(moved, straight, h, kinked)
    return Differences(columns, kinks.found, steps.size * (1 + len(straight)))


def difference_smooth(moves: Moves, h: Array) -> Differences | None:
    """The same where no kink is reached; None where one is."""
    steps = np.multiply.outer(MULTIPLES, h)
    kinks = Kinks(np.zeros(steps.shape, dtype=bool))
    with np.errstate(all="ignore"):
        moved = moves(steps, None, kinks)
        if kinks.rows.any():
            return None
        columns = columns_from(moved, {}, h, np.zeros(h.shape, dtype=bool))
    return Differences(columns, set(), steps.size)


def glance(moves: Moves, h: Array) -> Array | None:
    """Derivatives from moves by ±h alone; None where a kink or an overflow asks for a closer look."""
    steps = np.multiply.outer(MULTIPLES[:2], h)
    kinks = Kinks(np.zeros(steps.shape, dtype=bool))
    with np.errstate(all="ignore"):
        plus, minus = moves(steps, None, kinks)
        numeric = (plus - minus) / (2.0 * h)
    return None if kinks.rows.any() or not np.isfinite(numeric).all() else numeric


def columns_from(moved: Array, straight: Mapping[Side, Array], h: Array, kinked: Array) -> dict[str, Array]:
    """The central difference and |D(h) − D(2h)|; and at kinks the hull of everything that a derivative may be there.

    `straight` holds the same moves with all kinks made straight, one way or another: smooth, so their central differences
    are exact. Beside them stand the one-sided differences.
    """
    numeric, spread = central_pair(moved, h)
    if not straight:
        return {"numeric": numeric, "spread": spread, "kinked": kinked, "low": numeric, "high": numeric}
    slopes, spreads = zip(*(central_pair(each, h) for each in straight.values()), strict=True)
    hull = np.stack([moved[0] / h, -moved[1] / h, *slopes])
    return {
        "numeric": numeric,
        "spread": np.where(kinked, np.max(spreads, axis=0), spread),
        "kinked": kinked,
        "low": hull.min(axis=0),
        "high": hull.max(axis=0),
    }


def central_pair(moved: Array, h: Array) -> tuple[Array, Array]:
    """D(h) and |D(h) − D(2h)| from the moves by ±h and ±2h; or what their rounding may do where both ways lead as far, which
    tells of no slope less than that."""
    plus, minus, plus2, minus2 = moved
    D = (plus - minus) / (2.0 * h)
    spread = np.abs(D - (plus2 - minus2) / (4.0 * h))
    size = np.abs(plus)
    even = np.abs(plus - minus) < EVEN * size
    if even.any():
        spread = np.where(even, np.maximum(spread, EPSILON * size / h), spread)
    return D, spread
