"""Problems of one structure share a graph; whatever a graph depends on tells them apart."""

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from engine import read_problem
from engine.limits import Limits
from engine.problems.kept import MOST_PLANS, refreshed
from tests.test_service_certificates import CHANGES

NETWORK: dict[str, Any] = {
    "network": {
        "layers": [
            {"weights": [[0.1, 0.2], [0.3, 0.4], [1, -0.5]], "activation": "leaky_relu", "slope": 0.1},
            {"weights": [[0.3], [0.5]], "activation": "sigmoid"},
        ],
        "loss": {"kind": "squared_error", "scale": 0.5},
    },
    "inputs": [[1, 2, 3]],
    "labels": [[1]],
}
EXPRESSIONS = ["u = W @ x + 1", "J = sum(u * u)"]
GRAPH: dict[str, Any] = {"graph": {"expressions": EXPRESSIONS}, "values": {"W": [[1, 2], [3, 4]], "x": [1, 0]}}
LOSS: dict[str, Any] = {"loss": "squared_error", "predictions": [[0.5, 0.25]], "labels": [[1, 0]]}


def graph_of(wire, **more):
    return read_problem(wire, **more).graph


def with_change(wire, change):
    wire = copy.deepcopy(wire)
    change(wire)
    return wire


@pytest.mark.parametrize("wire", [NETWORK, GRAPH, LOSS])
def test_other_numbers_share_a_graph(wire):
    other = copy.deepcopy(wire)
    field = {"network": "inputs", "graph": "values", "loss": "predictions"}[next(iter(wire))]
    other[field] = {"W": [[5, 6], [7, 8]], "x": [9, 1]} if field == "values" else (np.array(wire[field]) * 0.5).tolist()
    assert graph_of(other) is graph_of(wire)
    assert read_problem(other).unchanged["J"] != read_problem(wire).unchanged["J"]


STRUCTURES = {name: CHANGES[name] for name in ("activation", "name", "bias", "scale", "reduction", "average", "loss")}
STRUCTURES["activation"] = lambda wire: wire["network"]["layers"][1].update(activation="tanh")
STRUCTURES["setting"] = lambda wire: wire["network"]["layers"][0].update(slope=0.2)
STRUCTURES["examples"] = lambda wire: wire.update(inputs=[[1, 2, 3]] * 2, labels=[[1]] * 2)
STRUCTURES["layout"] = lambda wire: (
    wire["network"].update(layout="columns", orientation="in_out"),
    wire.update(inputs=[[1], [2], [3]]),
)


@pytest.mark.parametrize("change", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_another_structure_has_another_graph(change):
    assert graph_of(with_change(NETWORK, change)) is not graph_of(NETWORK)


def test_what_tells_graphs_of_expressions_apart():
    shared = graph_of(GRAPH)
    assert graph_of({**GRAPH, "constants": ["x"]}) is not shared
    assert graph_of({**GRAPH, "graph": {**GRAPH["graph"], "expressions": ["u = W @ x + 2", "J = sum(u * u)"]}}) is not shared
    assert graph_of({**GRAPH, "values": {"x": [1, 0], "W": [[1, 2], [3, 4]]}}) is not shared  # the order of the nodes
    assert graph_of({**GRAPH, "values": {"W": [[1, 2]], "x": [1, 0]}}) is not shared
    assert graph_of(GRAPH, limits=Limits(nodes=50)) is not shared


def test_signs_of_zero_are_no_difference():
    zeros = [
        with_change(NETWORK, lambda wire, zero=zero: wire["network"]["layers"][0].update(slope=zero)) for zero in (-0.0, 0.0)
    ]
    for wire in zeros:
        assert np.copysign(1.0, graph_of(wire)["A1"].attributes["slope"]) == 1.0


def test_threads_may_read_at_once():
    texts = [
        {**GRAPH, "graph": {"expressions": [f"u = W @ x + {number}", "J = sum((u * u) + (u - 1))"]}} for number in range(40)
    ]
    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(lambda wire: float(read_problem(wire).unchanged["J"]), texts * 3))
    assert values == [sum((u + n) ** 2 + u + n - 1 for u in (1, 3)) for n in range(40)] * 3


def test_plans_are_dropped_when_there_are_many():
    graph = graph_of(NETWORK)
    for number in range(MOST_PLANS + 1):
        graph.kept(("test", number), lambda: [1])
    assert not refreshed(graph).plans
