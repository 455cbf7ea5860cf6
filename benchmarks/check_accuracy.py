"""How right checks are: the error of their numbers, false alarms, and planted mistakes that they find.

    pip install -e '.[bench,test]'
    python benchmarks/check_accuracy.py [NETWORKS]

On small relu networks with softmax cross-entropy (1,000 unless said otherwise), every second of them with kinks on purpose:
biases of 0 and one example of zeros, where any gradient between two slopes is right. A right gradient that is refused is a
false alarm. Then one entry of one gradient is moved by 0.1 % of the largest. That is found (where the right one was not
refused), or left open (a verdict `kink` says that gradients may lie anywhere between two slopes there), or missed.
Gates, for exact increments: errors ≤ 1e-14 of the largest gradient, no false alarm, nothing missed. Peers' counts stand
beside those of exact increments. Nothing is timed here, so the networks are shared among all cores.
"""

from __future__ import annotations

import _timing  # noqa: F401  (first: it pins BLAS to one thread)

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import numpy as np
from _checkers import CHECKERS, naive, scipy_central
from _installed import installed, torch_on_one_thread
from _networks import Arrays, Network
from _report import QUICK, Reading, Wanted, parser, report

from engine import check, read_problem
from engine.check import METHODS
from engine.check.checking import estimate

OURS = "verigrad increment"
PRECISE = Wanted("≤", 1e-14, of="ours")
NONE = Wanted("≤", 0, of="ours")
TALLIED = {
    "false alarms": NONE,
    "planted errors found": None,
    "planted errors left open": None,
    "planted errors missed": NONE,
}
PLANTED = 1e-3
SHAPES = ([2, 3, 3, 2], [4, 8, 3], [8, 16, 16, 4])
WHOLE = 10_000
"""Parameters up to which the others' numbers are computed too."""
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


JUDGES: dict[str, Checker] = {
    **{f"verigrad {method}": verigrad(method) for method in METHODS},
    **{name: other(each.takes) for name, each in CHECKERS.items() if installed(each.module)},
}

reading = partial(Reading, "check_accuracy")


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


def errors() -> Iterator[Reading]:
    """Of the numbers themselves, over the largest gradient."""
    for widths in TIMED:
        network = Network(widths, 32 if len(widths) == 4 else 64)
        problem = read_problem(network.wire())
        names = problem.graph.parameters
        found = estimate(problem, problem.run(), list(names), "increment", None, 0).by_name
        true = exact(network)
        size = max(float(np.abs(each).max()) for each in true)

        def error(arrays: Arrays, true: Arrays = true, size: float = size) -> float:
            return max(float(np.abs(x - y).max()) for x, y in zip(arrays, true, strict=True)) / size

        ours = reading("-".join(map(str, widths)), "error", error([found[name].numeric for name in names]), "")
        yield replace(ours, wanted=PRECISE)
        for name, numbers in (("naive", naive), ("scipy", scipy_central)):
            if sum(each.size for each in true) > WHOLE:
                yield ours.without(name, note="takes minutes")
            elif not installed(CHECKERS[name].module):
                yield ours.without(name)
            else:
                yield ours.beside(name, error(numbers(network)), ratio=None)


def judged(seed: int) -> dict[str, Counter[str]]:
    """What each says of the right gradients of a network, and of those with one planted error."""
    network, rng = small_network(seed), np.random.default_rng(seed)
    right = own_gradients(network)
    wrong = [each.copy() for each in right]
    flat = wrong[int(rng.integers(len(wrong)))].reshape(-1)
    flat[rng.integers(flat.size)] += PLANTED * max(float(np.abs(each).max()) for each in right) * rng.choice([-1, 1])
    tally = {}
    for name, verdict in JUDGES.items():
        refused, found = verdict(network, right) == "disagrees", verdict(network, wrong)
        tally[name] = Counter(
            {
                "false alarms": refused,
                "planted errors found": found == "disagrees" and not refused,
                "planted errors left open": found not in ("agrees", "disagrees"),
                "planted errors missed": found == "agrees",
            }
        )
    return tally


def prepare() -> None:
    torch_on_one_thread()
    warnings.simplefilter("ignore")


def alarms(count: int) -> Iterator[Reading]:
    tally = {name: Counter[str]() for name in JUDGES}
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=prepare) as pool:
        for one in pool.map(judged, range(count), chunksize=10):
            for name, each in one.items():
                tally[name].update(each)
    for what, wanted in TALLIED.items():
        ours = reading(f"{count:,} relu networks, half at kinks", what, tally[OURS][what], "")
        yield replace(ours, wanted=wanted)
        for name in dict.fromkeys([*JUDGES, *CHECKERS]):
            if name not in JUDGES:
                yield ours.without(name)
            elif name != OURS:
                yield ours.beside(name, tally[name][what], ratio=None)


def readings(count: int) -> Iterator[Reading]:
    prepare()
    yield from errors()
    yield from alarms(count)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("networks", nargs="?", type=int, default=1000)
    options = arguments.parse_args()
    report(readings(max(1, round(options.networks * (QUICK if options.quick else 1.0)))), options.record)
