"""Requests a second over HTTP, against a bare FastAPI echo of the same bodies, and how long tiny ones wait beside heavy.

    .venv/bin/python benchmarks/over_http.py [seconds of one measurement, default 1]

Every server and the load generator run in processes of their own; they take turns, and what counts is the median of the
ratios. Three readings, because the service keeps certificates by the digest of a problem, and the plan of a graph by its
structure: `same` sends one body again and again, as a class does; `fresh` other numbers each time, which no certificate
is kept of; `new` another structure each time, of which nothing is kept at all.
"""

from __future__ import annotations

import _timing  # noqa: F401  (first: it pins BLAS to one thread)

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import sleep
from urllib.request import urlopen

from _bodies import FRESH, LARGE, NEW, SMALL, TINY, check_body

HERE = Path(__file__).parent
ROUNDS = 7


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    def load(self, path: str, body: bytes, *, connections: int = 4, seconds: float = 1.0) -> Load:
        return Load(self.port, path, body, connections, seconds)


class Load:
    """Under way once made; `rate` and `percentile` wait for its end."""

    def __init__(self, port: int, path: str, body: bytes, connections: int, seconds: float) -> None:
        self.file = Path(tempfile.mkstemp()[1])
        self.file.write_bytes(body)
        arguments = map(str, (port, path, connections, seconds, self.file))
        self.process = subprocess.Popen([sys.executable, HERE / "_load.py", *arguments], stdout=subprocess.PIPE)
        self.found: dict = {}

    def result(self) -> dict:
        if not self.found:
            out, _ = self.process.communicate()
            self.file.unlink()
            assert self.process.returncode == 0, "the load generator failed"
            self.found = json.loads(out)
            self.found["latencies"].sort()
        return self.found

    @property
    def rate(self) -> float:
        return self.result()["requests"] / self.result()["seconds"]

    def percentile(self, share: float) -> float:
        latencies = self.result()["latencies"]
        return latencies[min(len(latencies) - 1, int(share * len(latencies)))]


@contextmanager
def served(port: int, *command: str) -> Iterator[Server]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, *command], env=environment, **silent)
    try:
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{port}/openapi.json").close()
                break
            except OSError:
                sleep(0.05)
        yield Server(port)
    finally:
        process.terminate()
        process.wait()


def contest(title: str, body: bytes, gate: float, ours: Server, peers: Server, seconds: float) -> None:
    rates: dict[str, list[float]] = {"verigrad": [], "echo": []}
    for _ in range(ROUNDS):
        rates["verigrad"].append(ours.load("/v1/gradients", body, seconds=seconds).rate)
        rates["echo"].append(peers.load("/echo", body, seconds=seconds).rate)
    ratios = sorted(mine / theirs for mine, theirs in zip(rates["verigrad"], rates["echo"], strict=True))
    listed = "   ".join(f"{name} {median(each):8.1f}/s" for name, each in rates.items())
    found = f"{median(ratios):.3f} of the echo ({ratios[0]:.3f} to {ratios[-1]:.3f})"
    print(f"{title:14s} {listed}   {found}, {verdict(median(ratios) >= gate)} (≥ {gate})", flush=True)


def models(body: bytes, ours: Server, peers: Server, seconds: float) -> None:
    """Against FastAPI's own models, which both parse and render in the interpreter."""
    ratios = []
    for _ in range(3):
        mine = ours.load("/v1/gradients", body, seconds=3 * seconds).rate
        ratios.append(mine / peers.load("/models", body, seconds=3 * seconds).rate)
    print(f"large          {median(ratios):.1f} times FastAPI's models, {verdict(median(ratios) >= 4)} (≥ 4)", flush=True)


def company(title: str, body: bytes, heavy: tuple[str, bytes], ours: Server, seconds: float) -> None:
    """Tiny requests alone, and beside two clients that have heavy ones."""
    path, load = heavy
    alone, beside, heavies = [], [], []
    for _ in range(5):
        alone.append(ours.load("/v1/gradients", body, connections=2, seconds=2 * seconds).percentile(0.99))
        burden = ours.load(path, load, connections=2, seconds=2 * seconds + 1)
        sleep(0.5)
        beside.append(ours.load("/v1/gradients", body, connections=2, seconds=2 * seconds).percentile(0.99))
        heavies.append(burden.percentile(0.5))
    times, worst = median(beside) / median(alone), median(beside) * 1e3
    listed = " ".join(f"{each * 1e3:.1f}" for each in beside)
    print(
        f"{title}: p99 alone {median(alone) * 1e3:.2f} ms, beside {worst:.2f} ms ({listed}); a heavy one takes"
        f" {median(heavies) * 1e3:.0f} ms; {times:.1f} times, {verdict(times <= 4 and worst <= 10)} (≤ 4, ≤ 10 ms)",
        flush=True,
    )


def verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


def main(seconds: float) -> None:
    with (
        served(8771, "-m", "service", "serve", "--port", "8771") as ours,
        served(8772, str(HERE / "_peers.py"), "8772") as peers,
    ):
        for title, body, gate in (("tiny", TINY, 0.45), ("small", SMALL, 0.33), ("large", LARGE, 0.15)):
            print(f"{title}: {len(body):,} bytes")
            for reading, change in (("same", bytes), ("fresh", FRESH), ("new", NEW)):
                contest(f"{title} {reading}", change(body), gate, ours, peers, seconds)
        models(LARGE, ours, peers, seconds)
        for reading, change in (("same", bytes), ("fresh", FRESH)):
            company(f"tiny {reading} beside checks", change(TINY), ("/v1/check", check_body()), ours, seconds)
            company(f"tiny {reading} beside 3 MB", change(TINY), ("/v1/gradients", LARGE), ours, seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
