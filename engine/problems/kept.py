"""Graphs are kept by their structure, because what is asked of a class differs in its numbers only.

A graph never changes, so problems can share it. Only the plans that it keeps for itself grow, with every set of quantities
that anyone pins: they are dropped when there are many.
"""

from __future__ import annotations

from engine.graph.graph import Graph

MOST_KEPT = 64
"""Graphs of each kind."""
MOST_PLANS = 40
"""Of a graph that is handed out again; a class that makes all sorts of errors leaves hundreds behind."""


def refreshed(graph: Graph) -> Graph:
    if len(graph.plans) > MOST_PLANS:
        graph.plans.clear()
    return graph
