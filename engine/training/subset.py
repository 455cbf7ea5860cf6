"""A network on some of its examples, or on others: the same layers and conventions, another graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.graph.builder import GraphBuilder
from engine.graph.graph import Graph
from engine.ops.row import Array
from engine.problems import Problem
from engine.problems.cost import by_example


def graph_for(problem: Problem, examples: int) -> Graph:
    """The graph of a network for another number of examples, on which shapes, 1/m and the conventions depend."""
    assert problem.network is not None
    layout, graph = problem.network.layout, problem.graph
    builder = GraphBuilder(problem.limits)
    for node in graph.nodes:
        if node.op is None:
            shape = node.shape
            if node.name in ("X", "Y"):
                width = shape[1] if layout == "rows" else shape[0]
                shape = (examples, width) if layout == "rows" else (width, examples)
            builder.leaf(node.name, node.kind, shape)
        else:
            shares = dict.fromkeys(node.shares, 1.0 / examples)
            more = {"attributes": node.attributes, "shares": shares, "shortcut": node.shortcut}
            builder.apply(node.name, node.op, node.inputs, **more)
    starts = {name: np.ones(examples) for name in graph.starts}
    factors = {name: float(examples) for name in graph.factors}
    return builder.finish("J", starts=starts, factors=factors)


def with_examples(problem: Problem, X: Array, Y: Array) -> Problem:
    """The network on other inputs and labels, one example a row whatever the layout."""
    assert problem.network is not None
    layout = problem.network.layout
    graph = problem.graph if len(X) == problem.network.examples else graph_for(problem, len(X))
    leaves = {**problem.leaves, "X": by_example(X, layout), "Y": by_example(Y, layout)}
    return replace(problem, graph=graph, leaves=leaves, network=replace(problem.network, examples=len(X)))


def with_parameters(problem: Problem, parameters: dict[str, Array]) -> Problem:
    return replace(problem, leaves={**problem.leaves, **parameters})
