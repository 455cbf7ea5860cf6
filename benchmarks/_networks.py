"""The network that checks are measured on, as people write it: relu layers and softmax cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Arrays = list[np.ndarray]


class Network:
    """Weights and biases by turns, inputs and classes."""

    def __init__(self, widths: Sequence[int], examples: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.widths = widths
        self.parameters: Arrays = []
        for i, o in pairwise(widths):
            self.parameters += [rng.standard_normal((i, o)) * np.sqrt(2 / i), rng.standard_normal(o) * 0.1]
        self.X, self.y = rng.standard_normal((examples, widths[0])), rng.integers(0, widths[-1], examples)

    def wire(self) -> dict[str, Any]:
        pairs = list(zip(self.parameters[::2], self.parameters[1::2], strict=True))
        heads = ["relu"] * (len(pairs) - 1) + ["softmax"]
        layers = [{"weights": W, "bias": b, "activation": head} for (W, b), head in zip(pairs, heads, strict=True)]
        return {"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": self.X, "labels": self.y}

    def cost(self, *parameters: Any, xp: Any = np) -> Any:
        """In the words of NumPy, or of a module that is like it."""
        a = self.X
        for place in range(0, len(parameters), 2):
            a = a @ parameters[place] + parameters[place + 1]
            if place < len(parameters) - 2:
                a = xp.maximum(a, 0.0)
        top = xp.max(a, axis=1, keepdims=True)
        losses = xp.log(xp.sum(xp.exp(a - top), axis=1)) + top[:, 0] - a[np.arange(len(a)), self.y]
        return xp.mean(losses)
