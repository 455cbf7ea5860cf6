"""The answer to a problem: every node with its value, gradient and formula, and the certificate of the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.check import Certificate, Confirm, certify
from engine.errors import BadProblem
from engine.formulas import FormulaText, formula
from engine.graph.graph import Kind, Node
from engine.graph.run import Run
from engine.ops.row import Array, Shape
from engine.problems import Problem
from engine.quantities import Quantity, compute, understand
from engine.reading.fields import read_choice, read_list

PARTS = ("local", "formulas")


@dataclass(frozen=True, slots=True)
class Local:
    """A local derivative, of shape (node's shape + input's shape)."""

    input: str
    value: Array


class SolvedNode(NamedTuple):
    """A tuple, because a frozen dataclass takes three times as long to make, and a solution has many."""

    name: str
    kind: Kind
    op: str
    inputs: tuple[str, ...]
    shape: Shape
    value: Array
    gradient: Array | None
    """None for a constant; entries may be infinite where the derivative is."""
    value_formula: FormulaText | None = None
    formula: FormulaText | None = None
    """Of the gradient."""
    local: tuple[Local, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    output: str
    value: float
    nodes: tuple[SolvedNode, ...]
    certificate: Certificate
    updates: dict[str, Array] = field(default_factory=dict)
    jacobians: dict[str, Array] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def op_of(problem: Problem, node: Node) -> str:
    """The op that makes a node; "expression" where unnamed parts lie between it and its inputs."""
    if node.op is None:
        return ""
    parts = any(problem.graph.nodes[each].owner for each in node.inputs)
    return "expression" if parts else node.op.name


def shown_nodes(problem: Problem) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """What a solution says of each node that does not depend on its numbers, and so is kept with the graph."""
    for node in problem.graph.nodes:
        if not node.hidden:
            yield (
                node.name,
                node.differentiable,
                {
                    "name": node.name,
                    "kind": "input" if node.kind == "constant" else node.kind,
                    "op": op_of(problem, node),
                    "inputs": problem.graph.direct_inputs(node.name),
                    "shape": node.shape,
                },
            )


def locals_of(problem: Problem, run: Run, name: str) -> Iterator[Local]:
    for by in problem.graph.direct_inputs(name):
        local = f"{name}/{by}"
        yield Local(by, compute(problem, [local], run)[local])


def solve(
    problem: Problem,
    include: Any = (),
    jacobians: Any = (),
    *,
    confirm: Confirm = certify,
) -> Solution:
    """Everything about a problem, confirmed. KeyRefuted rather than an unconfirmed number.

    `include` may name "local" and "formulas"; `jacobians` names local and total derivatives to be computed. `confirm` may
    give a certificate that it has given before.
    """
    for place, part in enumerate(read_list(include, "include", "parts", empty=True)):
        read_choice(part, f"include[{place}]", "part", PARTS)
    for place, name in enumerate(read_list(jacobians, "jacobians", "names", empty=True)):
        path = f"jacobians[{place}]"
        if not isinstance(name, str) or understand(problem, name, path).kind not in ("local", "total"):
            raise BadProblem("expected a Jacobian, such as 'dA1/dW1' or 'Z2/A1'", path=path)
    run = problem.unchanged
    certificate = confirm(problem, run)
    graph = problem.graph
    with_formulas = "formulas" in include
    nodes = [
        SolvedNode(
            **shown,
            value=run[name],
            gradient=run.gradients.get(name),
            value_formula=formula(problem, Quantity(name, "value", name)) if with_formulas else None,
            formula=formula(problem, Quantity(f"d{name}", "gradient", name)) if with_formulas and differentiable else None,
            local=tuple(locals_of(problem, run, name)) if "local" in include else (),
        )
        for name, differentiable, shown in graph.kept("solution", lambda: list(shown_nodes(problem)))
    ]
    updates = [f"{name}_new" for name in graph.parameters] if problem.optimizer else []
    output = graph.nodes[graph.output].name
    return Solution(
        output=output,
        value=float(run[output]),
        nodes=tuple(nodes),
        certificate=certificate,
        updates=compute(problem, updates, run),
        jacobians=compute(problem, jacobians, run),
        warnings=problem.warnings,
    )
