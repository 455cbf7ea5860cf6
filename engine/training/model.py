"""What a long run needs of a problem: one flat array of parameters, costs and gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from engine.ops.row import Array
from engine.problems import Problem
from engine.training.batches import Examples
from engine.training.buffers import buffer
from engine.training.dense import DenseNetwork
from engine.training.request import LongTraining
from engine.training.subset import with_parameters


class Model(Protocol):
    size: int
    """Numbers in all parameters."""
    dtype: Any
    initial: Array
    """The parameters that training begins with."""
    gradient: Array
    """Of the last batch that was learned from."""
    data: Any
    validation: Any

    def flat(self, leaves: Mapping[str, Array]) -> Array:
        """All parameters of a problem in one array."""

    def view(self, flat: Array) -> Any:
        """The parameters in a flat array, as `learn` and `measure` want them: views, not copies."""

    def named(self, flat: Array) -> dict[str, Array]:
        """The parameters, or their gradients, by name; copies."""

    def learn(self, parameters: Any, examples: Examples) -> tuple[float, int]:
        """Σ of the losses of these examples and the right answers; writes `gradient`."""

    def weight(self, examples: int) -> float:
        """What Σ of the losses of so many examples is multiplied with to be their cost."""

    def accuracy(self, right: int, examples: int) -> float | None: ...

    def measure(self, parameters: Any, data: Any) -> tuple[float, float | None]:
        """Cost and accuracy of all of `data` or `validation`."""


class GraphModel:
    """A graph of expressions: its cost is one number, with no examples beneath it."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.dtype = problem, np.dtype(np.float64)
        self.names = sorted(problem.graph.parameters)  # whatever order they were written in
        self.size = sum(problem.leaves[name].size for name in self.names)
        self.initial, self.gradient = self.flat(problem.leaves), buffer((self.size,), self.dtype)
        self.gradients = self.view(self.gradient)
        self.data, self.validation = None, None

    def flat(self, leaves: Mapping[str, Array]) -> Array:
        flat = buffer((self.size,), self.dtype)
        for name, value in self.view(flat).items():
            value[...] = leaves[name]
        return flat

    def view(self, flat: Array) -> dict[str, Array]:
        views, start = {}, 0
        for name in self.names:
            value = self.problem.leaves[name]
            views[name] = flat[start : start + value.size].reshape(value.shape)
            start += value.size
        return views

    def named(self, flat: Array) -> dict[str, Array]:
        views = self.view(flat)
        return {name: views[name].copy() for name in self.problem.graph.parameters}

    def learn(self, parameters: dict[str, Array], examples: Examples) -> tuple[float, int]:
        run = with_parameters(self.problem, parameters).run()
        for name, gradient in run.gradients_of(self.names).items():
            self.gradients[name][...] = gradient
        return float(run.values[self.problem.graph.output]), 0

    def weight(self, examples: int) -> float:
        return 1.0

    def accuracy(self, right: int, examples: int) -> float | None:
        return None

    def measure(self, parameters: dict[str, Array], data: None) -> tuple[float, float | None]:
        return float(with_parameters(self.problem, parameters).run().values[self.problem.graph.output]), None


def compiled(request: LongTraining) -> Model:
    problem = request.training.problem
    if problem.network is None:
        return GraphModel(problem)
    return DenseNetwork(problem, request.dtype, request.validation)
