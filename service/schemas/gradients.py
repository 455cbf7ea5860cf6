"""POST /v1/gradients."""

from __future__ import annotations

from typing import Annotated, Literal

from engine.solution import PARTS
from service.schemas.base import Absent, Given, Results, Wire, one_of

JACOBIAN = {"shape": [2, 2], "value": [[0.25, 0.0], [0.0, 0.1875]]}
KINK = {"node": "Z1", "index": [3, 0]}
FORMULA = {"text": "dZ1 = dA1 * A1 * (1 - A1)", "latex": r"dZ_{1} = dA_{1} \odot A_{1} \odot \left(1 - A_{1}\right)"}
CERTIFICATE = {"method": "increment", "status": "agrees", "max_error": 3e-16, "coordinates": 9, "kinks": []}


class GradientsOptions(
    Given, json_schema_extra={"examples": [{"include": ["local", "formulas"], "jacobians": ["dA2/dW1"]}]}
):
    """What to give beside values and gradients."""

    include: list[Annotated[str, one_of(PARTS)]] | Absent = None
    """`local`: derivatives of every node by its direct inputs. `formulas`: how values and gradients are computed."""
    jacobians: list[str] | Absent = None
    """Local derivatives such as Z2/A1, and total ones such as dA2/dW1."""


class Formula(Wire, json_schema_extra={"examples": [FORMULA]}):
    """A line of Python with NumPy's names, and the same in LaTeX."""

    text: str
    latex: str


class Jacobian(Wire, json_schema_extra={"examples": [JACOBIAN]}):
    """A derivative of a whole node by another: its shape is that of the one followed by that of the other."""

    shape: list[int]
    value: Results
    reason: str | Absent = None
    """Why some entries are null."""


class Local(Jacobian, json_schema_extra={"examples": [{"input": "Z1", **JACOBIAN}]}):
    """The derivative of a node by one of its direct inputs."""

    input: str


class Kink(Wire, json_schema_extra={"examples": [KINK]}):
    """A point without a derivative, such as relu at 0: the node, and the entry of it."""

    node: str
    index: list[int]


class Certificate(Wire, json_schema_extra={"examples": [CERTIFICATE]}):
    """How all gradients were confirmed by a second method, which shares no code with the first."""

    method: str
    status: Literal["agrees", "kink", "inconclusive"]
    """`kink`: agrees, but some derivatives do not exist, and a subgradient is given. `inconclusive`: not confirmed."""
    max_error: float | None
    """Relative to the largest gradient of the problem."""
    coordinates: int
    """How many entries were differenced."""
    kinks: list[Kink]
    reason: str | Absent = None
    """Why it is inconclusive."""


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
            }
        ]
    },
):
    """One quantity of the problem, and the derivative of the output with respect to it."""

    name: str
    kind: Literal["input", "parameter", "value"]
    op: str | Absent = None
    """What makes it; left out where it is given."""
    inputs: list[str]
    """What it is made from."""
    shape: list[int]
    value: Results
    gradient: Results
    """Shaped like the value."""
    formula: Formula | Absent = None
    """Of the gradient."""
    value_formula: Formula | Absent = None
    """Of the value; left out where it is given."""
    local: list[Local] | Absent = None
    reason: str | Absent = None
    """Why some numbers are null, such as "dA1[0][0] is infinite"."""


class GradientsResponse(Wire):
    """Every node in the order of computation, and how the gradients were confirmed."""

    output: str
    """What the gradients are of."""
    value: float | None
    nodes: list[Node]
    updates: dict[str, Results] | Absent = None
    """With an optimizer: the parameters after one step, as W1_new."""
    jacobians: dict[str, Jacobian] | Absent = None
    """Those that were asked for, by name."""
    warnings: list[str] | Absent = None
    certificate: Certificate
    reason: str | Absent = None
    """Why some numbers of `updates` are null."""
