"""How right checks are: the error of their numbers, false alarms, and planted mistakes that they find.

    pip install -e '.[bench,test]'
    python benchmarks/check_accuracy.py [NETWORKS]

On small relu networks with softmax cross-entropy (1,000 unless said otherwise), every second of them with kinks on purpose:
biases of 0 and one example of zeros, where any gradient between two slopes is right. A right gradient that is refused is a
false alarm. Then one entry of one gradient is moved by 0.1 % of the largest. That is found (where the right one was not
refused), or left open (a verdict `kink` says that gradients may lie anywhere between two slopes there), or missed.
Gates, for exact increments: errors ≤ 1e-14 of the largest gradient, no false alarm, nothing missed.
"""

from __future__ import annotations

import _timing  # noqa: F401  (first: it pins BLAS to one thread)

import sys
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from _checkers import Arrays, Network, autograd_takes, naive, near, scipy_central, torch_takes

from engine import check, read_problem
from engine.check import METHODS
from engine.check.checking import estimate

PLANTED = 1e-3
SHAPES = ([2, 3, 3, 2], [4, 8, 3], [8, 16, 16, 4])
TIMED = ((8, 16, 16, 4), (64, 32, 10), (784, 128, 10))
Checker = Callable[[Network, Arrays], str]
"""A verdict: `agrees`, `disagrees`, or what leaves it open."""


def exact(network: Network) -> Arrays:
    """The gradients by hand, in extended precision."""
    parameters = [each.astype(np.longdouble) for each in network.parameters]
    inputs, a = [], network.X.astype(np.longdouble)
    for W, b in zip(parameters[::2], parameters[1::2], strict=True):
        inputs.append(a)
        z = a @ W + b
        a = np.maximum(z, 0)
    d = np.exp(z - z.max(axis=1, keepdims=True))
    d /= d.sum(axis=1, keepdims=True)
    d[np.arange(len(d)), network.y] -= 1
    d /= len(d)
    found: Arrays = []
    for place in reversed(range(len(inputs))):
        found[:0] = [inputs[place].T @ d, d.sum(axis=0)]
        d = (d @ parameters[2 * place].T) * (inputs[place] > 0)
    return found


def verigrad(method: str) -> Checker:
    def judged(network: Network, claims: Arrays) -> str:
        problem = read_problem(network.wire())
        named = {f"d{name}": claim for name, claim in zip(problem.graph.parameters, claims, strict=True)}
        return check(problem, named, method=method, seed=0).status

    return judged


def other(takes: Callable[[Network, Arrays], bool]) -> Checker:
    return lambda network, claims: "agrees" if takes(network, claims) else "disagrees"


CHECKERS: dict[str, Checker] = {
    **{f"verigrad {method}": verigrad(method) for method in METHODS},
    "naive": other(lambda network, claims: near(claims, naive(network))),
    "scipy": other(lambda network, claims: near(claims, scipy_central(network))),
    "torch slow": other(lambda network, claims: torch_takes(network, claims, fast=False)),
    "torch fast": other(lambda network, claims: torch_takes(network, claims, fast=True)),
    "autograd": other(autograd_takes),
}


def small_network(seed: int) -> Network:
    network = Network(SHAPES[seed % len(SHAPES)], 4, seed)
    if seed % 2:
        network.X[0] = 0.0
        for bias in network.parameters[1::2]:
            bias[:] = 0.0
    return network


def own_gradients(network: Network) -> Arrays:
    problem = read_problem(network.wire())
    return [each.copy() for each in problem.run().gradients_of(problem.graph.parameters).values()]


def errors() -> None:
    """Of the numbers themselves, over the largest gradient."""
    for widths in TIMED:
        network = Network(widths, 32 if len(widths) == 4 else 64)
        problem = read_problem(network.wire())
        names = problem.graph.parameters
        found = estimate(problem, problem.run(), list(names), "increment", None, 0).by_name
        true = exact(network)
        size = max(float(np.abs(each).max()) for each in true)
        numbers = {"verigrad increment": [found[name].numeric for name in names]}
        if sum(each.size for each in true) < 10_000:
            numbers |= {"naive": naive(network), "scipy": scipy_central(network)}
        for name, arrays in numbers.items():
            error = max(float(np.abs(x - y).max()) for x, y in zip(arrays, true, strict=True)) / size
            gate = f"   {verdict(error <= 1e-14)} (≤ 1e-14)" if name.startswith("verigrad") else ""
            print(f"error {'-'.join(map(str, widths)):12s} {name:22s} {error:.1e}{gate}")


def alarms(count: int) -> None:
    tally = {name: Counter[str]() for name in CHECKERS}
    for seed in range(count):
        network, rng = small_network(seed), np.random.default_rng(seed)
        right = own_gradients(network)
        wrong = [each.copy() for each in right]
        flat = wrong[int(rng.integers(len(wrong)))].reshape(-1)
        flat[rng.integers(flat.size)] += PLANTED * max(float(np.abs(each).max()) for each in right) * rng.choice([-1, 1])
        for name, judged in CHECKERS.items():
            refused, found = judged(network, right) == "disagrees", judged(network, wrong)
            tally[name]["false alarms"] += refused
            tally[name]["found"] += found == "disagrees" and not refused
            tally[name]["left open"] += found not in ("agrees", "disagrees")
            tally[name]["missed"] += found == "agrees"
    for name, each in tally.items():
        clean = not each["false alarms"] and not each["missed"]
        gate = f"   {verdict(clean)}" if name == "verigrad increment" else ""
        listed = ", ".join(f"{number} {what}" for what, number in each.items())
        print(f"{name:22s} {listed}, of {count}{gate}")


def verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    errors()
    alarms(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
