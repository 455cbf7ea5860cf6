"""A graph that nobody needs is gone at once, and does not wait for the garbage collector: a service sees thousands."""

import gc
import weakref

import pytest

import engine
from engine.problems.network import network_graph

USES = {
    "read": lambda problem: problem,
    "solve": engine.solve,
    "solve with everything": lambda problem: engine.solve(
        problem, ["local", "formulas"], ["Z2/W2", "Z2/A_hidden", "dJ/dW2"]
    ),
    "certify": engine.certify,
    "confirm": lambda problem: engine.certify(problem, gradients=problem.run().gradients),
    "check": engine.check,
    "directional": lambda problem: engine.check(problem, method="directional"),
    "central": lambda problem: engine.check(problem, method="central"),
    "grade": lambda problem: engine.grade(problem, {"dW1": [[1, 2], [3, 4]], "dZ2": [[0.5]]}),
}


@pytest.mark.parametrize("use", USES)
def test_a_graph_is_freed_when_nobody_needs_it(use):
    layers = [
        {"name": "hidden", "weights": [[0.1, 0.2], [0.3, 0.4]], "activation": "tanh"},
        {"weights": [[1.0], [2.0]], "activation": "identity"},
    ]
    wire = {"network": {"layers": layers, "loss": "squared_error"}, "inputs": [[1, 2]], "labels": [[1]]}
    network_graph.cache_clear()
    gc.collect()
    gc.disable()
    try:
        problem = engine.read_problem(wire)
        graph = weakref.ref(problem.graph)
        USES[use](problem)
        del problem
        network_graph.cache_clear()
        assert graph() is None
    finally:
        gc.enable()
