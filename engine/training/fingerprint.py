"""Which run a checkpoint belongs to: a digest of the problem, with all its numbers, and of the settings.

Nodes are told by name, and leaves in the order of their names: the order of the fields of a request means nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256

import numpy as np

from engine.graph.graph import Graph, Node
from engine.problems.network import Network
from engine.training.request import LongTraining


def fingerprint(request: LongTraining) -> str:
    training = request.training
    problem, optimizer = training.problem, training.optimizer
    graph = problem.graph
    leaves = sorted((each for each in graph.nodes if is_leaf(each)), key=lambda node: node.name)
    described = {
        "nodes": [describe(each, graph) for each in (*leaves, *(each for each in graph.nodes if not is_leaf(each)))],
        "output": graph.nodes[graph.output].name,
        "conventions": conventions(problem.network) if problem.network else [],
        "optimizer": [optimizer.row.name, sorted(optimizer.settings.items()), asdict(optimizer.schedule)],
        "steps": [training.batches.size, training.batches.shuffle, training.batches.seed, training.steps],
        "stops": [training.gradient_norm, request.patience, request.check_every],
        "dtype": request.dtype,
    }
    digest = sha256(json.dumps(described).encode())
    for array in (*(problem.leaves[each.name] for each in leaves), *(request.validation or ())):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def is_leaf(node: Node) -> bool:
    return node.op is None and node.number is None


def describe(node: Node, graph: Graph) -> list[object]:
    inputs = [graph.nodes[each].name for each in node.inputs]
    attributes = sorted(node.attributes.items())
    return [node.name, node.kind, node.op.name if node.op else "", inputs, node.shape, node.number, attributes]


def conventions(network: Network) -> list[object]:
    cost = network.cost
    return [
        *(network.layout, network.orientation),
        *(cost.rule.name, cost.reduction, cost.average_in, cost.outputs, cost.scale, cost.delta),
    ]
