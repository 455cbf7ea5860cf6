"""Value and gradient of two networks, float64, one thread, against PyTorch eager.

    pip install -e '.[bench]'
    python benchmarks/value_and_gradient.py

Gate: no slower than PyTorch eager. What is timed: the cost and the gradients of all parameters from given weights and
inputs. PyTorch runs the modules people write (`nn.Sequential`, `cross_entropy`, `autograd.grad`), and once more without
modules, as `addmm` and `relu` on leaf tensors: the least that eager mode can do.
"""

from __future__ import annotations

from _timing import best_times, row  # first: it pins BLAS to one thread

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from engine import read_problem


def contest(widths: list[int], examples: int) -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((i, o)) * np.sqrt(2 / i) for i, o in pairwise(widths)]
    biases = [rng.standard_normal(o) * 0.1 for o in widths[1:]]
    X, y = rng.standard_normal((examples, widths[0])), rng.integers(0, widths[-1], examples)
    heads = ["relu"] * (len(weights) - 1) + ["softmax"]
    layers = [{"weights": W, "bias": b, "activation": a} for W, b, a in zip(weights, biases, heads, strict=True)]
    problem = read_problem({"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": X, "labels": y})
    parameters = problem.graph.parameters

    modules: list[nn.Module] = []
    for W, b in zip(weights, biases, strict=True):
        linear = nn.Linear(*W.shape).double()
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        modules += [linear, nn.ReLU()]
    model = nn.Sequential(*modules[:-1])
    inputs, labels = torch.tensor(X), torch.tensor(y)
    trained = list(model.parameters())
    leaves = [
        (torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True))
        for W, b in zip(weights, biases, strict=True)
    ]
    flat = [tensor for pair in leaves for tensor in pair]

    def verigrad() -> tuple[float, dict[str, object]]:
        run = problem.run()
        return float(run["J"]), run.gradients_of(parameters)

    def eager() -> tuple[float, tuple[torch.Tensor, ...]]:
        cost = cross_entropy(model(inputs), labels)
        return cost.item(), torch.autograd.grad(cost, trained)

    def bare() -> tuple[float, tuple[torch.Tensor, ...]]:
        a = inputs
        for number, (W, b) in enumerate(leaves):
            a = torch.addmm(b, a, W)
            a = torch.relu(a) if number < len(leaves) - 1 else a
        cost = cross_entropy(a, labels)
        return cost.item(), torch.autograd.grad(cost, flat)

    mine, theirs = verigrad(), eager()
    assert abs(mine[0] - theirs[0]) < 1e-12
    assert np.allclose(mine[1]["W1"], theirs[1][0].numpy().T, rtol=1e-10, atol=1e-14)
    times = best_times({"verigrad": verigrad, "eager": eager, "eager, no modules": bare})
    ratio = times["verigrad"] / times["eager"]
    title = "-".join(map(str, widths)) + f" × {examples}"
    row(title, times, f"{ratio:.2f} of eager: {'met' if ratio <= 1.0 else 'NOT MET'} (≤ 1)")


if __name__ == "__main__":
    torch.set_num_threads(1)
    contest([8, 16, 16, 4], 32)
    contest([784, 128, 10], 64)
