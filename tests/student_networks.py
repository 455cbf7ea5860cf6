"""A student who trains a small network by hand: forward, backward, one step of gradient descent. One example a row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tests.students import BY_OUTPUT, FORWARD, Array, Student, blank, slope_at, softmax

HEADS = {
    "squared_error": ("identity", "sigmoid", "tanh"),
    "binary_cross_entropy": ("sigmoid",),
    "cross_entropy": ("softmax",),
}


@dataclass(frozen=True)
class Network:
    """The numbers of a task, one example a row."""

    X: Array
    Y: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activations: tuple[str, ...]
    loss: str
    scale: float = 1.0
    per_example: bool = False
    """The losses, dA and dZ stay per example, and 1/m enters in dW and db."""
    columns: bool = False
    rate: float = 0.1

    def wire(self) -> dict[str, Any]:
        turn = (lambda x: x.T.tolist()) if self.columns else (lambda x: x.tolist())
        loss: dict[str, Any] = {"kind": self.loss, "average_in": "parameters" if self.per_example else "loss"}
        if self.loss == "squared_error":
            loss["scale"] = self.scale
        layers = [
            {"weights": turn(W), "bias": b.tolist(), "activation": f}
            for W, b, f in zip(self.weights, self.biases, self.activations, strict=True)
        ]
        return {
            "network": {"layers": layers, "layout": "columns" if self.columns else "rows", "loss": loss},
            "inputs": turn(self.X),
            "labels": turn(self.Y),
            "optimizer": {"kind": "sgd", "learning_rate": self.rate},
        }


def draw_network(rng: np.random.Generator, examples: int | None = None) -> Network:
    """A random small network; often square, so that mistakes with matrices keep their shape."""
    m = examples or int(rng.integers(1, 5))
    loss = str(rng.choice(["squared_error", "squared_error", "binary_cross_entropy", "cross_entropy"]))
    hidden = 2 if rng.random() < 0.2 else 1
    square = rng.random() < 0.4
    widths = [int(rng.integers(2, 4))] * (hidden + 2) if square else [int(each) for each in rng.integers(1, 4, hidden + 2)]
    if loss == "cross_entropy":
        widths[-1] = max(widths[-1], 2)
    if square and rng.random() < 0.3:
        m = widths[0]
    activations = [str(rng.choice(["sigmoid", "tanh", "relu"])) for _ in range(hidden)]
    Y = rng.standard_normal((m, widths[-1]))
    if loss == "binary_cross_entropy":
        Y = np.round(rng.random(Y.shape))
    elif loss == "cross_entropy":
        Y = np.eye(widths[-1])[rng.integers(0, widths[-1], m)]
    return Network(
        X=rng.standard_normal((m, widths[0])),
        Y=Y,
        weights=tuple(rng.standard_normal(pair) for pair in pairwise(widths)),
        biases=tuple(0.5 * rng.standard_normal(each) for each in widths[1:]),
        activations=(*activations, str(rng.choice(HEADS[loss]))),
        loss=loss,
        scale=float(rng.choice([0.5, 1.0])),
        per_example=bool(rng.random() < 0.2),
        columns=bool(rng.random() < 0.3),
        rate=float(rng.choice([0.5, 0.1, 0.05])),
    )


def losses_of(net: Network, A: Array) -> Array:
    if net.loss == "squared_error":
        return net.scale * ((A - net.Y) ** 2).sum(axis=1)
    if net.loss == "cross_entropy":
        return -(net.Y * np.log(A)).sum(axis=1)
    return -(net.Y * np.log(A) + (1.0 - net.Y) * np.log(1.0 - A)).sum(axis=1)


def loss_slope(loss: str, A: Array, Y: Array, scale: float) -> Array:
    if loss == "absolute_error":
        return np.sign(A - Y)
    if loss == "squared_error":
        return 2.0 * scale * (A - Y)
    if loss == "cross_entropy":
        return -Y / A
    return (A - Y) / (A * (1.0 - A))


@dataclass
class NetworkStudent(Student):
    net: Network = field(kw_only=True)
    shortcut: bool = False
    """Takes dZ = A − Y after softmax with cross-entropy and sigmoid with binary cross-entropy, whatever dA was."""
    at_z: bool = False
    """Takes f′ at z, and not from a."""

    def other(self, **changes: Any) -> NetworkStudent:
        return replace(self, **{**blank(), **changes})

    def solve(self) -> NetworkStudent:
        self.flipped = self.net.columns
        self.Z: list[Array] = [self.net.X]
        self.A: list[Array] = [self.net.X]
        for layer in range(1, len(self.net.weights) + 1):
            self.forward(layer)
        self.cost()
        self.backward()
        return self

    def forward(self, layer: int) -> None:
        W, b, f = self.net.weights[layer - 1], self.net.biases[layer - 1], self.net.activations[layer - 1]
        before = self.A[-1]
        name = f"Z{layer}"
        if layer > 1 and self.net.activations[layer - 2] != "identity" and self.slips("used_pre_activation", name):
            before = self.Z[-1]
        Z = before @ W + b
        if self.slips("forgot_bias", name):
            Z = before @ W
        if before.shape == W.shape and before.shape[0] == before.shape[1] and self.slips("elementwise_for_matmul", name):
            Z = before * W + b
        self.Z.append(self.keep(name, Z))
        name = f"A{layer}"
        A = FORWARD[f](self.Z[-1])
        if f == "softmax" and self.slips("wrong_axis", name):
            A = softmax(self.Z[-1], axis=0)
        takes_any = layer < len(self.net.weights) or self.net.loss == "squared_error"
        if f != "identity" and takes_any and self.slips("used_pre_activation", name):
            A = self.Z[-1]
        self.A.append(self.keep(name, A))

    def cost(self) -> None:
        A = self.A[-1]
        losses = losses_of(self.net, A) if self.net.loss == "squared_error" or (A > 0).all() else np.ones(len(A))
        halved = self.net.loss == "squared_error" and self.net.scale == 0.5
        if halved and self.slips("missing_half", "losses"):
            losses = 2.0 * losses
        losses = self.keep("losses", losses)
        self.keep("J", losses.sum() if self.slips("summed_not_averaged", "J") else losses.mean())

    def backward(self) -> None:
        net, m = self.net, len(self.net.X)
        dA = self.loss_gradient()
        for layer in range(len(net.weights), 0, -1):
            dA = self.keep(f"dA{layer}", dA)
            dZ = self.keep(f"dZ{layer}", self.activation_gradient(layer, dA))
            W, b, before = net.weights[layer - 1], net.biases[layer - 1], self.A[layer - 1]
            share = 1.0 / m if net.per_example else 1.0
            dW = self.weight_gradient(layer, before, dZ, share)
            self.bias_gradient(layer, dZ, share)
            rate = net.rate
            self.update(f"W{layer}", W, dW)
            self.update(f"b{layer}", b, self.db)
            if layer > 1:
                name = f"dA{layer - 1}"
                back = W
                if self.slips("used_updated_weights", name):
                    back = W - rate * dW
                dA = dZ @ back.T
                if W.shape[0] == W.shape[1] and self.slips("weights_not_transposed", name):
                    dA = dZ @ W
                if self.slips("forgot_upstream_weights", name):
                    dA = dZ if dZ.shape == before.shape else np.repeat(dZ.sum(axis=1, keepdims=True), W.shape[0], axis=1)
                if dZ.shape == W.shape == before.shape and self.slips("elementwise_for_matmul", name):
                    dA = dZ * W

    def loss_gradient(self) -> Array:
        net, A, Y, m = self.net, self.A[-1], self.net.Y, len(self.net.X)
        name = f"dA{len(net.weights)}"
        share = 1.0 if net.per_example else 1.0 / m
        dA = loss_slope(net.loss, A, Y, net.scale)
        if net.loss == "squared_error":
            if net.scale == 1.0 and self.slips("missing_factor_two", name):
                dA = A - Y
            if net.scale == 0.5 and self.slips("missing_half", name):
                dA = 2.0 * (A - Y)
            if self.slips("labels_forgotten", name):
                dA = 2.0 * net.scale * A
        others = [each for each in ("absolute_error", *HEADS) if each != net.loss]
        others = others[:1] if net.loss == "squared_error" else others  # logarithms need probabilities
        if way := self.slips("wrong_loss_derivative", name, len(others)):
            dA = loss_slope(others[way - 1], A, Y, 1.0)
        if self.slips("loss_derivative_reversed", name):
            dA = -dA
        if m > 1 and not net.per_example and self.slips("missing_one_over_m", name):
            share = 1.0
        if m > 1 and self.slips("extra_one_over_m", name):
            share = share / m
        return dA * share

    def activation_gradient(self, layer: int, dA: Array) -> Array:
        net, name, f = self.net, f"dZ{layer}", self.net.activations[layer - 1]
        A, Z, Y = self.A[layer], self.Z[layer], self.net.Y
        share = 1.0 if net.per_example else 1.0 / len(A)
        fused = layer == len(net.weights) and net.loss != "squared_error"
        if fused and self.shortcut and len(A) > 1 and not net.per_example:
            if self.slips("missing_one_over_m", name):
                return A - Y
            if self.slips("extra_one_over_m", name):
                return (A - Y) * share * share
        if f == "identity":
            return dA
        if fused and self.shortcut and self.slips("loss_derivative_reversed", name):
            return (Y - A) * share
        if fused and self.shortcut and self.slips("labels_forgotten", name):
            return A * share
        if self.slips("missing_activation_derivative", name):
            return dA
        if f == "softmax":
            if self.slips("softmax_diagonal_only", name):
                return dA * A * (1.0 - A)
            if self.shortcut:
                return (A - Y) * share
            return A * (dA - (dA * A).sum(axis=1, keepdims=True))
        if self.slips("derivative_at_z_not_a", name):
            return dA * BY_OUTPUT[f](Z)
        if self.slips("derivative_at_a_not_z", name):
            return dA * slope_at(f, A)
        others = [each for each in BY_OUTPUT if each != f]
        if way := self.slips("wrong_activation_derivative", name, 2):
            return dA * slope_at(others[way - 1], Z)
        if self.slips("forgot_upstream_gradient", name):
            return BY_OUTPUT[f](A)
        if (
            layer == len(net.weights)
            and net.loss == "squared_error"
            and f == "sigmoid"
            and self.slips("wrong_loss_derivative", name)
        ):
            return (A - Y) * share
        if fused and self.shortcut:
            return (A - Y) * share
        return dA * (slope_at(f, Z) if self.at_z else BY_OUTPUT[f](A))

    def weight_gradient(self, layer: int, before: Array, dZ: Array, share: float) -> Array:
        name, m = f"dW{layer}", len(dZ)
        wrote = None
        if self.slips("outer_product_swapped", name):
            wrote = (dZ.T @ before) * share
        if layer > 1 and self.net.activations[layer - 2] != "identity" and self.slips("used_pre_activation", name):
            before = self.Z[layer - 1]
        dW = before.T @ dZ * share
        if before.shape == dZ.shape == dW.shape and self.slips("elementwise_for_matmul", name):
            dW = before * dZ
        if self.slips("forgot_upstream_gradient", name):
            dW = before.T @ np.ones_like(dZ) * share
        return self.keep(name, self.averaged(name, dW, m), wrote)

    def averaged(self, name: str, value: Array, m: int) -> Array:
        if m > 1 and self.slips("missing_one_over_m", name):
            value = value * m
        if m > 1 and self.slips("extra_one_over_m", name):
            value = value / m
        return value

    def bias_gradient(self, layer: int, dZ: Array, share: float) -> None:
        name = f"db{layer}"
        wrote = None
        db = dZ.sum(axis=0) * share
        if len(dZ) > 1 and (way := self.slips("missing_row_sum", name, 3)):
            wrote = (dZ * share, dZ[0] * share, dZ[-1] * share)[way - 1]
        if dZ.shape[0] > 1 and dZ.shape[1] > 1 and self.slips("wrong_axis", name):
            wrote = dZ.sum(axis=1) * share
        self.db = self.keep(name, self.averaged(name, db, len(dZ)), wrote)

    def update(self, parameter: str, value: Array, gradient: Array) -> None:
        name, rate, sign = f"{parameter}_new", self.net.rate, 1.0
        if self.slips("gradient_ascent", name):
            sign = -1.0
        if self.slips("learning_rate_missing", name):
            rate = 1.0
        if self.slips("learning_rate_applied_twice", name):
            rate = rate * rate
        new = value - sign * rate * gradient
        if self.slips("one_step_early", name):
            new = value
        if self.slips("one_step_late", name):
            new = self.second_step(name)
        self.keep(name, new)

    def second_step(self, name: str) -> Array:
        first = self.other(submits=None).solve().numbers
        turn = (lambda x: x.T) if self.net.columns else (lambda x: x)
        layers = range(1, len(self.net.weights) + 1)
        moved = replace(
            self.net,
            weights=tuple(turn(first[f"W{layer}_new"]) for layer in layers),
            biases=tuple(first[f"b{layer}_new"] for layer in layers),
        )
        second = self.other(net=moved, submits=None).solve().numbers[name]
        return turn(second) if second.ndim == 2 else second
