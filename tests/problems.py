"""Problems for tests: random networks in every allowed combination, built without the engine's help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.problems.loss_rules import LOSS_RULES

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads((Path(__file__).parent / "worked_examples.json").read_text())["cases"]
}

HEADS = {name: sorted(rule.heads) for name, rule in LOSS_RULES.items()}


def random_network(
    rng: np.random.Generator,
    widths: list[int],
    activations: list[str],
    loss: dict[str, Any],
    *,
    examples: int = 4,
    layout: str = "rows",
    orientation: str = "in_out",
    bias: bool = True,
    spread: float = 0.8,
) -> dict[str, Any]:
    """The wire form of a network with weights of size `spread`; the same numbers whatever layout and orientation."""
    layers = []
    for fan_in, units, activation in zip(widths[:-1], widths[1:], activations, strict=True):
        weights = rng.standard_normal((fan_in, units)) * spread
        offset = rng.standard_normal(units) * 0.3
        layer: dict[str, Any] = {
            "weights": (weights if orientation == "in_out" else weights.T).tolist(),
            "activation": activation,
        }
        if bias:
            layer["bias"] = offset.tolist()
        layers.append(layer)
    inputs = rng.standard_normal((examples, widths[0]))
    labels = labels_for(rng, loss["kind"], examples, widths[-1])
    flip = layout == "columns"
    return {
        "network": {"layers": layers, "layout": layout, "orientation": orientation, "loss": loss},
        "inputs": (inputs.T if flip else inputs).tolist(),
        "labels": (labels.T if flip else labels).tolist(),
    }


def labels_for(rng: np.random.Generator, kind: str, examples: int, units: int) -> np.ndarray:
    """Labels that the loss allows, one example a row; half of the time soft where soft ones are allowed."""
    if kind.startswith("binary"):
        soft = rng.random((examples, units))
        return np.asarray(np.round(soft) if rng.random() < 0.5 else soft)
    if kind.startswith("cross"):
        if rng.random() < 0.5:
            return np.eye(units)[rng.integers(0, units, examples)]
        return rng.dirichlet(np.ones(units), examples)
    if kind == "hinge":
        return rng.choice([-1.0, 1.0], (examples, units))
    return rng.standard_normal((examples, units))
