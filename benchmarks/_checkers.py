"""What others check gradients with. Each has its own defaults, and is imported only when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from _networks import Arrays, Network

STEP = 1e-5
CLOSE = {"rtol": 1e-3, "atol": 1e-5}
"""What torch's gradcheck takes for close; those that only give numbers are held to the same."""
Which = Sequence[int] | None
"""Some parameters, or all."""


def naive(network: Network, which: Which = None) -> Arrays:
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


def scipy_central(network: Network, which: Which = None) -> Arrays:
    """scipy's differences of three points, of one tensor after the other."""
    from scipy.optimize._numdiff import approx_derivative

    found = []
    for number in which if which is not None else range(len(network.parameters)):
        parameter = network.parameters[number]

        def moved(x: np.ndarray, number: int = number, shape: tuple[int, ...] = parameter.shape) -> Any:
            return network.cost(*network.parameters[:number], x.reshape(shape), *network.parameters[number + 1 :])

        found.append(approx_derivative(moved, parameter.ravel(), method="3-point").reshape(parameter.shape))
    return found


def torch_cost(network: Network, *parameters: Any) -> Any:
    import torch

    a = torch.from_numpy(network.X)
    for place in range(0, len(parameters), 2):
        a = torch.addmm(parameters[place + 1], a, parameters[place])
        a = torch.relu(a) if place < len(parameters) - 2 else a
    return torch.nn.functional.cross_entropy(a, torch.from_numpy(network.y))


def torch_check(network: Network, *, fast: bool, which: Which = None) -> bool:
    """gradcheck of torch's own gradients, of all parameters or of some."""
    import torch

    chosen = range(len(network.parameters)) if which is None else which
    tensors = [torch.tensor(x, requires_grad=n in chosen) for n, x in enumerate(network.parameters)]
    return torch.autograd.gradcheck(lambda *x: torch_cost(network, *x), tensors, fast_mode=fast, raise_exception=False)


def torch_takes(network: Network, claims: Arrays, *, fast: bool) -> bool:
    """gradcheck of gradients that are claimed."""
    import torch

    class Claimed(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *parameters: torch.Tensor) -> torch.Tensor:
            return torch_cost(network, *parameters)

        @staticmethod
        def backward(ctx: Any, *d: torch.Tensor) -> Any:
            return tuple(d[0] * torch.from_numpy(claim) for claim in claims)

    tensors = [torch.tensor(x, requires_grad=True) for x in network.parameters]
    return torch.autograd.gradcheck(Claimed.apply, tensors, fast_mode=fast, raise_exception=False)


def autograd_check(network: Network) -> bool:
    """HIPS autograd's check, of its own gradients along one random direction."""
    import autograd.numpy as anp
    from autograd.test_util import check_grads

    return accepted(lambda: check_grads(lambda *x: network.cost(*x, xp=anp), modes=["rev"], order=1)(*network.parameters))


def autograd_takes(network: Network, claims: Arrays) -> bool:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    claimed = primitive(network.cost)
    defvjp(claimed, *[lambda out, *x, claim=claim: lambda d: d * claim for claim in claims])
    return accepted(lambda: check_grads(claimed, modes=["rev"], order=1)(*network.parameters))


@cache
def jax_cost() -> Callable[..., Any]:
    """Compiled once for all networks of the same shapes, so inputs and labels are arguments too."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def cost(X: Any, y: Any, *parameters: Any) -> Any:
        a = X
        for place in range(0, len(parameters), 2):
            a = a @ parameters[place] + parameters[place + 1]
            a = jax.nn.relu(a) if place < len(parameters) - 2 else a
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], axis=1))

    return jax.jit(cost)


def jax_check(network: Network) -> bool:
    """JAX's check, of its own gradients along one random direction."""
    cost = jax_cost()
    from jax.test_util import check_grads

    return accepted(lambda: check_grads(lambda *x: cost(network.X, network.y, *x), network.parameters, 1, modes=["rev"]))


def jax_takes(network: Network, claims: Arrays) -> bool:
    cost = jax_cost()
    import jax
    from jax.test_util import check_grads

    claimed = jax.custom_vjp(lambda *x: cost(network.X, network.y, *x))
    claimed.defvjp(lambda *x: (cost(network.X, network.y, *x), None), lambda _, d: tuple(d * claim for claim in claims))
    return accepted(lambda: check_grads(claimed, network.parameters, 1, modes=["rev"]))


def accepted(check: Callable[[], object]) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


def near(claims: Arrays, numeric: Arrays) -> bool:
    return all(np.allclose(claim, found, **CLOSE) for claim, found in zip(claims, numeric, strict=True))


@dataclass(frozen=True)
class Checker:
    module: str
    """That must be installed."""
    look: Callable[[Network, Which], object]
    """What is timed: numbers of all entries or of some, or whether it takes its own gradients for right."""
    takes: Callable[[Network, Arrays], bool]
    """Whether it takes claimed gradients for right."""
    every_entry: bool
    """Whether it looks at them one by one, and not along one direction."""


CHECKERS = {
    "naive": Checker("numpy", naive, lambda network, claims: near(claims, naive(network)), True),
    "scipy": Checker("scipy", scipy_central, lambda network, claims: near(claims, scipy_central(network)), True),
    "torch slow": Checker(
        "torch",
        lambda network, which: torch_check(network, fast=False, which=which),
        lambda network, claims: torch_takes(network, claims, fast=False),
        True,
    ),
    "torch fast": Checker(
        "torch",
        lambda network, which: torch_check(network, fast=True, which=which),
        lambda network, claims: torch_takes(network, claims, fast=True),
        False,
    ),
    "autograd": Checker("autograd", lambda network, which: autograd_check(network), autograd_takes, False),
    "jax": Checker("jax", lambda network, which: jax_check(network), jax_takes, False),
}
