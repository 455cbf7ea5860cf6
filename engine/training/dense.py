"""The hot loop of dense networks: all memory laid out once, every operation in place.

Inside, examples are rows and weights in_out, whatever the problem's conventions; parameters lie in one flat array, so that
an optimizer's step is a few operations, however many layers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.problems import Problem
from engine.training import costs, slopes
from engine.training.batches import Examples
from engine.training.buffers import Scratch, buffer, ones, spread

Views = list[tuple[Array, Array | None]]
"""W and b of every layer, as parts of one flat array."""
MEASURED = 256
"""Examples that are measured together."""


class Dataset:
    """Examples as the loop wants them: arrays with one example a row."""

    def __init__(self, X: Array, Y: Array, loss: costs.LossKernel, dtype: Any) -> None:
        self.size = len(X)
        labels = Y.astype(dtype)
        facts = loss.facts(labels)
        inputs = spread(X, buffer(X.shape, dtype))
        self.arrays = (inputs, *(spread(each, buffer(each.shape, each.dtype)) for each in (labels, *facts)))

    def take(self, examples: Examples, into: list[Array]) -> list[Array]:
        """The rows of a batch: as they lie, or gathered."""
        if isinstance(examples, slice):
            return [each[examples] for each in self.arrays]
        for array, target in zip(self.arrays, into, strict=True):
            np.take(array, examples, axis=0, out=target, mode="clip")  # to raise, NumPy would go through a copy
        return into


class Layer:
    """The buffers of one layer for one batch size, and what it does."""

    def __init__(self, network: DenseNetwork, number: int, examples: int) -> None:
        units, dtype = network.widths[number + 1], network.dtype
        self.z, self.a, self.slope, self.d = (buffer((examples, units), dtype) for _ in range(4))
        self.scratch = Scratch(examples, units, dtype)
        self.forward: Callable[..., None] | None = None
        """None for a fused head, whose loss starts from z."""
        self.backward: Callable[..., None] = slopes.times_slope
        if number < len(network.widths) - 2 or not network.fused:
            kernel, settings = network.activations[number]
            self.forward, self.backward = partial(kernel.forward, **settings), kernel.backward


class Pass:
    """Forward and backward for one batch size."""

    def __init__(self, network: DenseNetwork, examples: int) -> None:
        self.layers = [Layer(network, number, examples) for number in range(len(network.widths) - 1)]
        self.loss = network.loss
        self.weight = network.weight(examples)
        self.ones = ones(examples, network.dtype)
        self.gathered = [buffer((examples, *each.shape[1:]), each.dtype) for each in network.data.arrays]

    def measure(self, parameters: Views, X: Array, Y: Array, *facts: Array) -> tuple[float, int]:
        """Σ of the losses, unscaled, and the right answers; leaves the slope of this sum with the last layer."""
        a = X
        for layer, (W, b) in zip(self.layers, parameters, strict=True):
            a.dot(W, out=layer.z)
            if b is not None:
                np.add(layer.z, spread(b, layer.scratch.work), out=layer.z)
            if layer.forward is None:
                a = layer.z
            else:
                layer.forward(layer.z, layer.a, layer.slope, layer.scratch)
                a = layer.a
        return self.loss(a, Y, facts, layer.d, layer.scratch)

    def learn(self, parameters: Views, gradients: Views, X: Array, Y: Array, *facts: Array) -> tuple[float, int]:
        """The same, and the gradients of the cost."""
        found = self.measure(parameters, X, Y, *facts)
        layers = self.layers
        np.multiply(layers[-1].d, self.weight, out=layers[-1].d)
        for number in range(len(layers) - 1, -1, -1):
            layer, (dW, db) = layers[number], gradients[number]
            d = layer.d
            if layer.forward is not None:
                layer.backward(d, layer.a, layer.slope, layer.scratch)
            if db is not None:
                self.ones.dot(d, out=db)
            if number == 0:
                X.T.dot(d, out=dW)  # (i,m)(m,o)
            else:
                before = layers[number - 1]
                before.a.T.dot(d, out=dW)
                d.dot(parameters[number][0].T, out=before.d)  # (m,o)(o,i)
        return found


class DenseNetwork:
    """A network compiled for training; see `engine.training.model.Model`."""

    def __init__(self, problem: Problem, dtype: str = "float64", validation: tuple[Array, Array] | None = None) -> None:
        assert problem.network is not None
        network, graph = problem.network, problem.graph
        self.network, self.dtype = network, np.dtype(dtype)
        self.flipped = network.orientation == "out_in"
        self.fused = graph.shortcut is not None
        self.activations = []
        for each in network.layers:
            settings = {name: value for name, value in graph[each.head].attributes.items() if name != "axis"}
            self.activations.append((slopes.KERNELS[each.activation], settings))
        attributes = dict(graph["losses"].attributes)
        del attributes["axis"]
        self.scale = float(attributes.pop("scale"))
        kernel = costs.KERNELS[graph.shortcut.fusion.op.name if graph.shortcut else network.cost.rule.name]
        self.answers = kernel.answers
        self.loss = partial(kernel.learn, **attributes) if attributes else kernel.learn

        X, Y = (network.rows(problem.leaves[name]) for name in ("X", "Y"))
        self.data = Dataset(X, Y, kernel, self.dtype)
        self.validation = Dataset(*validation, kernel, self.dtype) if validation else None
        self.outputs = Y.shape[1]
        self.widths = [X.shape[1], *(self.in_out(problem.leaves[each.weights]).shape[1] for each in network.layers)]
        self.size = sum(problem.leaves[name].size for name in graph.parameters)
        self.initial = self.flat(problem.leaves)
        self.gradient = buffer((self.size,), self.dtype)
        self.gradients = self.view(self.gradient)
        self.passes: dict[int, Pass] = {}

    def in_out(self, W: Array) -> Array:
        """Weights as (fan-in, units); its own inverse."""
        return W.T if self.flipped else W

    def weight(self, examples: int) -> float:
        """What the sum of the losses of so many examples is multiplied with."""
        return self.scale / examples if self.network.cost.reduction == "mean" else self.scale

    def flat(self, leaves: Any) -> Array:
        """All parameters in one array."""
        flat = buffer((self.size,), self.dtype)
        for (W, b), layer in zip(self.view(flat), self.network.layers, strict=True):
            W[...] = self.in_out(leaves[layer.weights])
            if b is not None:
                b[...] = leaves[layer.bias]
        return flat

    def view(self, flat: Array) -> Views:
        views: Views = []
        start = 0
        for layer, fan_in, units in zip(self.network.layers, self.widths, self.widths[1:], strict=False):
            W = flat[start : start + fan_in * units].reshape(fan_in, units)
            start += W.size
            b = flat[start : start + units] if layer.bias else None
            start += units if layer.bias else 0
            views.append((W, b))
        return views

    def named(self, flat: Array) -> dict[str, Array]:
        """By name, in the problem's orientation; copies."""
        named = {}
        for (W, b), layer in zip(self.view(flat), self.network.layers, strict=True):
            named[layer.weights] = np.array(self.in_out(W), order="C")
            if b is not None:
                named[layer.bias] = b.copy()
        return named

    def pass_for(self, examples: int) -> Pass:
        if examples not in self.passes:
            self.passes[examples] = Pass(self, examples)
        return self.passes[examples]

    def learn(self, parameters: Views, examples: Examples) -> tuple[float, int]:
        """Σ of a batch's losses and its right answers; the gradients of its cost are then in `gradient`."""
        count = examples.stop - examples.start if isinstance(examples, slice) else len(examples)
        step = self.pass_for(count)
        return step.learn(parameters, self.gradients, *self.data.take(examples, step.gathered))

    def measure(self, parameters: Views, data: Dataset) -> tuple[float, float | None]:
        """The cost of a whole set, and the share of right answers where there are any."""
        total, right = 0.0, 0
        for part in parts(data.size):
            step = self.pass_for(part.stop - part.start)
            loss, hits = step.measure(parameters, *data.take(part, step.gathered))
            total, right = total + loss, right + hits
        return total * self.weight(data.size), self.accuracy(right, data.size)

    def accuracy(self, right: int, examples: int) -> float | None:
        if not self.answers:
            return None
        return right / (examples * (self.outputs if self.answers == "outputs" else 1))


def parts(examples: int) -> Iterator[slice]:
    for start in range(0, examples, MEASURED):
        yield slice(start, min(start + MEASURED, examples))
