"""What requests are estimated to take, against what they take; and which of them are computed in the wrong place.

    .venv/bin/python benchmarks/routing.py [problems, default 300]

Computed at once is what is estimated below the service's setting. Wrong is what takes more than 5 ms there, because all
others wait, and what takes less than half a millisecond elsewhere, because it could have been answered by then.
"""

from __future__ import annotations

from _timing import timed as timed_in_turns  # first: it pins BLAS to one thread

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
from _report import QUICK, Reading, number, parser, report

from engine import read_problem
from service.operations.allowance import Allowance
from service.work.answer import SMALL
from service.operations.certificates import CERTIFICATES
from service.work.cost import seconds
from service.work.pace import pace
from service.work.perform import perform
from service.settings import Settings

import orjson

LONG, SHORT = 5e-3, 0.5e-3
HEADS = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "identity": "squared_error"}
Body = dict[str, Any]
PERCENTILES = [1, 5, 25, 50, 75, 95, 99]

reading = partial(Reading, "routing")


def random_network(rng: np.random.Generator) -> Body:
    size = 10 ** rng.uniform(0.3, 2.2)
    widths = [max(1, int(size * rng.uniform(0.3, 1.5))) for _ in range(int(rng.integers(2, 7)))]
    examples = max(1, int(10 ** rng.uniform(0, 2)))
    layers = [
        {
            "weights": (rng.standard_normal((i, o)) / np.sqrt(i)).round(4).tolist(),
            "bias": rng.standard_normal(o).round(3).tolist(),
            "activation": str(rng.choice(["relu", "tanh", "sigmoid", "softplus"])),
        }
        for i, o in pairwise(widths)
    ]
    head = layers[-1]["activation"] = str(rng.choice(list(HEADS)))
    X = rng.standard_normal((examples, widths[0])).round(3).tolist()
    labels = rng.integers(0, widths[-1], examples) if head == "softmax" else rng.integers(0, 2, (examples, widths[-1]))
    return {"network": {"layers": layers, "loss": HEADS[head]}, "inputs": X, "labels": labels.tolist()}


def random_graph(rng: np.random.Generator) -> Body:
    steps = int(rng.integers(1, 12))
    values: dict[str, Any]
    if rng.random() < 0.5:
        values = {name: float(rng.uniform(0.5, 2)) for name in "abc"}
        names, lines = list(values), []
        for step in range(steps):
            one, other = rng.choice(names, 2)
            function = rng.choice(["", "tanh", "exp", "sigmoid"])
            lines.append(f"v{step} = {one} {rng.choice(list('+*-'))} {function}({other}) * 0.5")
            names.append(f"v{step}")
    else:
        rows, columns = (int(10 ** rng.uniform(0, 1.7)) for _ in range(2))
        values = {
            "W": rng.standard_normal((rows, columns)).round(3).tolist(),
            "x": rng.standard_normal(columns).round(3).tolist(),
            "c": rng.standard_normal(rows).round(3).tolist(),
        }
        lines = ["u0 = W @ x + c"]
        for step in range(steps):
            lines.append(f"u{step + 1} = {rng.choice(['tanh', 'sigmoid', 'softplus'])}(u{step}) * 0.5 + c")
        lines.append(f"J = sum(u{steps}**2)")
    return {"graph": {"expressions": lines}, "values": values}


def random_request(rng: np.random.Generator) -> tuple[str, Body]:
    body = (random_network if rng.random() < 0.6 else random_graph)(rng)
    operation = str(rng.choice(["gradients", "gradients", "check", "grade", "train", "mistakes"]))
    if operation == "check":
        body["method"] = str(rng.choice(["increment", "directional", "complex_step", "central"]))
    if operation == "train":
        body |= {"optimizer": {"kind": "adam", "learning_rate": 1e-3}, "steps": int(rng.integers(1, 30))}
    if operation == "grade":
        run = read_problem(body).run()
        body["answers"] = {
            f"d{name}": (value if rng.random() < 0.7 else -value).tolist()
            for name, value in run.gradients_of(run.graph.parameters).items()
        }
    return operation, body


def timed(operation: str, sent: bytes, allowance: Allowance) -> float:
    """As if it had never been asked before."""
    best = float("inf")
    end = perf_counter() + 0.1
    while best == float("inf") or perf_counter() < end:
        CERTIFICATES.kept.clear()
        started = perf_counter()
        reply = perform(operation, sent, allowance)
        best = min(best, perf_counter() - started)
        if reply.status != 200:
            return 0.0
    return best


def readings(problems: int) -> Iterator[Reading]:
    rng = np.random.default_rng(0)
    inline, here = Settings().inline, pace()
    allowance = Allowance(seconds=3600.0, numbers=10**8)
    ratios: dict[str, list[float]] = defaultdict(list)
    at_once, handed, blocking, needless = 0, 0, [], []
    for _ in range(problems):
        operation, body = random_request(rng)
        sent = orjson.dumps(body)
        expected = seconds(operation, body) * here
        if expected > 20 or (real := timed(operation, sent, allowance)) == 0.0:
            continue
        ratios[operation].append(expected / real)
        if len(sent) <= SMALL and expected <= inline:
            at_once += 1
            blocking += [f"{operation} {real * 1e3:.1f}"] if real > LONG else []
        else:
            handed += 1
            needless += [f"{operation} {real * 1e3:.2f}"] if real < SHORT else []
    yield reading("all", "pace", here, "", note="how much slower than where the estimates were made")
    ratios["all"] = [ratio for found in ratios.values() for ratio in found]
    for name, each in ratios.items():
        spread = ", ".join(number(found) for found in np.percentile(each, PERCENTILES).tolist())
        note = f"percentiles {', '.join(map(str, PERCENTILES))} of {len(each)}: {spread}"
        yield reading(name, "estimate / time, median", float(np.median(each)), "", note=note)
    for kind, count, what, wrong in (
        ("computed at once", at_once, "longer than 5 ms", blocking),
        ("handed over", handed, "shorter than 0.5 ms", needless),
    ):
        yield reading(kind, what, len(wrong), "", note=f"of {count}" + (f": {', '.join(wrong)} ms" if wrong else ""))
    spec = orjson.loads(sent)
    (time,) = timed_in_turns({"estimate": lambda: seconds(operation, spec)}, seconds=0.2).values()
    yield reading(operation, "an estimate", time.median * 1e3, "µs")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("problems", nargs="?", type=int, default=300)
    options = arguments.parse_args()
    report(readings(round(options.problems * (QUICK if options.quick else 1.0))), options.record)
