"""A problem: a network with inputs and labels, a graph of expressions with values, or a loss alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.ops import ACTIVATIONS
from engine.ops.dense import LAYOUTS, ORIENTATIONS
from engine.problems.cost import AVERAGES, OUTPUTS, REDUCTIONS
from engine.problems.loss_rules import LOSS_RULES
from engine.problems.network import MAXIMUM_UNITS, SPREADS
from service.schemas.base import Absent, Matrix, Numbers, Part, Vector, Wire, one_of
from service.schemas.optimizer import Optimizer

LAYER = {"weights": [[0.5], [-1.0]], "bias": [0.1], "activation": "sigmoid"}
DRAWN = [
    {
        "units": 4,
        "init": {"kind": "he", "seed": 7},
        "bias": True,
        "activation": "leaky_relu",
        "slope": 0.1,
        "name": "hidden",
    },
    {"units": 2, "activation": "elu", "alpha": 0.5},
]
AVERAGED = {"kind": "squared_error", "scale": 0.5, "average_in": "parameters"}
NETWORK = {"layers": [LAYER], "loss": "binary_cross_entropy"}
COLUMNS = {**NETWORK, "loss": AVERAGED, "layout": "columns", "orientation": "in_out"}
SGD = {"kind": "sgd", "learning_rate": 0.1}
GRAPH = {"expressions": ["q = x + y", "f = q * z"], "output": "f"}

Layout = Annotated[str, one_of(LAYOUTS)]
LossName = Annotated[str, one_of(LOSS_RULES)]
Indices = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class Init(Part, json_schema_extra={"examples": [{"kind": "he", "seed": 7}, {"kind": "normal", "scale": 0.1}]}):
    """How to draw the weights of a layer; the same seed gives the same weights."""

    kind: Annotated[str, one_of(SPREADS)]
    """`he`, `xavier` and `normal` draw from a normal distribution, `zeros` draws nothing."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of the drawing; layers with the same seed still differ."""
    scale: Annotated[float, Field(gt=0)] | Absent = None
    """Standard deviation of `normal`; 0.01 if left out."""


class Layer(
    Part, json_schema_extra={"oneOf": [{"required": ["weights"]}, {"required": ["units"]}], "examples": [LAYER, *DRAWN]}
):
    """A dense layer and its activation. It has `weights`, or `units` to draw them."""

    activation: Annotated[str, one_of(ACTIVATIONS)]
    """See the catalog."""
    weights: Matrix | Absent = None
    """As `orientation` says: in_out has a row an input, out_in a row a unit."""
    units: Annotated[int, Field(ge=1, le=MAXIMUM_UNITS)] | Absent = None
    """How many, for drawn weights."""
    init: Init | Absent = None
    """For a layer with `units`; {"kind": "xavier", "seed": 0} if left out."""
    bias: Vector | bool = False
    """One number a unit, true for zeros; without it the layer has none."""
    name: str | Absent = None
    """Quantities are then called W_name, Z_name, … instead of W1, Z1, …"""
    slope: float | Absent = None
    """Of leaky_relu; 0.01 if left out."""
    alpha: float | Absent = None
    """Of elu; 1 if left out."""


class Loss(
    Part, json_schema_extra={"examples": [AVERAGED, {"kind": "huber", "delta": 0.5, "reduction": "sum", "outputs": "mean"}]}
):
    """A loss and how it is averaged."""

    kind: LossName
    """See the catalog."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    """A factor, such as the ½ of ½(a − y)²."""
    reduction: Annotated[str, one_of(REDUCTIONS)] = "mean"
    """Over the examples."""
    average_in: Annotated[str, one_of(AVERAGES)] = "loss"
    """`loss`: every gradient is ∂J/∂·. `parameters`, as many lecture notes have it: losses, dA and dZ stay per example,
    and the 1/m of the mean enters in dW and db."""
    outputs: Annotated[str, one_of(OUTPUTS)] = "sum"
    """Over the outputs of one example."""
    delta: Annotated[float, Field(gt=0)] | Absent = None
    """Of huber; 1 if left out."""


class Network(Part, json_schema_extra={"examples": [NETWORK, COLUMNS]}):
    """Dense layers and a loss. Layer l has the quantities Wl, bl, Zl and Al; X is the input, J the cost."""

    layers: Annotated[list[Layer], Field(min_length=1)]
    """In their order."""
    loss: LossName | Loss
    """A name, or an object with its conventions."""
    layout: Layout = "rows"
    """`rows`: X is m×n and Z = A·W + b. `columns`: X is n×m and Z = W·A + b."""
    orientation: Annotated[str, one_of(ORIENTATIONS)] | Absent = None
    """Of the weights; if left out, in_out for rows and out_in for columns."""


class Graph(Part, json_schema_extra={"examples": [GRAPH]}):
    """Named expressions: Python arithmetic (+ - * / ** @, parentheses, numbers) and calls of the ops in the catalog."""

    expressions: Annotated[list[str], Field(min_length=1)]
    """Each is `name = …`, and may use values and the names before it."""
    output: str | Absent = None
    """What gradients are of, a single number; the last expression if left out."""


class NetworkProblem(
    Wire,
    json_schema_extra={
        "examples": [
            {"network": NETWORK, "inputs": [[1, 2], [0.5, -1]], "labels": [[1], [0]]},
            {"network": COLUMNS, "inputs": [[1, 0.5], [2, -1]], "labels": [[1, 0]], "optimizer": SGD},
        ]
    },
):
    """A network, inputs and labels."""

    network: Network
    """What computes."""
    inputs: Matrix
    """One example a row, or a column: see `layout`."""
    labels: Matrix | Indices
    """Shaped like the output; for cross_entropy also a flat list of class indices from 0."""
    optimizer: Optimizer | Absent = None
    """Asks for the parameters after one step: W1_new, b1_new, …"""


class GraphProblem(
    Wire,
    json_schema_extra={
        "examples": [
            {"graph": GRAPH, "values": {"x": 2, "y": 3, "z": 4}},
            {"graph": GRAPH, "values": {"x": 2, "y": 3, "z": 4}, "constants": ["z"], "optimizer": SGD},
        ]
    },
):
    """A graph of expressions, and the values of the names that it begins with."""

    graph: Graph
    """What computes."""
    values: dict[str, Numbers]
    """By name: numbers, lists of them, lists of rows."""
    constants: list[str] | Absent = None
    """Names under `values` that need no gradient."""
    optimizer: Optimizer | Absent = None
    """Asks for the values after one step: W_new, …"""


class LossProblem(
    Wire,
    json_schema_extra={
        "examples": [
            {"loss": "cross_entropy", "predictions": [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], "labels": [0, 1], "layout": "rows"}
        ]
    },
):
    """A loss alone, of given predictions: its quantities are A, losses, J and dA."""

    loss: LossName | Loss
    """A name, or an object with its conventions."""
    predictions: Matrix
    """One example a row, or a column: see `layout`."""
    labels: Matrix | Indices
    """Shaped like the predictions; for cross_entropy also a flat list of class indices from 0."""
    layout: Layout = "rows"
    """`rows`: an example a row. `columns`: an example a column."""
