"""Building and differentiating each of the worked examples of the lecture notes.

    python benchmarks/worked_examples.py

Gate: under 1 ms each, from the wire form to all values and gradients. Beside it, what json.loads takes for the same text.
"""

from __future__ import annotations

import json
from pathlib import Path

from _timing import best_times, row  # first: it pins BLAS to one thread

from engine import read_problem

CASES = json.loads((Path(__file__).parent.parent / "tests" / "worked_examples.json").read_text())["cases"]

if __name__ == "__main__":
    for case in CASES:
        wire = case["problem"]
        text = json.dumps(wire)
        contestants = {
            "solve": lambda wire=wire: read_problem(wire).run().gradients,
            "json": lambda text=text: json.loads(text),
        }
        times = best_times(contestants, seconds=0.2)
        row(case["id"], times, "met" if times["solve"] < 1e-3 else "NOT MET (< 1 ms)")
