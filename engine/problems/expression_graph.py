"""Graphs of expressions: their texts, the values they begin with, and the graph that both make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from engine.errors import BadProblem, EngineError, NameCollision, NotScalar, TooLarge, UnknownName, shape_text
from engine.graph.builder import GraphBuilder
from engine.graph.graph import Graph
from engine.limits import Limits
from engine.ops.row import Array, Shape
from engine.problems.kept import MOST_KEPT
from engine.reading.arrays import kind_of, read_array
from engine.reading.expressions import Expression, check_name
from engine.reading.fields import join

Expressions = tuple[Expression, ...]


def parse_expressions(texts: tuple[Any, ...], limits: Limits) -> Expressions:
    if len(texts) > limits.expressions:
        raise TooLarge(f"{len(texts)} expressions; {limits.expressions} is the most", path="graph.expressions")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            path = f"graph.expressions[{place}]"
            raise BadProblem(f"expected an expression such as 'u = W @ x + b', not {kind_of(text)}", path=path)
    return parsed(texts, limits)


@lru_cache(MOST_KEPT)
def parsed(texts: tuple[str, ...], limits: Limits) -> Expressions:
    return tuple(Expression(text, f"graph.expressions[{place}]", limits) for place, text in enumerate(texts))


def read_values(value: Any, expressions: Expressions) -> dict[str, Array]:
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


def read_constants(value: Any, leaves: Mapping[str, Array]) -> frozenset[str]:
    if not isinstance(value, list | tuple):
        raise BadProblem(f"expected a list of names, not {kind_of(value)}", path="constants")
    for place, name in enumerate(value):
        path = f"constants[{place}]"
        if not isinstance(name, str):
            raise BadProblem(f"expected the name of a value, not {kind_of(name)}", path=path)
        if name not in leaves:
            raise UnknownName("value", name, leaves, path=path)
    return frozenset(value)


def expression_graph(
    texts: tuple[str, ...],
    shapes: tuple[tuple[str, Shape], ...],
    constants: frozenset[str],
    output: Any,
    limits: Limits,
) -> tuple[Graph, tuple[str, ...]]:
    """The graph of values of these shapes, and what is remarkable about it. Without an output, the last name is one."""
    if output is not None and not isinstance(output, str):
        raise BadProblem(f"expected the name of an expression, not {kind_of(output)}", path="graph.output")
    return built(texts, shapes, constants, output, limits)


@lru_cache(MOST_KEPT)
def built(
    texts: tuple[str, ...],
    shapes: tuple[tuple[str, Shape], ...],
    constants: frozenset[str],
    chosen: str | None,
    limits: Limits,
) -> tuple[Graph, tuple[str, ...]]:
    """Made once for all values of these shapes: a class sends the same expressions with other numbers."""
    expressions = parsed(texts, limits)
    builder = GraphBuilder(limits)
    for name, shape in shapes:
        builder.leaf(name, "constant" if name in constants else "parameter", shape)
    order_expressions(expressions, dict(shapes))
    for expression in expressions:
        expression.lower(builder)
    output = expressions[-1].name if chosen is None else chosen
    if output not in builder.index:
        raise UnknownName("output", output, [each.name for each in expressions], path="graph.output")
    try:
        graph = builder.finish(output)
    except EngineError as error:
        path = "graph.output" if isinstance(error, NotScalar) and chosen is not None else "graph.expressions"
        raise type(error)(error.message, path=path) from None
    return graph, (*silent_warnings(graph), *broadcast_warnings(graph))


def silent_warnings(graph: Graph) -> Iterator[str]:
    output, reached = graph.nodes[graph.output].name, graph.ancestors(graph.output)
    for position, node in enumerate(graph.nodes):
        if position not in reached and not node.hidden and node.differentiable:
            yield f"'{node.name}' has no influence on '{output}': its gradient is 0"


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


def order_expressions(expressions: Expressions, given: Mapping[str, Shape]) -> None:
    """Each name is defined once, and before it is used; say which rule is broken."""
    first: dict[str, Expression] = {}
    for expression in expressions:
        if expression.name in first:
            raise NameCollision(f"'{expression.name}' is defined twice", path=expression.path)
        first[expression.name] = expression
    known = set(given)
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
