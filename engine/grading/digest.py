"""The digest of a problem: the same for the same problem, whatever was left to defaults and however it was written."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.problems import Problem
from engine.version import ENGINE_VERSION, POLICY_VERSION


def digest(problem: Problem) -> str:
    """sha256 of the canonical JSON of the problem, with the versions of engine and policy.

    Canonical: defaults filled in, keys sorted, and each array as its shape and the sha256 of its numbers, because writing
    out a hundred thousand numbers would take longer than grading them.
    """
    canonical = {
        "graph": [
            {
                "name": node.name,
                "kind": node.kind,
                "op": node.op.name if node.op else None,
                "formula": node.op.formula.value if node.op else None,
                "inputs": list(node.inputs),
                "attributes": dict(node.attributes),
                "shares": {str(place): share for place, share in node.shares.items()},
                "number": node.number,
            }
            for node in problem.graph.nodes
        ],
        "output": problem.graph.output,
        "starts": {name: fingerprint(value) for name, value in problem.graph.starts.items()},
        "leaves": {name: fingerprint(value) for name, value in problem.leaves.items()},
        "optimizer": {"kind": problem.optimizer.row.name, **problem.optimizer.settings} if problem.optimizer else None,
        "versions": {"engine": ENGINE_VERSION, "policy": POLICY_VERSION},
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), default=list)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def fingerprint(array: Array) -> dict[str, Any]:
    numbers = np.ascontiguousarray(array, dtype="<f8")
    return {"shape": list(array.shape), "sha256": hashlib.sha256(numbers.data).hexdigest()}
