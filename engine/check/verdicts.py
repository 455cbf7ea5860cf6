"""From a claimed gradient and an estimate of it to a verdict. Never a bare boolean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from engine.check.estimates import BEYOND_SENSE, ROUNDING, UNDERFLOW, Estimate, extent, largest
from engine.check.increments import Kink
from engine.check.noise import Noise
from engine.ops.row import Array

Status = Literal["agrees", "disagrees", "kink", "inconclusive"]
SEVERITY: tuple[Status, ...] = ("disagrees", "inconclusive", "kink", "agrees")
TOO_WIDE = 1e-3
"""An error bound beyond this part of a gradient says nothing of it."""
SAME = 1e-6
"""Relative to the largest entry: what is so near is taken for the same."""
NOISY = 8
"""Times what rounding was seen to do."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The entry that is furthest beyond its bound (for random directions, the direction)."""

    index: tuple[int, ...]
    submitted: float
    numeric: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of one gradient."""

    name: str
    status: Status
    max_error: float
    error_bound: float
    worst: Worst | None = None
    disagreeing: int = 0
    """Entries (or directions) that are beyond their bounds."""
    kinks: tuple[Kink, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check says of a problem: the gravest verdict is that of the whole."""

    status: Status
    method: str
    gradients: tuple[Verdict, ...]
    coordinates: int
    evaluations: int
    step: float | None
    seed: int | None
    seconds: float


class Certificate(NamedTuple):
    """How a key was confirmed."""

    method: str
    status: Status
    max_error: float
    """Relative to the largest entry of a gradient, or of those that it is computed from."""
    coordinates: int
    kinks: tuple[Kink, ...] = ()
    reason: str = ""


def gravest(statuses: Iterable[Status]) -> Status:
    return min(statuses, key=SEVERITY.index)


def judge(
    name: str,
    claim: Array,
    estimate: Estimate,
    *,
    scale: float,
    tolerance: float,
    noise: Noise,
    apart: float | None = None,
    slack: Array | float = 0.0,
) -> Verdict:
    """Compare entry by entry.

    An entry agrees within |D(h) − D(2h)| + 64·eps·scale + tolerance·max|numeric|, where `scale` is the largest of this
    gradient and of those that it is computed from. At a kink it must lie, within that bound, between its one-sided
    differences. Where a gradient is so small beside that scale that the bound says nothing of it, the bound is its own
    64·eps·max|numeric|, and beyond that what `noise` finds rounding to do to it; what lies between is inconclusive.
    `apart` is the largest difference between claim and estimate, where it is known, and `slack` is added to the bound.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        submitted = estimate.project(claim)
        apart = estimate.apart(submitted) if apart is None else apart
    numeric, spread, kinked = estimate.numeric, estimate.spread, estimate.kinked
    any_kink = bool(kinked.any())
    own = estimate.size
    scale = max(scale, own)
    rounding = ROUNDING * scale + summed_rounding(claim, estimate) + UNDERFLOW
    bound = spread + (rounding + tolerance * own + slack)
    if not any_kink:
        least_bound, largest_bound = extent(bound)
        if apart <= least_bound and largest_bound <= TOO_WIDE * own:  # the common case: within a bound that says much
            return Verdict(name, "agrees", apart, largest_bound)
    with np.errstate(invalid="ignore", over="ignore"):
        submitted, numeric, spread, kinked, bound = map(np.atleast_1d, (submitted, numeric, spread, kinked, bound))
        if any_kink:
            numeric = np.where(kinked, np.clip(submitted, estimate.low, estimate.high), numeric)
        error = np.abs(submitted - numeric)
    smooth = ~kinked if estimate.directions is None else np.asarray(not any_kink)
    bound = np.broadcast_to(bound, error.shape)
    sound = np.isfinite(error + bound)
    error = np.where(sound, error, 0.0)

    status: Status = "kink" if any_kink else "agrees"
    reason = ""
    wrong = error > bound
    if wrong.any():  # unless rounding alone does as much: products that cancel are larger than what is left of them
        bound = bound + np.where(kinked, 0.0, NOISY * noise(smooth))
        wrong = error > bound
    if wrong.any():
        status, reason = "disagrees", "" if any_kink or not sound.all() else common_error(submitted, numeric)
    elif not sound.all():
        status, reason = "inconclusive", "not every entry is finite: a derivative or a difference overflows there"
    elif is_hidden(error, spread + (ROUNDING + tolerance) * own, kinked, rounding, own, partial(noise, smooth)):
        status, reason = "inconclusive", "this gradient is so small beside what it is computed from that rounding hides it"
    elif (~kinked & (spread > TOO_WIDE * scale) & (error > 0.0)).any():
        status, reason = "inconclusive", "differences with steps h and 2h are too far apart to tell: try a smaller step"

    at = np.unravel_index(int(np.argmax(np.where(wrong, error - bound, -1.0) if wrong.any() else error)), error.shape)
    place = tuple(int(each) for each in at) if np.ndim(estimate.numeric) else ()
    return Verdict(
        name=name,
        status=status,
        max_error=largest(error[sound]) if sound.any() else np.nan,
        error_bound=float(bound[at]),
        worst=Worst(place, float(submitted[at]), float(numeric[at])) if status == "disagrees" else None,
        disagreeing=int(wrong.sum()),
        kinks=tuple(sorted(estimate.kinks)) if any_kink else (),
        reason=reason,
    )


def sensible(verdict: Verdict, scale: float) -> Verdict:
    """No error is told where no method can tell one."""
    if verdict.status != "disagrees" or scale <= BEYOND_SENSE:
        return verdict
    reason = f"gradients here are larger than {BEYOND_SENSE:.0e}: no step is small beside such numbers"
    return replace(verdict, status="inconclusive", reason=reason, worst=None, disagreeing=0)


def common_error(submitted: Array, numeric: Array) -> str:
    """What is wrong in the same way with all entries, if anything is."""
    size = largest(numeric)
    if not submitted.any():
        return "all entries are 0" if submitted.size > 1 else ""
    with np.errstate(all="ignore"):  # of sums of squares that are infinite, there is no factor
        factor = float(np.vdot(submitted, numeric) / np.vdot(numeric, numeric)) if size else 0.0
    if factor and np.isfinite(factor) and largest(submitted - factor * numeric) <= SAME * abs(factor) * size:
        if abs(factor + 1.0) <= SAME:
            return "the sign is flipped"
        return f"all entries are {factor:.6g} times the right ones" if numeric.size > 1 else ""
    turned = submitted.T
    if turned.shape == numeric.shape and size and largest(turned - numeric) <= SAME * size:
        return "transposed it would agree"
    return ""


def summed_rounding(claim: Array, estimate: Estimate) -> Any:
    """What rounding may do to a sum along a random direction, one number a direction; 0 for single coordinates."""
    if estimate.directions is None:
        return 0.0
    weights = np.abs(estimate.directions).reshape(len(estimate.directions), -1)
    return ROUNDING * (weights @ np.abs(claim).ravel())


def is_hidden(error: Array, own_bound: Array, kinked: Array, rounding: Any, own: float, noise: Callable[[], float]) -> bool:
    """Whether only the size of other gradients excuses an error: it is beyond this one's own rounding, and its noise."""
    if not np.any(rounding > TOO_WIDE * own):
        return False
    excused = ~kinked & (error > own_bound)
    return bool(excused.any() and (excused & (error > own_bound + NOISY * noise())).any())
