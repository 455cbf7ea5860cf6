"""Building and differentiating each of the worked examples of the lecture notes.

    python benchmarks/worked_examples.py

Gate: under 1 ms each, from the wire form to all values and gradients. Beside it, what json.loads takes for the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from _timing import timed  # first: it pins BLAS to one thread

from _report import Reading, Wanted, number, run

from engine import read_problem

CASES = json.loads((Path(__file__).parent.parent / "tests" / "worked_examples.json").read_text())["cases"]
SOON = Wanted("<", 1, of="ours")


def readings(share: float) -> Iterator[Reading]:
    for case in CASES:
        wire = case["problem"]
        text = json.dumps(wire)
        contestants = {
            "solve": lambda wire=wire: read_problem(wire).run().gradients,
            "json": lambda text=text: json.loads(text),
        }
        ours, reading = (each for each in timed(contestants, seconds=0.2, share=share).values())
        found = Reading("worked_examples", case["id"], "solve", ours.median, wanted=SOON)
        yield found.beside("json.loads", reading.median, note=f"best {number(ours.best)} ms")


if __name__ == "__main__":
    run(readings, __doc__)
