"""A full check of all parameters' gradients by exact increments, against one pass and against what others check with.

    pip install -e '.[bench,test]'
    python benchmarks/check.py

Gate: on 784-128-10 with 64 examples no more than twice one pass of value and gradient. `certify` computes values and
gradients and confirms them, `confirm` takes a run and its gradients as given; each once for the gradients of the parameters
and once for those of all nodes, inputs included, and each is set against the pass that computes as many.

Others are timed whole, or on the bias of one layer and multiplied up (marked ~) where that would take minutes. All times are
medians of processor time; contestants take turns, one thread, float64. How right each is: benchmarks/check_accuracy.py.
"""

from __future__ import annotations

from _timing import median_times  # first: it pins BLAS to one thread

import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version

import numpy as np
import scipy
import torch
from _checkers import Network, autograd_check, naive, scipy_central, torch_check

from engine import certify, check, read_problem
from engine.version import ENGINE_VERSION

TARGETS = {
    (8, 16, 16, 4): {"naive": 100, "torch slow": 250},
    (64, 32, 10): {"naive": 1_000, "torch slow": 2_500},
    (784, 128, 10): {"naive": 50_000, "torch slow": 80_000},
    (64, 64, 64, 64, 64, 10): {"naive": 200},
}
"""How many times faster than each other one."""
EXAMPLES = {(8, 16, 16, 4): 32}
WHOLE = 3_000
"""Parameters up to which the others are timed whole."""


def passes(network: Network) -> dict[str, float]:
    problem = read_problem(network.wire())
    parameters = problem.graph.parameters
    run = problem.run()
    some, every = run.gradients_of(parameters), run.gradients

    def certify_parameters() -> object:
        fresh = problem.run()
        return certify(problem, fresh, gradients=fresh.gradients_of(parameters))

    times = median_times(
        {
            "pass, parameters": lambda: problem.run().gradients_of(parameters),
            "pass, all nodes": lambda: problem.run().gradients,
            "certify, parameters": certify_parameters,
            "certify, all nodes": lambda: certify(problem),
            "confirm, parameters": lambda: certify(problem, run, gradients=some),
            "confirm, all nodes": lambda: certify(problem, run, gradients=every),
            "check": lambda: check(problem),
        }
    )
    for name, seconds in times.items():
        one = times["pass, all nodes" if "all" in name else "pass, parameters"]
        listed = f"{seconds * 1e3:9.3f} ms"
        print(f"  {name:22s} {listed}" + ("" if "pass" in name else f"   {seconds / one:5.2f} passes"))
    return times


def others(network: Network) -> tuple[dict[str, Callable[[], object]], float]:
    """Contestants, and what their times are multiplied with."""
    sizes = [each.size for each in network.parameters]
    whole = sum(sizes) <= WHOLE
    which = list(range(len(sizes))) if whole else [1]  # the first bias: every layer is computed for it
    contestants: dict[str, Callable[[], object]] = {
        "naive": lambda: naive(network, which),
        "scipy": lambda: scipy_central(network, which),
        "torch slow": lambda: torch_check(network, fast=False, which=which),
    }
    return contestants, sum(sizes) / sum(sizes[n] for n in which)


def contest(widths: tuple[int, ...]) -> None:
    examples = EXAMPLES.get(widths, 64)
    network = Network(widths, examples)
    count = sum(each.size for each in network.parameters)
    print("-".join(map(str, widths)) + f" × {examples}, {count:,} parameters")
    mine = passes(network)
    slow, factor = others(network)
    mark = "" if factor == 1.0 else "~"
    times = {name: seconds * factor for name, seconds in median_times(slow, seconds=6.0, least=3).items()}
    quick = {"torch fast": lambda: torch_check(network, fast=True), "autograd": lambda: autograd_check(network)}
    report(times, mine["certify, parameters"], TARGETS[widths], mark)
    report(median_times(quick), mine["certify, parameters"], {}, "")
    if count > 100_000:
        ratio = {name: mine[f"certify, {name}"] / mine[f"pass, {name}"] for name in ("parameters", "all nodes")}
        listed = ", ".join(f"{each:.2f} of {name}: {verdict(each <= 2)}" for name, each in ratio.items())
        print(f"  passes a certificate: {listed} (≤ 2)")


def report(times: Mapping[str, float], mine: float, targets: Mapping[str, float], mark: str) -> None:
    for name, seconds in times.items():
        wanted = targets.get(name)
        gate = f"   {verdict(seconds / mine >= wanted)} (≥ {wanted:,}×)" if wanted else ""
        print(f"  {name:22s} {mark}{seconds * 1e3:.3f} ms   {mark}{seconds / mine:,.1f}× certify, parameters{gate}")


def verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = {"numpy": np.__version__, "torch": torch.__version__, "scipy": scipy.__version__}
    print(
        f"verigrad {ENGINE_VERSION}, Python {platform.python_version()}, one thread,",
        ", ".join(f"{name} {version}" for name, version in found.items()),
        f"autograd {version('autograd')}",
    )
    for widths in TARGETS:
        contest(widths)
