"""Networks: dense layers in any of the four conventions, and a loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np

from engine.errors import BadNumbers, BadProblem, ShapeMismatch, TooLarge, shape_text
from engine.graph.builder import GraphBuilder
from engine.graph.graph import Graph
from engine.limits import Limits
from engine.ops import ACTIVATIONS
from engine.ops.dense import DENSE, LAYOUTS, ORIENTATIONS
from engine.ops.row import Array, Shape
from engine.problems.cost import Cost, add_cost, by_example, read_cost, read_labels, read_matrix, units_axis
from engine.problems.kept import MOST_KEPT, refreshed
from engine.problems.loss_rules import check_head
from engine.reading.arrays import kind_of, read_array, read_number, read_whole
from engine.reading.expressions import check_name
from engine.reading.fields import join, read_choice, read_list, read_object

DEFAULT_ORIENTATION = {"rows": "in_out", "columns": "out_in"}
MAXIMUM_UNITS = 1_000_000
SETTINGS = ("slope", "alpha")
"""Of activations."""
LAYER_FIELDS = ("weights", "units", "init", "bias", "name", *SETTINGS)

SPREADS = {
    "zeros": lambda fan_in, units: 0.0,
    "normal": lambda fan_in, units: 0.01,
    "xavier": lambda fan_in, units: sqrt(2.0 / (fan_in + units)),
    "he": lambda fan_in, units: sqrt(2.0 / fan_in),
}
"""The standard deviation of each way to draw weights; `scale` replaces that of `normal`."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The names of one layer's quantities, and what it does."""

    weights: str
    bias: str
    """Empty where the layer has none."""
    logits: str
    head: str
    activation: str


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of a network beside its graph."""

    layers: tuple[Layer, ...]
    layout: str
    orientation: str
    cost: Cost
    examples: int

    @property
    def weight(self) -> float:
        """Of an example's loss in the cost."""
        return 1.0 / self.examples if self.cost.reduction == "mean" else 1.0

    def rows(self, x: Array) -> Array:
        """One example a row; its own inverse."""
        return by_example(x, self.layout)

    def as_in_out(self, W: Array) -> Array:
        """Weights as (fan-in, units); its own inverse."""
        return W if self.orientation == "in_out" else W.T


@dataclass(frozen=True, slots=True)
class Drawn:
    """Weights that are not given but drawn: only once the whole network is known not to be too large."""

    fan_in: int
    units: int
    layer: int
    seed: int
    spread: float

    @property
    def shape(self) -> Shape:
        return self.fan_in, self.units

    def draw(self) -> Array:
        """(fan_in, units), the same whatever the layout and orientation."""
        if self.spread == 0.0:
            return np.zeros(self.shape)
        return np.random.default_rng([self.seed, self.layer]).standard_normal(self.shape) * self.spread


def read_init(init: Any, layer: int, fan_in: int, units: int, path: str) -> Drawn:
    given = read_object(
        init if init is not None else {"kind": "xavier"}, path, required=["kind"], optional=["seed", "scale"]
    )
    kind = read_choice(given["kind"], join(path, "kind"), "init", SPREADS)
    if "scale" in given and kind != "normal":
        raise BadProblem(f"'scale' belongs to init 'normal', not '{kind}'", path=join(path, "scale"))
    seed = read_whole(given.get("seed", 0), join(path, "seed"), least=0, most=2**63 - 1)
    spread = SPREADS[kind](fan_in, units)
    if "scale" in given:
        spread = read_number(given["scale"], join(path, "scale"), above=0.0)
    return Drawn(fan_in, units, layer, seed, spread)


def read_weights(
    layer: Mapping[str, Any],
    number: int,
    fan_in: int,
    examples: int,
    layout: str,
    orientation: str,
    path: str,
    limits: Limits,
) -> Array | Drawn:
    """The given weights, checked against the layer before, or what is to be drawn."""
    if "weights" in layer and "units" in layer:
        raise BadProblem("a layer has 'weights' or 'units', not both", path=path)
    if "units" in layer:
        units = read_whole(layer["units"], join(path, "units"), least=1, most=MAXIMUM_UNITS)
        if fan_in * units > limits.elements:
            raise TooLarge(f"layer {number} would have {fan_in}×{units} weights", path=join(path, "units"))
        return read_init(layer.get("init"), number, fan_in, units, join(path, "init"))
    if "init" in layer:
        raise BadProblem("'init' belongs to a layer with 'units'", path=join(path, "init"))
    if "weights" not in layer:
        raise BadProblem("a layer needs 'weights', or 'units'", path=path)
    here = join(path, "weights")
    weights = read_array(layer["weights"], here)
    if weights.ndim != 2:
        raise BadNumbers(
            f"expected a matrix of weights, such as [[1, 2], [3, 4]], not {shape_text(weights.shape)}", path=here
        )
    takes = weights.shape[0 if orientation == "in_out" else 1]
    if takes != fan_in:
        given = f"{fan_in} {'feature' if number == 1 else 'unit'}{'s' * (fan_in != 1)}"
        source = f"the inputs have {given}" if number == 1 else f"layer {number - 1} gives {given}"
        hints = []
        if weights.shape[1 if orientation == "in_out" else 0] == fan_in:
            hints.append("they would fit transposed: see 'orientation'")
        if number == 1 and takes == examples:
            hints.append(f"the inputs would fit transposed: with layout '{layout}' an example is a {layout[:-1]}")
        hint = f"; {', or '.join(hints)}" if hints else ""
        raise ShapeMismatch(
            f"layer {number}: weights are {shape_text(weights.shape)} ({orientation}) and take {takes}, but {source}{hint}",
            path=here,
        )
    return weights


def read_bias(layer: Mapping[str, Any], number: int, units: int, path: str) -> Array | None:
    """Numbers, `true` for zeros, or none."""
    bias = layer.get("bias", False)
    if bias is False:
        return None
    if bias is True:
        return np.zeros(units)
    here = join(path, "bias")
    if not isinstance(bias, list | tuple | np.ndarray):
        raise BadNumbers(f"expected a flat list of numbers, or true for zeros, not {kind_of(bias)}", path=here)
    values = read_array(bias, here)
    if values.shape != (units,):
        raise ShapeMismatch(
            f"layer {number}: the bias is {shape_text(values.shape)}, but must be a flat list of {units}, one for each unit",
            path=here,
        )
    return values


def layer_suffix(layer: Mapping[str, Any], number: int, path: str) -> str:
    """Quantities are named after the layer's number, or after its name: W1, or W_hidden."""
    if "name" not in layer:
        return str(number)
    if not isinstance(layer["name"], str):
        raise BadProblem("a layer's name is text", path=join(path, "name"))
    return "_" + check_name(layer["name"], join(path, "name"))


def activation_of(layer: Mapping[str, Any], path: str) -> tuple[str, tuple[tuple[str, float], ...]]:
    """An activation and its setting, if it has one: leaky_relu's slope, elu's alpha."""
    name = read_choice(layer["activation"], join(path, "activation"), "activation", ACTIVATIONS)
    attributes = ACTIVATIONS[name].attributes
    for each in SETTINGS:
        if each in layer and each not in attributes:
            raise BadProblem(f"'{each}' does not belong to {name}", path=join(path, each))
    # + 0.0, because -0.0 equals 0.0 and what is equal has one graph.
    return name, tuple((each, read_number(layer[each], join(path, each)) + 0.0) for each in SETTINGS if each in layer)


@dataclass(frozen=True, slots=True)
class LayerForm:
    """All of a layer but its numbers."""

    suffix: str
    units: int
    bias: bool
    activation: str
    settings: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """All of a network but its numbers: what its graph depends on."""

    layers: tuple[LayerForm, ...]
    layout: str
    orientation: str
    cost: Cost
    features: int
    examples: int

    def shaped(self, rows: int, columns: int) -> Shape:
        """Of one example a row, or a column."""
        return (rows, columns) if self.layout == "rows" else (columns, rows)


def build_network(wire: Mapping[str, Any], limits: Limits) -> tuple[Graph, dict[str, Array], Network]:
    """Lower `network`, `inputs` and `labels` to a graph: X, then W, b, Z, A of every layer, Y, losses, J."""
    path = "network"
    given = read_object(wire["network"], path, required=["layers", "loss"], optional=["layout", "orientation"])
    layout = read_choice(given.get("layout", "rows"), "network.layout", "layout", LAYOUTS)
    orientation = read_choice(
        given.get("orientation", DEFAULT_ORIENTATION[layout]), "network.orientation", "orientation", ORIENTATIONS
    )
    cost = read_cost(given["loss"], "network.loss")
    layers = read_list(given["layers"], "network.layers", "layers")
    if len(layers) > limits.layers:
        raise TooLarge(f"{len(layers)} layers; {limits.layers} is the most", path="network.layers")

    X = read_matrix(wire["inputs"], "inputs", layout)
    fan_in, examples = X.shape[::-1] if layout == "rows" else X.shape
    features = fan_in
    weights: dict[str, Array | Drawn] = {"X": X}
    forms: list[LayerForm] = []
    for number, layer in enumerate(layers, start=1):
        here = f"network.layers[{number - 1}]"
        layer = read_object(layer, here, required=["activation"], optional=LAYER_FIELDS)
        suffix = layer_suffix(layer, number, here)
        W = weights[f"W{suffix}"] = read_weights(layer, number, fan_in, examples, layout, orientation, here, limits)
        units = W.units if isinstance(W, Drawn) else W.shape[1 if orientation == "in_out" else 0]
        bias = read_bias(layer, number, units, here)
        if bias is not None:
            weights[f"b{suffix}"] = bias
        activation, settings = activation_of(layer, here)
        if number == len(layers):
            check_head(cost.rule, activation, path=join(here, "activation"))
        forms.append(LayerForm(suffix, units, bias is not None, activation, settings))
        fan_in = units

    form = Form(tuple(forms), layout, orientation, cost, features, examples)
    graph, network = network_graph(form, limits)
    Y = read_labels(wire["labels"], cost.rule, form.shaped(examples, fan_in), layout)
    leaves = {name: drawn(each, orientation) if isinstance(each, Drawn) else each for name, each in weights.items()}
    return refreshed(graph), {**leaves, "Y": Y}, network


def drawn(weights: Drawn, orientation: str) -> Array:
    found = weights.draw()
    return found if orientation == "in_out" else np.ascontiguousarray(found.T)


@lru_cache(MOST_KEPT)
def network_graph(form: Form, limits: Limits) -> tuple[Graph, Network]:
    """Made once for all networks of this form: a class sends the same network with other numbers."""
    builder = GraphBuilder(limits)
    builder.leaf("X", "input", form.shaped(form.examples, form.features))
    layout, orientation, cost = form.layout, form.orientation, form.cost
    share = {"shares": {1: 1.0 / form.examples, 2: 1.0 / form.examples}} if cost.per_example() else {}
    built: list[Layer] = []
    source, fan_in = "X", form.features
    for layer in form.layers:
        W, b, Z, A = (f"{letter}{layer.suffix}" for letter in "WbZA")
        shape = (fan_in, layer.units) if orientation == "in_out" else (layer.units, fan_in)
        inputs = [builder.index[source], builder.leaf(W, "parameter", shape)]
        if layer.bias:
            inputs.append(builder.leaf(b, "parameter", (layer.units,)))
        builder.apply(Z, DENSE[layout, orientation, layer.bias], inputs, **share)
        attributes: dict[str, Any] = dict(layer.settings)
        if layer.activation == "softmax":
            attributes["axis"] = units_axis(layout)
        builder.apply(A, ACTIVATIONS[layer.activation], [builder.index[Z]], attributes=attributes)
        built.append(Layer(W, b if layer.bias else "", Z, A, layer.activation))
        source, fan_in = A, layer.units

    builder.leaf("Y", "constant", builder.nodes[builder.index[source]].shape)
    conventions = add_cost(builder, cost, source, layout, logits=built[-1].logits, activation=built[-1].activation)
    if conventions:
        # Everything but the parameters and the cost itself is then reported per example: m times ∂J/∂node.
        conventions["factors"] = {
            node.name: float(form.examples) for node in builder.nodes if node.kind != "parameter" and node.name != "J"
        }
    return builder.finish("J", **conventions), Network(tuple(built), layout, orientation, cost, form.examples)
