"""POST /v1/gradients."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.solution import PARTS
from service.schemas.base import Absent, Reason, Results, Wire, one_of

JACOBIAN = {"shape": [2, 2], "value": [[0.25, 0.0], [0.0, 0.1875]]}
KINK = {"node": "Z1", "index": [3, 0]}
FORMULA = {"text": "dZ1 = dA1 * A1 * (1 - A1)", "latex": r"dZ_{1} = dA_{1} \odot A_{1} \odot \left(1 - A_{1}\right)"}
CERTIFICATE = {"method": "increment", "status": "agrees", "max_error": 3e-16, "coordinates": 9, "kinks": []}


class GradientsOptions(Wire, json_schema_extra={"examples": [{"include": ["local", "formulas"], "jacobians": ["dA2/dW1"]}]}):
    """What to give beside values and gradients."""

    include: list[Annotated[str, one_of(PARTS)]] | Absent = None
    """`local`: derivatives of every node by its direct inputs. `formulas`: how values and gradients are computed."""
    jacobians: list[str] | Absent = None
    """Local derivatives such as Z2/A1, and total ones such as dA2/dW1."""


class Formula(Wire, json_schema_extra={"examples": [FORMULA]}):
    """A line of Python with NumPy's names, and the same in LaTeX."""

    text: str
    """A line of Python."""
    latex: str
    """For a page."""


class Jacobian(Wire, json_schema_extra={"examples": [JACOBIAN]}):
    """A derivative of a whole node by another: its shape is that of the one followed by that of the other."""

    shape: list[int]
    """Of the one, then of the other."""
    value: Results
    """Of this shape."""
    reason: Reason | Absent = None
    """Why some entries are null."""


class Local(Jacobian, json_schema_extra={"examples": [{"input": "Z1", **JACOBIAN}]}):
    """The derivative of a node by one of its direct inputs."""

    input: str
    """By which it is the derivative."""


class Kink(Wire, json_schema_extra={"examples": [KINK]}):
    """A point without a derivative, such as relu at 0: the node, and the entry of it."""

    node: str
    """The quantity, such as Z1."""
    index: list[int]
    """Of the entry, counted from 0."""


class Certificate(Wire, json_schema_extra={"examples": [CERTIFICATE]}):
    """How all gradients were confirmed by a second method: differences, by formulas that have no derivative in them."""

    method: str
    """`increment`: every entry was compared with exact differences. In a dense network these are taken by its units, layer
    by layer from the loss back, and those by weights follow, because a layer is linear in them; moves of the weights
    themselves, through the whole network, guard this. `directional`: for very large problems, along random directions."""
    status: Literal["agrees", "kink", "inconclusive"]
    """`kink`: agrees, but some derivatives do not exist: one subgradient is given, a grade takes any.
    `inconclusive`: not confirmed."""
    max_error: float | None
    """Relative to the largest entry of a gradient, or of those that it is computed from."""
    coordinates: int
    """How many entries, or directions, were compared."""
    kinks: list[Kink]
    """Points without a derivative; of very many, some."""
    reason: Reason | Absent = None
    """Why it is inconclusive, or what cannot be confirmed because it is infinite."""


class Node(
    Wire,
    json_schema_extra={
        "examples": [
            {
                "name": "Z1",
                "kind": "value",
                "op": "dense",
                "inputs": ["X", "W1"],
                "shape": [1, 2],
                "value": [[3.7, -0.5]],
                "gradient": [[-0.00064, -0.01059]],
                "formula": FORMULA,
                "value_formula": {"text": "Z1 = X @ W1", "latex": r"Z_{1} = X \, W_{1}"},
                "local": [{"input": "X", **JACOBIAN}],
            }
        ]
    },
):
    """One quantity of the problem, and the derivative of the output with respect to it."""

    name: str
    """The quantity, such as Z1."""
    kind: Literal["input", "parameter", "value"]
    """`parameter`: what an optimizer changes. `input`: what else is given. `value`: what is computed."""
    op: str | Absent = None
    """What makes it; left out where it is given."""
    inputs: list[str]
    """What it is made from."""
    shape: list[int]
    """Of the value and of the gradient."""
    value: Results
    """null where it is not finite."""
    gradient: Results
    """Shaped like the value."""
    formula: Formula | Absent = None
    """Of the gradient."""
    value_formula: Formula | Absent = None
    """Of the value; left out where it is given."""
    local: list[Local] | Absent = None
    """Derivatives by its direct inputs, with `include: ["local"]`."""
    reason: Reason | Absent = None
    """Why some numbers are null, such as "dA1[0][0] is infinite"."""


class GradientsResponse(Wire):
    """Every node in the order of computation, and how the gradients were confirmed."""

    output: str
    """What the gradients are of."""
    value: float | None
    """Of the output."""
    nodes: list[Node]
    """In the order of computation."""
    updates: dict[str, Results] | Absent = None
    """With an optimizer: the parameters after one step, as W1_new."""
    jacobians: dict[str, Jacobian] | Absent = None
    """Those that were asked for, by name."""
    warnings: Annotated[list[str], Field(examples=[["'x' has no influence on 'J': its gradient is 0"]])] | Absent = None
    """What is allowed and seldom meant."""
    certificate: Certificate
    """How the gradients were confirmed."""
    reason: Reason | Absent = None
    """Why some numbers of `updates` are null."""
