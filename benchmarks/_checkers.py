"""What others check gradients with, on the network that people write: relu layers and softmax cross-entropy.

Each checker takes a claimed gradient for each parameter and says whether it accepts them, with its own defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import autograd.numpy as anp
import numpy as np
import torch
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads
from scipy.optimize._numdiff import approx_derivative

Arrays = list[np.ndarray]
STEP = 1e-5
CLOSE = {"rtol": 1e-3, "atol": 1e-5}
"""What torch's gradcheck takes for close; those that only give numbers are held to the same."""


class Network:
    """Weights and biases by turns, inputs and classes."""

    def __init__(self, widths: Sequence[int], examples: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
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
        a = self.X
        for place in range(0, len(parameters), 2):
            a = a @ parameters[place] + parameters[place + 1]
            if place < len(parameters) - 2:
                a = xp.maximum(a, 0.0)
        top = a.max(axis=1, keepdims=True) if xp is np else anp.max(a, axis=1, keepdims=True)
        losses = xp.log(xp.sum(xp.exp(a - top), axis=1)) + top[:, 0] - a[np.arange(len(a)), self.y]
        return xp.mean(losses)

    def torch_cost(self, *parameters: torch.Tensor) -> torch.Tensor:
        a = torch.from_numpy(self.X)
        for place in range(0, len(parameters), 2):
            a = torch.addmm(parameters[place + 1], a, parameters[place])
            a = torch.relu(a) if place < len(parameters) - 2 else a
        return torch.nn.functional.cross_entropy(a, torch.from_numpy(self.y))


def naive(network: Network, which: Sequence[int] | None = None) -> Arrays:
    """The loop of the course: every entry up and down, the whole cost each time."""
    found = []
    for number in which if which is not None else range(len(network.parameters)):
        flat = network.parameters[number].reshape(-1)
        numeric = np.empty(flat.size)
        for entry in range(flat.size):
            kept = flat[entry]
            flat[entry] = kept + STEP
            up = network.cost(*network.parameters)
            flat[entry] = kept - STEP
            numeric[entry] = (up - network.cost(*network.parameters)) / (2 * STEP)
            flat[entry] = kept
        found.append(numeric.reshape(network.parameters[number].shape))
    return found


def scipy_central(network: Network, which: Sequence[int] | None = None) -> Arrays:
    """scipy's differences of three points, of one tensor after the other."""
    found = []
    for number in which if which is not None else range(len(network.parameters)):
        parameter = network.parameters[number]

        def moved(x: np.ndarray, number: int = number, shape: tuple[int, ...] = parameter.shape) -> Any:
            return network.cost(*network.parameters[:number], x.reshape(shape), *network.parameters[number + 1 :])

        found.append(approx_derivative(moved, parameter.ravel(), method="3-point").reshape(parameter.shape))
    return found


def torch_check(network: Network, *, fast: bool, which: Sequence[int] | None = None) -> bool:
    """gradcheck of torch's own gradients, of all parameters or of some."""
    chosen = range(len(network.parameters)) if which is None else which
    tensors = [torch.tensor(x, requires_grad=n in chosen) for n, x in enumerate(network.parameters)]
    return torch.autograd.gradcheck(network.torch_cost, tensors, fast_mode=fast, raise_exception=False)


def autograd_check(network: Network) -> bool:
    """HIPS autograd's check, of its own gradients along one random direction."""
    return accepted(lambda: check_grads(lambda *x: network.cost(*x, xp=anp), modes=["rev"], order=1)(*network.parameters))


def accepted(check: Callable[[], object]) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


def near(claims: Arrays, numeric: Arrays) -> bool:
    return all(np.allclose(claim, found, **CLOSE) for claim, found in zip(claims, numeric, strict=True))


def torch_takes(network: Network, claims: Arrays, *, fast: bool) -> bool:
    """gradcheck of gradients that are claimed."""

    class Claimed(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *parameters: torch.Tensor) -> torch.Tensor:
            return network.torch_cost(*parameters)

        @staticmethod
        def backward(ctx: Any, *d: torch.Tensor) -> Any:
            return tuple(d[0] * torch.from_numpy(claim) for claim in claims)

    tensors = [torch.tensor(x, requires_grad=True) for x in network.parameters]
    return torch.autograd.gradcheck(Claimed.apply, tensors, fast_mode=fast, raise_exception=False)


def autograd_takes(network: Network, claims: Arrays) -> bool:
    """The same for HIPS autograd."""
    claimed = primitive(network.cost)
    defvjp(claimed, *[lambda out, *x, claim=claim: lambda d: d * claim for claim in claims])
    return accepted(lambda: check_grads(claimed, modes=["rev"], order=1)(*network.parameters))
