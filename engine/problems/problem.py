"""The three kinds of problem, and what all of them become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadProblem, EngineError, NameCollision, NotScalar, TooLarge, UnknownName, shape_text
from engine.graph.builder import GraphBuilder
from engine.graph.graph import UNCHANGED, Changes, Graph
from engine.graph.run import Run
from engine.limits import DEFAULT_LIMITS, Limits
from engine.ops.dense import LAYOUTS
from engine.ops.row import Array
from engine.optimizers import Optimizer, read_optimizer
from engine.problems.cost import add_cost, by_example, read_cost, read_labels, read_matrix
from engine.problems.loss_rules import refuse
from engine.problems.network import Network, build_network
from engine.reading.arrays import kind_of, read_array
from engine.reading.expressions import Expression, check_name
from engine.reading.fields import join, read_choice, read_list, read_object


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
    problem.run().refuse_overflow(problem.paths)
    return problem


def network_problem(wire: Mapping[str, Any], limits: Limits) -> Problem:
    builder, leaves, network, conventions = build_network(wire, limits)
    if conventions:
        # Everything but the parameters and the cost itself is then reported per example: m times ∂J/∂node.
        conventions["factors"] = {
            node.name: float(network.examples) for node in builder.nodes if node.kind != "parameter" and node.name != "J"
        }
    graph = builder.finish("J", **conventions)
    silent = [layer.head for layer in network.layers if layer.activation == "sign"]
    warnings = tuple(f"{head} is a sign: its gradient is 0, and nothing before it can learn" for head in silent)
    optimizer = read_optimizer(wire["optimizer"], "optimizer") if "optimizer" in wire else None
    asked = tuple(f"d{name}" for name in graph.parameters)
    return Problem(graph, leaves, asked, optimizer, network, warnings, limits)


def expression_problem(wire: Mapping[str, Any], limits: Limits) -> Problem:
    given = read_object(wire["graph"], "graph", required=["expressions"], optional=["output"])
    texts = read_list(given["expressions"], "graph.expressions", "expressions")
    if len(texts) > limits.expressions:
        raise TooLarge(f"{len(texts)} expressions; {limits.expressions} is the most", path="graph.expressions")
    expressions = []
    for place, text in enumerate(texts):
        path = f"graph.expressions[{place}]"
        if not isinstance(text, str):
            raise BadProblem(f"expected an expression such as 'u = W @ x + b', not {kind_of(text)}", path=path)
        expressions.append(Expression(text, path, limits))

    builder = GraphBuilder(limits)
    leaves = read_values(wire["values"], expressions)
    constants = read_constants(wire.get("constants", []), leaves)
    for name, value in leaves.items():
        builder.leaf(name, "constant" if name in constants else "parameter", value.shape)
    order_expressions(expressions, leaves)
    for expression in expressions:
        expression.lower(builder)
    output = given.get("output", expressions[-1].name)
    if not isinstance(output, str):
        raise BadProblem(f"expected the name of an expression, not {kind_of(output)}", path="graph.output")
    if output not in builder.index:
        raise UnknownName("output", output, [each.name for each in expressions], path="graph.output")
    try:
        graph = builder.finish(output)
    except EngineError as error:
        path = "graph.output" if isinstance(error, NotScalar) and "output" in given else "graph.expressions"
        raise type(error)(error.message, path=path) from None
    optimizer = read_optimizer(wire["optimizer"], "optimizer") if "optimizer" in wire else None
    reached = graph.ancestors(graph.output)
    warnings = tuple(
        f"'{node.name}' has no influence on '{output}': its gradient is 0"
        for position, node in enumerate(graph.nodes)
        if position not in reached and not node.hidden and node.differentiable
    )
    warnings += tuple(broadcast_warnings(graph))
    asked = tuple(f"d{name}" for name in graph.parameters)
    paths = {expression.name: expression.path for expression in expressions}
    return Problem(graph, leaves, asked, optimizer, None, warnings, limits, paths)


def broadcast_warnings(graph: Graph) -> Iterator[str]:
    """A column plus a list gives a matrix: allowed, and seldom meant."""
    for node in graph.nodes:
        shapes = [graph.nodes[each].shape for each in node.inputs]
        if (
            node.op is not None
            and node.op.aligned
            and "axis" not in node.attributes
            and all(shape != node.shape for shape in shapes)
        ):
            listed = " and ".join(shape_text(shape) for shape in shapes)
            yield f"in '{node.owner or node.name}', {listed} broadcast to {shape_text(node.shape)}: is that meant?"


def read_values(value: Any, expressions: list[Expression]) -> dict[str, Array]:
    """The named arrays that the expressions begin with."""
    if not isinstance(value, Mapping):
        raise BadProblem(f"expected an object of named numbers, not {kind_of(value)}", path="values")
    targets = {expression.name for expression in expressions}
    leaves = {}
    for name, each in value.items():
        path = join("values", str(name))
        check_name(str(name), path)
        if name in targets:
            raise NameCollision(f"'{name}' is given under values and computed by an expression", path=path)
        leaves[name] = read_array(each, path)
    return leaves


def read_constants(value: Any, leaves: Mapping[str, Array]) -> set[str]:
    if not isinstance(value, list | tuple):
        raise BadProblem(f"expected a list of names, not {kind_of(value)}", path="constants")
    for place, name in enumerate(value):
        path = f"constants[{place}]"
        if not isinstance(name, str):
            raise BadProblem(f"expected the name of a value, not {kind_of(name)}", path=path)
        if name not in leaves:
            raise UnknownName("value", name, leaves, path=path)
    return set(value)


def order_expressions(expressions: list[Expression], leaves: Mapping[str, Array]) -> None:
    """Each name is defined once, and before it is used; say which rule is broken."""
    first: dict[str, Expression] = {}
    for expression in expressions:
        if expression.name in first:
            raise NameCollision(f"'{expression.name}' is defined twice", path=expression.path)
        first[expression.name] = expression
    known = set(leaves)
    for expression in expressions:
        for name in sorted(expression.names() - known):
            if name == expression.name:
                raise BadProblem(f"'{name}' is defined by itself", path=expression.path)
            if name in first:
                where = first[name].path
                raise BadProblem(
                    f"'{name}' is used before it is defined (in {where}): a graph has no cycles", path=expression.path
                )
            raise UnknownName("name", name, [*known, *first], path=expression.path)
        known.add(expression.name)


def loss_problem(wire: Mapping[str, Any], limits: Limits) -> Problem:
    cost = read_cost(wire["loss"], "loss")
    layout = read_choice(wire.get("layout", "rows"), "layout", "layout", LAYOUTS)
    predictions = read_matrix(wire["predictions"], "predictions", layout)
    labels = read_labels(wire["labels"], cost.rule, predictions.shape, layout)
    if cost.rule.refuse_predictions:
        rows = by_example(predictions, layout)
        found = cost.rule.refuse_predictions(rows)
        refuse(found, rows, layout, f"predictions of {cost.rule.name}", cost.rule.predictions, path="predictions")
    builder = GraphBuilder(limits)
    builder.leaf("A", "input", predictions.shape)
    builder.leaf("Y", "constant", labels.shape)
    conventions = add_cost(builder, cost, "A", layout)
    if conventions:
        examples = float(len(by_example(predictions, layout)))
        conventions["factors"] = {"A": examples, "losses": examples}
    return Problem(builder.finish("J", **conventions), {"A": predictions, "Y": labels}, ("dA",), limits=limits)


Builder = Callable[[Mapping[str, Any], Limits], Problem]
BUILDERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Builder]] = {
    "network": (("inputs", "labels"), ("optimizer",), network_problem),
    "graph": (("values",), ("constants", "optimizer"), expression_problem),
    "loss": (("predictions", "labels"), ("layout",), loss_problem),
}
"""By the field that tells the kind: the other fields it must and may have, and its builder."""

FIELDS = tuple({name: None for kind, (required, optional, _) in BUILDERS.items() for name in (kind, *required, *optional)})
"""All fields that a problem may have, for requests that carry one among other fields."""
