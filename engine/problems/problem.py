"""The three kinds of problem, and what all of them become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from engine.errors import BadProblem
from engine.graph.builder import GraphBuilder
from engine.graph.graph import UNCHANGED, Changes, Graph
from engine.graph.run import Run
from engine.limits import DEFAULT_LIMITS, Limits
from engine.ops.dense import LAYOUTS
from engine.ops.row import Array, Shape
from engine.optimizers import Optimizer, read_optimizer
from engine.problems.cost import Cost, add_cost, by_example, class_places, read_cost, read_labels, read_matrix
from engine.problems.expression_graph import expression_graph, parse_expressions, read_constants, read_values
from engine.problems.kept import MOST_KEPT, refreshed
from engine.problems.loss_rules import refuse
from engine.problems.network import Network, build_network
from engine.reading.arrays import all_finite, kind_of
from engine.reading.fields import read_choice, read_list, read_object


@dataclass(frozen=True)
class Problem:
    """A graph with the values of its leaves: all that is needed to compute any quantity."""

    graph: Graph = field(repr=False)
    leaves: Mapping[str, Array] = field(repr=False)
    asked: tuple[str, ...]
    """The gradients that are asked for when nobody says otherwise, as names of quantities."""
    optimizer: Optimizer | None = None
    network: Network | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    limits: Limits = DEFAULT_LIMITS
    paths: Mapping[str, str] = field(default_factory=dict)
    """Where in the wire form a node is defined, by its name."""

    def run(self, changes: Changes = UNCHANGED) -> Run:
        return Run(self.graph, self.leaves, changes)

    @cached_property
    def unchanged(self) -> Run:
        """The run of the problem as it is, for all who want no other."""
        return self.run()

    @cached_property
    def class_places(self) -> Array | None:
        """Of the labels of a network, as in `engine.problems.cost`."""
        return class_places(self.network.rows(self.leaves["Y"])) if self.network else None


def read_problem(wire: Any, limits: Limits = DEFAULT_LIMITS) -> Problem:
    """Read a problem in its wire form; raise an EngineError with the path of what is wrong."""
    if not isinstance(wire, Mapping):
        raise BadProblem(f"expected a problem: an object, not {kind_of(wire)}")
    kinds = [kind for kind in BUILDERS if wire.get(kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(f"'{kind}'" for kind in kinds) or "none of them"
        raise BadProblem(f"a problem has one of 'network', 'graph' and 'loss'; this has {found}")
    required, optional, build = BUILDERS[kinds[0]]
    given = read_object(wire, "", required=(kinds[0], *required), optional=optional, called=f"a {kinds[0]} problem")
    problem = build(given, limits)
    values = problem.unchanged.values
    if not all(all_finite(values[position]) for position, node in enumerate(problem.graph.nodes) if node.op):
        problem.unchanged.refuse_overflow(problem.paths)
    return problem


def network_problem(wire: Mapping[str, Any], limits: Limits) -> Problem:
    graph, leaves, network = build_network(wire, limits)
    silent = [layer.head for layer in network.layers if layer.activation == "sign"]
    warnings = tuple(f"{head} is a sign: its gradient is 0, and nothing before it can learn" for head in silent)
    optimizer = read_optimizer(wire["optimizer"], "optimizer") if "optimizer" in wire else None
    asked = tuple(f"d{name}" for name in graph.parameters)
    return Problem(graph, leaves, asked, optimizer, network, warnings, limits)


def expression_problem(wire: Mapping[str, Any], limits: Limits) -> Problem:
    given = read_object(wire["graph"], "graph", required=["expressions"], optional=["output"])
    texts = tuple(read_list(given["expressions"], "graph.expressions", "expressions"))
    expressions = parse_expressions(texts, limits)
    leaves = read_values(wire["values"], expressions)
    constants = read_constants(wire.get("constants", []), leaves)
    shapes = tuple((name, value.shape) for name, value in leaves.items())
    graph, warnings = expression_graph(texts, shapes, constants, given.get("output"), limits)
    optimizer = read_optimizer(wire["optimizer"], "optimizer") if "optimizer" in wire else None
    asked = tuple(f"d{name}" for name in graph.parameters)
    paths = {expression.name: expression.path for expression in expressions}
    return Problem(refreshed(graph), leaves, asked, optimizer, None, warnings, limits, paths)


def loss_problem(wire: Mapping[str, Any], limits: Limits) -> Problem:
    cost = read_cost(wire["loss"], "loss")
    layout = read_choice(wire.get("layout", "rows"), "layout", "layout", LAYOUTS)
    predictions = read_matrix(wire["predictions"], "predictions", layout)
    labels = read_labels(wire["labels"], cost.rule, predictions.shape, layout)
    if cost.rule.refuse_predictions:
        rows = by_example(predictions, layout)
        found, what = cost.rule.refuse_predictions(rows), f"predictions of {cost.rule.name}"
        sums = cost.rule.class_indices
        refuse(found, rows, layout, what, cost.rule.predictions, path="predictions", sums=sums)
    graph = loss_graph(cost, predictions.shape, layout, limits)
    return Problem(refreshed(graph), {"A": predictions, "Y": labels}, ("dA",), limits=limits)


@lru_cache(MOST_KEPT)
def loss_graph(cost: Cost, shape: Shape, layout: str, limits: Limits) -> Graph:
    builder = GraphBuilder(limits)
    builder.leaf("A", "input", shape)
    builder.leaf("Y", "constant", shape)
    conventions = add_cost(builder, cost, "A", layout)
    if conventions:
        examples = float(shape[0 if layout == "rows" else 1])
        conventions["factors"] = {"A": examples, "losses": examples}
    return builder.finish("J", **conventions)


Builder = Callable[[Mapping[str, Any], Limits], Problem]
BUILDERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Builder]] = {
    "network": (("inputs", "labels"), ("optimizer",), network_problem),
    "graph": (("values",), ("constants", "optimizer"), expression_problem),
    "loss": (("predictions", "labels"), ("layout",), loss_problem),
}
"""By the field that tells the kind: the other fields it must and may have, and its builder."""

FIELDS = tuple({name: None for kind, (required, optional, _) in BUILDERS.items() for name in (kind, *required, *optional)})
"""All fields that a problem may have, for requests that carry one among other fields."""
