"""Everything that can be asked for is a quantity with one flat name.

`Z1` is the value of a node, `dZ1` the derivative of the output with respect to it, `Z2/A1` a local derivative by a direct
input, `du/dW` a total derivative by an ancestor, and `W1_new` a parameter after one optimizer step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.errors import BadProblem, ShapeMismatch, UnknownName, shape_text
from engine.graph.graph import UNCHANGED, Changes
from engine.graph.jacobians import local_jacobian, total_jacobian
from engine.graph.partial import gradient_of, value_of
from engine.graph.run import Run
from engine.ops.row import Array, Shape
from engine.problems import Problem


@dataclass(frozen=True, slots=True)
class Quantity:
    """A name, understood: the node it is about, and for Jacobians the other one."""

    name: str
    kind: Literal["value", "gradient", "local", "total", "update"]
    node: str
    by: str = ""


def find(problem: Problem, name: str) -> Quantity | None:
    """The quantity of that name, if there is one."""
    graph = problem.graph
    if name in graph.names:
        return Quantity(name, "value", name)
    numerator, slash, denominator = name.partition("/")
    if slash:
        if numerator in graph.names and denominator in graph.direct_inputs(numerator):
            return Quantity(name, "local", numerator, denominator)
        of, by = numerator[1:], denominator[1:]
        if is_total(problem, name) and graph.position(by) in graph.ancestors(graph.position(of)):
            return Quantity(name, "total", of, by)
    elif name[:1] == "d" and name[1:] in graph.differentiable:
        return Quantity(name, "gradient", name[1:])
    elif name.endswith("_new") and name[:-4] in graph.parameters and problem.optimizer is not None:
        return Quantity(name, "update", name[:-4])
    return None


def is_total(problem: Problem, name: str) -> bool:
    """Whether it is written as the derivative of one node by another."""
    numerator, _, denominator = name.partition("/")
    names = problem.graph.names
    return numerator[:1] == "d" and denominator[:1] == "d" and numerator[1:] in names and denominator[1:] in names


def understand(problem: Problem, name: str, path: str = "") -> Quantity:
    """The quantity of that name, or UnknownName with the nearest one that exists."""
    quantity = find(problem, name)
    if quantity is not None:
        return quantity
    if is_total(problem, name):
        of, _, by = name.partition("/")
        raise BadProblem(f"'{by[1:]}' has no influence on '{of[1:]}': there is no {name}", path=path)
    if name.endswith("_new") and name[:-4] in problem.graph.parameters:
        raise BadProblem(f"'{name}' needs an optimizer: give one with the problem", path=path or "optimizer")
    raise UnknownName("quantity", name, known_names(problem), path=path)


def known_names(problem: Problem) -> list[str]:
    """All quantities but the total derivatives, which are too many to list."""
    graph = problem.graph
    names = [*graph.names, *(f"d{name}" for name in graph.differentiable)]
    if problem.optimizer:
        names += [f"{name}_new" for name in graph.parameters]
    return names + [f"{name}/{by}" for name in graph.names for by in graph.direct_inputs(name)]


def computed_names(problem: Problem) -> list[str]:
    """The quantities that follow from what is given, and can be asked for: not X, labels or parameters."""
    given = {node.name for node in problem.graph.nodes if node.op is None}
    return [name for name in known_names(problem) if name not in given]


def in_order(problem: Problem, names: Iterable[str]) -> list[Quantity]:
    """Quantities in the order in which a person computes them: values forward, derivatives backward, then updates."""
    graph = problem.graph
    passes = {"value": 0, "local": 1, "gradient": 2, "total": 3, "update": 4}

    def place(quantity: Quantity) -> tuple[int, int, int]:
        position = graph.position(quantity.node)
        by = graph.position(quantity.by) if quantity.by else 0
        return passes[quantity.kind], -position if quantity.kind == "gradient" else position, by

    return sorted((understand(problem, name) for name in names), key=place)


def shape_of(problem: Problem, quantity: Quantity) -> Shape:
    shape = problem.graph[quantity.node].shape
    return shape + problem.graph[quantity.by].shape if quantity.by else shape


def pin(problem: Problem, given: Mapping[str, Array]) -> Changes:
    """The run in which these quantities are given."""
    values: dict[str, Array] = {}
    gradients: dict[str, Array] = {}
    local: dict[tuple[str, str], Array] = {}
    for name, value in given.items():
        quantity = understand(problem, name)
        check_shape(problem, quantity, value)
        if quantity.kind == "value":
            values[quantity.node] = value
        elif quantity.kind == "gradient":
            gradients[quantity.node] = value
        elif quantity.kind == "local":
            local[quantity.node, quantity.by] = value
    return Changes(values, gradients, local) if values or gradients or local else UNCHANGED


def check_shape(problem: Problem, quantity: Quantity, value: Array) -> None:
    wanted = shape_of(problem, quantity)
    if np.shape(value) != wanted:
        raise ShapeMismatch(f"'{quantity.name}' is {shape_text(np.shape(value))}, not {shape_text(wanted)}")


def with_pin(problem: Problem, changes: Changes, quantity: Quantity, value: Array) -> Changes:
    """The same run with one more quantity given. Nothing follows from a total derivative or an update."""
    check_shape(problem, quantity, value)
    values, gradients, local = changes.values, changes.gradients, changes.locals
    if quantity.kind == "value":
        values = {**values, quantity.node: value}
    elif quantity.kind == "gradient":
        gradients = {**gradients, quantity.node: value}
    elif quantity.kind == "local":
        local = {**local, (quantity.node, quantity.by): value}
    else:
        return changes
    return Changes(values, gradients, local, changes.forwards, changes.rules)


def recompute(problem: Problem, quantity: Quantity, changes: Changes) -> Array:
    """One quantity in a run with changes, and of that run no more than is needed for it."""
    graph, leaves, node = problem.graph, problem.leaves, quantity.node
    if quantity.kind == "value":
        return value_of(graph, leaves, changes, node)
    if quantity.kind == "gradient":
        return gradient_of(graph, leaves, changes, node)
    if quantity.kind == "update":
        assert problem.optimizer is not None
        return problem.optimizer.step(value_of(graph, leaves, changes, node), gradient_of(graph, leaves, changes, node))
    return compute(problem, [quantity.name], problem.run(changes))[quantity.name]


def compute(problem: Problem, names: Iterable[str], run: Run | None = None) -> dict[str, Array]:
    """The named quantities, of a given run or of the problem as it is."""
    run = run or problem.run()
    wanted = [understand(problem, name) for name in names]
    walked = tuple(dict.fromkeys(each.node for each in wanted if each.kind in ("gradient", "update")))
    gradients = run.gradients_of(walked) if walked else {}
    most = problem.limits.jacobian_entries
    found: dict[str, Array] = {}
    for quantity in wanted:
        if quantity.kind == "value":
            found[quantity.name] = run[quantity.node]
        elif quantity.kind == "gradient":
            found[quantity.name] = gradients[quantity.node]
        elif quantity.kind == "update":
            assert problem.optimizer is not None
            found[quantity.name] = problem.optimizer.step(run[quantity.node], gradients[quantity.node])
        else:
            derive = local_jacobian if quantity.kind == "local" else total_jacobian
            found[quantity.name] = derive(run, quantity.node, quantity.by, most)
    return found
