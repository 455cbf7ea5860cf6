"""Which mistake explains an answer.

Every row of the table of mistakes is played out where it makes sense: at the asked quantity, and, for mistakes that
travel, at quantities before it that were not answered. A row explains an answer if its numbers match and a chance match
is unlikely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.grading.answers import COMPUTED_DIGITS, Answer
from engine.grading.compare import Tolerance, alike
from engine.grading.mistakes import MISTAKES, Mistake, Scene
from engine.ops.row import Array
from engine.quantities import Quantity, compute, pin, understand

MOST_ALTERNATIVES = 3
EQUAL = 1e-9
"""Two tensors whose entries differ by less than this part of the largest are one answer."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row that explains an answer: where the mistake was made, with its value there and at the asked quantity."""

    mistake: Mistake
    site: Quantity
    at_site: Array
    value: Array


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The mistake that explains an answer, or the few that might."""

    named: Explanation | None = None
    alternatives: tuple[Explanation, ...] = ()


def diagnose(answer: Answer, quantity: Quantity, truth: Array, scenes: list[Scene], tolerance: Tolerance) -> Diagnosis:
    """Name a mistake if all rows that explain the answer are of one family, else offer at most three."""
    found: dict[str, Explanation] = {}
    for scene in scenes:
        for explanation in candidates(quantity, truth, scene):
            code = explanation.mistake.code
            if code not in found and explains(answer, explanation, truth, tolerance):
                found[code] = explanation
        if found:
            break
    best: dict[str, Explanation] = {}
    for explanation in found.values():
        family = explanation.mistake.family
        if family not in best or explanation.mistake.special > best[family].mistake.special:
            best[family] = explanation
    if len(best) == 1:
        return Diagnosis(next(iter(best.values())))
    if 1 < len(best) <= MOST_ALTERNATIVES:
        return Diagnosis(None, tuple(best.values()))
    return Diagnosis()


def candidates(quantity: Quantity, truth: Array, scene: Scene) -> Iterator[Explanation]:
    """What the table's mistakes lead to in one scene, but for what is the same as the right answer."""
    right = scene.right(quantity)
    for site in sites(quantity, scene):
        base = right if site.name == quantity.name else scene.right(site)
        for mistake in MISTAKES.values():
            if site.name != quantity.name and not mistake.travels:
                continue
            for value in mistake.answers(scene, site):
                if value.shape == base.shape and same(value, base):
                    continue
                led_to = value if site.name == quantity.name else follow(scene, site, value, quantity)
                if led_to is not None and not is_trivial(led_to, right) and not same(led_to, truth):
                    yield Explanation(mistake, site, value, led_to)


def sites(quantity: Quantity, scene: Scene) -> Iterator[Quantity]:
    """The quantity itself, and the computed ones that it depends on and that nobody answered, nearest first."""
    yield quantity
    graph, changes = scene.graph, scene.run.changes
    if quantity.kind in ("local", "total"):
        return
    asked = graph.position(quantity.node)
    if quantity.kind in ("gradient", "update"):
        first = asked if quantity.kind == "update" else asked + 1
        for position in range(first, graph.output + 1):
            node = graph.nodes[position]
            behind = position == asked or (asked in graph.ancestors(position) and position in scene.reaching)
            if behind and node.differentiable and not node.hidden and node.name not in changes.gradients:
                yield understand(scene.problem, f"d{node.name}")
    last = asked if quantity.kind == "value" else graph.output
    for position in range(last, -1, -1):
        node = graph.nodes[position]
        if node.op is None or node.hidden or node.name in changes.values or node.name == quantity.name:
            continue
        if quantity.kind != "value" or position in graph.ancestors(asked):
            yield Quantity(node.name, "value", node.name)


def follow(scene: Scene, site: Quantity, value: Array, quantity: Quantity) -> Array | None:
    """What the asked quantity becomes if the one at the site has this value."""
    problem = scene.problem
    changes = scene.run.changes
    if value.shape != scene.graph[site.node].shape or not np.isfinite(value).all():
        return None
    pins = {**changes.values, **{f"d{name}": each for name, each in changes.gradients.items()}, site.name: value}
    pins |= {f"{node}/{by}": each for (node, by), each in changes.locals.items()}
    return compute(problem, [quantity.name], problem.run(pin(problem, pins)))[quantity.name]


def explains(answer: Answer, explanation: Explanation, truth: Array, tolerance: Tolerance) -> bool:
    """Whether the numbers match, and a chance match is unlikely enough."""
    value = explanation.value
    if not alike(answer.shape, value.shape) or not tolerance.right(answer, value).all():
        return False
    return evidence(answer, value, truth) >= explanation.mistake.evidence


def evidence(answer: Answer, value: Array, truth: Array) -> float:
    """How unlikely it is to meet this value by chance, in decades: digits written, over the entries that tell something.

    An entry that is 0 tells nothing. One that is the value itself, as whole numbers are, tells all.
    """
    submitted, expected = answer.values.ravel(), value.ravel()
    telling = expected != 0.0
    if truth.size == expected.size:
        telling &= np.abs(expected - truth.ravel()) > EQUAL * np.abs(truth).max(initial=0.0)
    if not telling.any():
        return 0.0
    digits = answer.digits()
    size = np.abs(expected).max()
    unit = np.where(digits.significant >= COMPUTED_DIGITS, 1e-6 * size, digits.unit)
    if (np.abs(submitted - expected) <= EQUAL * np.abs(expected))[telling].all():
        return np.inf
    chance = np.minimum(1.0, 1.5 * unit / size)
    return float(-np.log10(chance[telling]).sum())


def same(x: Array, y: Array) -> bool:
    """One answer, as far as anyone could tell."""
    if x.shape != y.shape:
        return False
    with np.errstate(invalid="ignore"):
        return bool((np.abs(x - y) <= EQUAL * np.abs(y).max(initial=0.0)).all())


def is_trivial(value: Array, right: Array) -> bool:
    """Nothing can be said of what is not finite, or has only zeros where the right answer has none."""
    return not np.isfinite(value).all() or (not value.any() and bool(right.any()))
