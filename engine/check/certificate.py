"""The certificate of a key: every gradient that could mark someone is confirmed by exact increments first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from engine.check.checking import estimate, reported
from engine.check.estimates import BELOW_SENSE, BEYOND_SENSE, LEEWAY, Estimate, Estimates, extent, largest
from engine.check.noise import Rounding
from engine.check.plain import plain_certificate
from engine.check.scales import scales_of
from engine.check.verdicts import TOO_WIDE, Certificate, Verdict, gravest, judge, sensible
from engine.check.ways import way_of
from engine.errors import KeyRefuted
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem

MEANINGFUL = 1e250
"""Beyond, a gradient is as good as infinite: steps small enough for it cannot be told from 0."""


class Confirm(Protocol):
    """What `certify` does, by whatever means."""

    def __call__(
        self, problem: Problem, run: Run | None = None, *, gradients: Mapping[str, Array] | None = None
    ) -> Certificate: ...


def certify(problem: Problem, run: Run | None = None, *, gradients: Mapping[str, Array] | None = None) -> Certificate:
    """Confirm gradients by the names of their nodes, or all of a problem; KeyRefuted if two methods disagree about one."""
    if gradients is not None and not gradients:
        return Certificate("increment", "agrees", 0.0, 0)
    if gradients is None:
        run = run or problem.run()
        gradients = run.gradients
    plain = plain_certificate(problem, run, gradients)
    if plain is not None:
        return plain
    run = run or problem.run()
    with np.errstate(all="ignore"):  # what is not finite is looked for, and told
        for look in looks(problem, run, tuple(gradients)):
            method, found = look
            verdicts, scales, infinite = judged(problem, run, gradients, found)
            if all(each.status != "disagrees" for each in verdicts):
                break
    for place, (verdict, scale) in enumerate(zip(verdicts, scales, strict=True)):
        if verdict.status == "kink" and method == "directional":
            reason = "this is too large to be confirmed entry by entry, and at a kink directions tell too little"
            verdicts[place] = replace(verdict, status="inconclusive", reason=reason)
        elif verdict.status == "disagrees" and scale > BEYOND_SENSE:
            verdicts[place] = sensible(verdict, scale)
        elif verdict.status == "disagrees" and smallest(run) < BELOW_SENSE:
            reason = f"there are numbers here smaller than {BELOW_SENSE:.0e}: their products are lost in 64 bits"
            verdicts[place] = replace(verdict, status="inconclusive", reason=reason)
        elif verdict.status == "disagrees":
            # No numbers: they were computed from the key, and a check tells them to whoever may see them.
            raise KeyRefuted(
                f"the gradient {verdict.name} could not be confirmed: two independent methods disagree about it"
            )
    status = gravest(each.status for each in verdicts)
    return Certificate(
        method=method,
        status=status,
        max_error=max(each.max_error / (scale or 1.0) for each, scale in zip(verdicts, scales, strict=True)),
        coordinates=found.coordinates,
        kinks=tuple(sorted({kink for each in verdicts for kink in each.kinks})),
        reason=next((each.reason for each in verdicts if each.status == status), "") or unconfirmed(infinite),
    )


def looks(problem: Problem, run: Run, names: Sequence[str]) -> Iterator[tuple[str, Estimates]]:
    """Entry by entry; or where that is too much along random directions, which miss no large error either, but at kinks.

    After the short way comes the long one, if that is not too much: no alarm before both were gone. (Directions notice less
    than either, so they take back none.)
    """
    affordable = min(problem.limits.certificate_operations, problem.limits.check_operations)
    way = way_of(problem, run, names, None, 0)
    if way.operations > affordable:
        yield "directional", estimate(problem, run, names, "directional", None, 0)
        return
    yield "increment", reported(problem, way.estimates())
    if way.is_short:
        way = way_of(problem, run, names, None, 0, short=False)
        if way.operations <= affordable:
            yield "increment", reported(problem, way.estimates())


def judged(
    problem: Problem, run: Run, gradients: Mapping[str, Array], found: Estimates
) -> tuple[list[Verdict], list[float], list[str]]:
    """A verdict on every gradient, the size of what it is made of, and those of which entries are infinite."""
    entries = {name: each for name, each in found.by_name.items() if each.directions is None}
    apart = {name: each.apart(gradients[name]) for name, each in entries.items()}
    far = {name for name in gradients if name not in entries or not is_near(apart[name], entries[name].largest)}
    sizes = {name: entries[name].largest if name in entries else 0.0 for name in gradients}
    scales = scales_of(run, sizes | {name: max(sizes[name], largest(gradients[name])) for name in far})
    rounding, verdicts, infinite = Rounding(problem, run), [], []
    for name, gradient in gradients.items():
        terms: dict[str, Any] = {"scale": scales[name], "tolerance": LEEWAY, "noise": rounding.of(name)}
        numeric = found.by_name[name]
        if name not in far:
            verdicts.append(judge(f"d{name}", gradient, numeric, **terms, apart=apart[name]))
            continue
        least, most = extent(gradient)
        if np.isnan(least):
            reason = f"d{name} is not a number here"
            verdicts.append(Verdict(f"d{name}", "inconclusive", 0.0, 0.0, reason=reason))
            continue
        if name in entries and not (least > -MEANINGFUL and most < MEANINGFUL):
            if is_unfounded(gradient, numeric):
                verdicts.append(Verdict(f"d{name}", "disagrees", np.inf, 0.0))
                continue
            gradient, numeric = finite_part(gradient, numeric)
            infinite.append(f"d{name}")
        verdicts.append(judge(f"d{name}", gradient, numeric, **terms))
    return verdicts, [scales[name] for name in gradients], infinite


def unconfirmed(infinite: Sequence[str]) -> str:
    """What is said of entries that are null, and that no difference tends to."""
    return f"{infinite[0]} is infinite in places, which nothing can confirm" if infinite else ""


def is_near(apart: float, size: float) -> bool:
    """Whether a gradient is as large as its estimate and nowhere infinite, so that it need not be looked at itself."""
    return apart <= LEEWAY * size < MEANINGFUL * LEEWAY


def smallest(run: Run) -> float:
    """The size of the smallest number that is not 0."""
    sizes = (np.abs(value) for value in run.values[: len(run.graph.nodes)])
    return min(float(np.min(size, initial=np.inf, where=size > 0.0)) for size in sizes)


def is_unfounded(gradient: Array, found: Estimate) -> bool:
    """Whether an entry is infinite where the differences tend to a number."""
    infinite = ~(np.abs(gradient) < MEANINGFUL)
    size = np.maximum(np.abs(found.numeric), np.maximum(np.abs(found.low), np.abs(found.high)))
    return bool((infinite & (size < MEANINGFUL) & (found.spread <= TOO_WIDE * size)).any())


def finite_part(gradient: Array, found: Estimate) -> tuple[Array, Estimate]:
    """Infinite entries (dA of a saturated head) are reported as such and mark nobody: nothing to confirm there."""
    infinite = ~(np.abs(gradient) < MEANINGFUL)

    def without(x: Array) -> Array:
        return np.where(infinite, 0.0, x)

    columns: dict[str, Any] = {name: without(getattr(found, name)) for name in ("numeric", "spread", "low", "high")}
    return without(gradient), replace(found, **columns, kinked=found.kinked & ~infinite)
