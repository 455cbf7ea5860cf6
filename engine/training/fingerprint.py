"""Which run a checkpoint belongs to: a digest of the problem, with all its numbers, and of the settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256

import numpy as np

from engine.problems.network import Network
from engine.training.request import LongTraining


def fingerprint(request: LongTraining) -> str:
    training = request.training
    problem, optimizer = training.problem, training.optimizer
    described = {
        "nodes": [
            [each.name, each.kind, each.op.name if each.op else "", each.inputs, each.shape, each.number]
            for each in problem.graph.nodes
        ],
        "attributes": [sorted(each.attributes.items()) for each in problem.graph.nodes],
        "conventions": conventions(problem.network) if problem.network else [],
        "optimizer": [optimizer.row.name, sorted(optimizer.settings.items()), asdict(optimizer.schedule)],
        "steps": [training.batches.size, training.batches.shuffle, training.batches.seed, training.steps],
        "stops": [training.gradient_norm, request.patience, request.check_every],
        "dtype": request.dtype,
        "validation": [each.shape for each in request.validation or ()],
    }
    digest = sha256(json.dumps(described).encode())
    for array in (*problem.leaves.values(), *(request.validation or ())):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def conventions(network: Network) -> list[object]:
    cost = network.cost
    return [
        *(network.layout, network.orientation),
        *(cost.rule.name, cost.reduction, cost.average_in, cost.outputs, cost.scale, cost.delta),
    ]
