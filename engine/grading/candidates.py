"""What the mistakes of the table lead to: at the asked quantity, and through quantities before it that nobody answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from engine.grading.budget import PLAYED
from engine.grading.compare import Tolerance, alike
from engine.grading.mistakes import MISTAKES, Mistake, Scene
from engine.graph.graph import Changes, Graph, Node, bind
from engine.ops import LOSSES
from engine.ops.row import Array, Op, Rule
from engine.quantities import Quantity, pin, recompute, understand, with_pin

FEW_DIGITS = 3
"""Only in answers of so few digits a mistake is easily not seen."""
EQUAL = 1e-9
"""Two tensors whose entries differ by less than this part of the largest are one answer."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row that explains an answer: where the mistake was made, with its value there and at the asked quantity."""

    mistake: Mistake
    site: Quantity
    at_site: Array
    value: Array
    scene: Scene
    pins: Mapping[str, Array] = field(default_factory=dict)
    """Where a student with this mistake carries on from."""


def candidates(quantity: Quantity, truth: Array, scene: Scene, fits: Callable[[Array], bool]) -> Iterator[Explanation]:
    """What the table's mistakes lead to in one scene, where it fits, but for what is the same as the right answer."""
    right = scene.right(quantity)
    for site in sites(quantity, scene):
        scene.budget.spend(PLAYED)
        here = site.name == quantity.name
        base = right if here else scene.right(site)
        followed: dict[bytes, list[Array]] = {}
        for mistake in MISTAKES.values():
            if not (here or mistake.travels):
                continue
            for value in mistake.answers(scene, site):
                if here and not fits(value):
                    continue
                if alike(value.shape, base.shape):
                    value = value.reshape(base.shape)
                if same(value, base):
                    continue
                if here:
                    led = [value]
                else:
                    numbers = value.tobytes()
                    if numbers not in followed:
                        followed[numbers] = [each for each in follow(scene, site, value, quantity) if fits(each)]
                    led = followed[numbers]
                for led_to in led:
                    if not is_trivial(led_to, right) and not same(led_to, truth):
                        yield Explanation(mistake, site, value, led_to, scene)


def unseen(quantity: Quantity, scene: Scene, tolerance: Tolerance) -> Iterator[Explanation]:
    """Mistakes in earlier answers that are right in the few digits written, but not in those that were carried on."""
    for name, answer in scene.confirmed.items():
        site = understand(scene.problem, name)
        if name not in scene.pins or site.kind == "local" or answer.digits().significant.min() > FEW_DIGITS:
            continue
        base = scene.pins[name]
        scene.budget.spend(PLAYED)
        for mistake in MISTAKES.values():
            for value in mistake.answers(scene, site) if mistake.travels else ():
                if value.shape == base.shape and tolerance.accepts(answer, value) and not same(value, base):
                    for led_to in follow(scene, site, value, quantity):
                        yield Explanation(mistake, site, value, led_to, scene)
                    # What was answered between the two has followed from the mistake as well.
                    pins = supposed_pins(Explanation(mistake, site, value, value, scene), quantity, tolerance)
                    if pins is not None:
                        led_to = played(scene, quantity, pin(scene.problem, pins))
                        yield Explanation(mistake, site, value, led_to, scene)


def sites(quantity: Quantity, scene: Scene) -> Iterator[Quantity]:
    """The quantity itself, and the computed ones that it depends on and that nobody answered, nearest first."""
    yield quantity
    graph, changes = scene.graph, scene.run.changes
    if quantity.kind in ("local", "total"):
        return
    asked = graph.position(quantity.node)
    if quantity.kind in ("gradient", "update"):
        first = asked if quantity.kind == "update" else asked + 1
        for position in range(first, graph.output):
            node = graph.nodes[position]
            if node.op is not None and node.op.name in LOSSES:
                continue  # a slip around the mean shows in dA just as well
            behind = position == asked or (asked in graph.ancestors(position) and position in scene.reaching)
            if behind and node.differentiable and not node.hidden and node.name not in changes.gradients:
                yield understand(scene.problem, f"d{node.name}")
    last = asked if quantity.kind == "value" else graph.output
    for position in range(last, -1, -1):
        node = graph.nodes[position]
        if node.op is None or node.hidden or node.name in changes.values or node.name == quantity.name:
            continue
        if quantity.kind != "value" and (position == graph.output or node.op.name in LOSSES):
            continue  # no gradient depends on the value of the cost
        if quantity.kind != "value" or position in graph.ancestors(asked):
            yield Quantity(node.name, "value", node.name)


def follow(scene: Scene, site: Quantity, value: Array, quantity: Quantity) -> Iterator[Array]:
    """What the asked quantity becomes if the one at the site has this value; f′ may be taken from a, or at z."""
    node = scene.graph[site.node]
    if value.shape != node.shape or not np.isfinite(value).all():
        return
    if site.kind == "gradient":
        yield played(scene, quantity, with_pin(scene.problem, scene.run.changes, site, value))
        return
    changes = with_pin(scene.problem, scene.run.changes, site, value)
    yield played(scene, quantity, changes)
    if node.op is not None and node.op.from_output is not None and quantity.kind != "value":
        rules = {**changes.rules, (node.name, 0): at_input(scene.graph, node, node.op)}
        yield played(scene, quantity, replace(changes, rules=rules))


def played(scene: Scene, quantity: Quantity, changes: Changes) -> Array:
    """A quantity computed anew, as one thing more that was looked at."""
    scene.budget.spend()
    return recompute(scene.problem, quantity, changes)


def at_input(graph: Graph, node: Node, op: Op) -> Rule:
    """An activation's rule with its output computed anew from its input, and not as it was pinned."""

    def rule_at_input() -> Rule:
        rule, forward = bind(op.rule(0), node.attributes), bind(op.forward, node.attributes)
        return lambda d, out, *inputs: rule(d, forward(*inputs), *inputs)

    return graph.kept(("at input", node.name), rule_at_input)


def supposed_pins(explanation: Explanation, quantity: Quantity, tolerance: Tolerance) -> Mapping[str, Array] | None:
    """What was answered before, and a mistake before the asked quantity; None if it would have shown in a right answer."""
    site, scene = explanation.site, explanation.scene
    if site.name == quantity.name:
        return scene.pins
    pins = {**scene.pins, site.name: explanation.at_site}
    for name, answer in scene.confirmed.items():
        if name == site.name or (site.kind == "gradient" and name in scene.graph.names):
            continue  # no value depends on a gradient
        with_it, without = (
            played(scene, understand(scene.problem, name), pin(scene.problem, others))
            for others in (
                {each: value for each, value in pins.items() if each != name},
                {each: value for each, value in scene.pins.items() if each != name},
            )
        )
        if same(with_it, without):
            continue
        if not tolerance.accepts(answer, with_it):
            return None
        if not scene.carries:
            pins[name] = with_it
    return pins


def same(x: Array, y: Array) -> bool:
    """One answer, as far as anyone could tell."""
    if not alike(x.shape, y.shape):
        return False
    return bool((np.abs(x.reshape(y.shape) - y) <= EQUAL * np.abs(y).max(initial=0.0)).all())


def is_trivial(value: Array, right: Array) -> bool:
    """Nothing can be said of what is not finite, or has only zeros where the right answer has none."""
    return not np.isfinite(value).all() or (not value.any() and bool(right.any()))
