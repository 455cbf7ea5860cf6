"""Value and gradient of two networks, float64, one thread, against PyTorch eager.

    pip install -e '.[bench]'
    python benchmarks/value_and_gradient.py

Gate: no slower than PyTorch eager. What is timed: the cost and the gradients of all parameters from given weights and
inputs. PyTorch runs the modules people write (`nn.Sequential`, `cross_entropy`, `autograd.grad`), and once more without
modules, as `addmm` and `relu` on leaf tensors: the least that eager mode can do. Without PyTorch only ours is timed.
"""

from __future__ import annotations

from _timing import timed  # first: it pins BLAS to one thread

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from _installed import torch_on_one_thread
from _report import Reading, Wanted, number, run

from engine import read_problem

NO_SLOWER = Wanted("≤", 1)
PEERS = {"PyTorch eager": NO_SLOWER, "eager, no modules": None}

reading = partial(Reading, "value_and_gradient")


def contest(widths: list[int], examples: int, torch: Any, share: float) -> Iterator[Reading]:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((i, o)) * np.sqrt(2 / i) for i, o in pairwise(widths)]
    biases = [rng.standard_normal(o) * 0.1 for o in widths[1:]]
    X, y = rng.standard_normal((examples, widths[0])), rng.integers(0, widths[-1], examples)
    heads = ["relu"] * (len(weights) - 1) + ["softmax"]
    layers = [{"weights": W, "bias": b, "activation": a} for W, b, a in zip(weights, biases, heads, strict=True)]
    problem = read_problem({"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": X, "labels": y})
    parameters = problem.graph.parameters

    def verigrad() -> tuple[float, Mapping[str, np.ndarray]]:
        run = problem.run()
        return float(run["J"]), run.gradients_of(parameters)

    others = {} if torch is None else eager_peers(torch, weights, biases, X, y)
    for peer in others.values():
        mine, theirs = verigrad(), peer()
        assert abs(mine[0] - theirs[0]) < 1e-12
        W1, first = mine[1]["W1"], theirs[1][0].numpy()
        first = first if first.shape == W1.shape else first.T  # the modules hold weights transposed
        assert np.allclose(W1, first, rtol=1e-10, atol=1e-14)
    times = timed({"verigrad": verigrad, **others}, share=share)
    ours = times["verigrad"]
    found = reading("-".join(map(str, widths)) + f" × {examples}", "value and gradient", ours.median)
    for name, wanted in PEERS.items():
        if name in times:
            best = f"{number(ours.best / times[name].best)}× it by best times"
            yield found.beside(name, times[name].median, wanted=wanted, note=best)
        else:
            yield found.without(name, wanted=wanted)


def eager_peers(
    torch: Any, weights: list[np.ndarray], biases: list[np.ndarray], X: np.ndarray, y: np.ndarray
) -> dict[str, Callable[[], tuple[float, Any]]]:
    nn, cross_entropy = torch.nn, torch.nn.functional.cross_entropy
    modules: list[Any] = []
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

    def eager() -> tuple[float, Any]:
        cost = cross_entropy(model(inputs), labels)
        return cost.item(), torch.autograd.grad(cost, trained)

    def bare() -> tuple[float, Any]:
        a = inputs
        for place, (W, b) in enumerate(leaves):
            a = torch.addmm(b, a, W)
            a = torch.relu(a) if place < len(leaves) - 1 else a
        cost = cross_entropy(a, labels)
        return cost.item(), torch.autograd.grad(cost, flat)

    return {"PyTorch eager": eager, "eager, no modules": bare}


def readings(share: float) -> Iterator[Reading]:
    torch = torch_on_one_thread()
    yield from contest([8, 16, 16, 4], 32, torch, share)
    yield from contest([784, 128, 10], 64, torch, share)


if __name__ == "__main__":
    run(readings, __doc__)
