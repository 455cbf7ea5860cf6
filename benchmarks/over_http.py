"""Requests a second over HTTP, against a bare FastAPI echo of the same bodies, and how long tiny ones wait beside heavy.

    .venv/bin/python benchmarks/over_http.py [SECONDS of one measurement [tiny] [small] [large] [models] [company]]

A measurement takes a second unless said otherwise, and `scripts/bench` gives it four tenths, since there are many.

Every server and the load generator run in processes of their own; they take turns, and what counts is the median of the
ratios. Three readings, because the service keeps what it was asked before: `same` sends one body again and again, as load
generators do, and is answered with the reply that is kept, so that nothing is computed; `fresh` sends other numbers each
time, of which only the plan of the graph is kept; `new` another structure each time, of which nothing is kept at all.
Whoever compares services should look at `fresh`.
"""

from __future__ import annotations

import _timing  # noqa: F401  (first: it pins BLAS to one thread)

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from statistics import median
from time import sleep
from urllib.request import urlopen

from _bodies import LARGE, READINGS, SMALL, TINY, check_body
from _report import QUICK, Reading, Wanted, number, parser, report

HERE = Path(__file__).parent
ROUNDS = 7
TICKS = os.sysconf("SC_CLK_TCK")
CONTESTS = {"tiny": (TINY, 0.45), "small": (SMALL, 0.33), "large": (LARGE, 0.15)}
"""Bodies, and how many requests a second are asked for, as a part of the echo's."""
KINDS = (*CONTESTS, "models", "company")

reading = partial(Reading, "over_http")


class Server:
    """One under test, in a process of its own."""

    def __init__(self, port: int, *command: str, **variables: str) -> None:
        self.port = port
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "VERIGRAD_RATE": "0", **variables}
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, *command], env=environment, **silent)
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{port}/openapi.json").close()
                return
            except OSError:
                sleep(0.05)
        raise RuntimeError("a server did not start")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait()

    def load(self, path: str, body: bytes, *, connections: int = 4, seconds: float = 1.0) -> Load:
        return Load(self, path, body, connections, seconds)

    def processor_time(self) -> float:
        """Seconds that it and all below it have used; what others on the machine do blurs this less than the clock."""
        return used_by(self.process.pid)


def used_by(number: int | str) -> float:
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(used_by(each) for each in children)


class Load:
    """Under way once made; the results wait for its end."""

    def __init__(self, server: Server, path: str, body: bytes, connections: int, seconds: float) -> None:
        self.server, self.before = server, server.processor_time()
        self.file = Path(tempfile.mkstemp()[1])
        self.file.write_bytes(body)
        arguments = map(str, (server.port, path, connections, seconds, self.file))
        self.process = subprocess.Popen([sys.executable, HERE / "_load.py", *arguments], stdout=subprocess.PIPE)

    @cached_property
    def found(self) -> dict[str, float]:
        out, _ = self.process.communicate()
        self.file.unlink()
        assert self.process.returncode == 0, "the load generator failed"
        found: dict[str, float] = json.loads(out)
        found["processor"] = self.server.processor_time() - self.before
        return found

    def ended(self) -> Load:
        assert self.found
        return self

    @property
    def rate(self) -> float:
        return self.found["requests"] / self.found["seconds"]

    @property
    def cost(self) -> float:
        """Processor time of a request."""
        return self.found["processor"] / self.found["requests"]


def contest(title: str, body: bytes, least: float, ours: Server, peers: Server, seconds: float) -> Reading:
    pairs = []
    for _ in range(ROUNDS):
        mine = ours.load("/v1/gradients", body, seconds=seconds).ended()
        pairs.append((mine, peers.load("/echo", body, seconds=seconds).ended()))
    ratios = sorted(mine.rate / echo.rate for mine, echo in pairs)
    mine_cost, echo_cost = (median(each.cost for each in column) * 1e6 for column in zip(*pairs, strict=True))
    by_time = median(echo.cost / mine.cost for mine, echo in pairs)
    rate, echo_rate = (median(each.rate for each in column) for column in zip(*pairs, strict=True))
    return reading(
        title,
        "requests for gradients",
        rate,
        "a second",
        peer="FastAPI echo",
        theirs=echo_rate,
        ratio=median(ratios),
        wanted=Wanted("≥", least),
        note=f"{number(ratios[0])} to {number(ratios[-1])}; by processor time {number(by_time)}"
        f" ({mine_cost:.0f} and {echo_cost:.0f} µs)",
    )


def models(title: str, body: bytes, ours: Server, peers: Server, seconds: float) -> Reading:
    """Against FastAPI's own models, which both parse and render in the interpreter."""
    pairs = []
    for _ in range(3):
        mine = ours.load("/v1/gradients", body, seconds=3 * seconds).rate
        pairs.append((mine, peers.load("/models", body, seconds=3 * seconds).rate))
    rate, other = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(mine / theirs for mine, theirs in pairs)
    found = reading(title, "requests, beside models", rate, "a second", wanted=Wanted("≥", 4))
    return found.beside("FastAPI's models", other, ratio=ratio)


def company(title: str, body: bytes, heavy: tuple[str, bytes], ours: Server, seconds: float) -> Iterator[Reading]:
    """Tiny requests alone, and beside two clients that have heavy ones."""
    alone, beside, heavies = [], [], []
    for _ in range(5):
        alone.append(ours.load("/v1/gradients", body, connections=2, seconds=2 * seconds).found["p99"])
        burden = ours.load(*heavy, connections=2, seconds=2 * seconds + 1)
        sleep(0.5)
        beside.append(ours.load("/v1/gradients", body, connections=2, seconds=2 * seconds).found["p99"])
        heavies.append(burden.found["median"])
    listed = " ".join(f"{each * 1e3:.1f}" for each in beside)
    note = f"each time {listed} ms; a heavy one takes {median(heavies) * 1e3:.0f} ms"
    found = reading(title, "the slowest in a hundred", median(beside) * 1e3, note=note)
    yield found.beside("alone", median(alone) * 1e3, wanted=Wanted("≤", 4))
    yield reading(title, found.what, found.ours, wanted=Wanted("≤", 10, of="ours"))


def readings(seconds: float, chosen: list[str]) -> Iterator[Reading]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(8771, "-m", "service", "serve", "--port", "8771", VERIGRAD_DATA_DIR=folder) as ours,
        Server(8772, str(HERE / "_peers.py"), "8772") as peers,
    ):
        for title, (body, least) in CONTESTS.items():
            if title in chosen:
                yield reading(title, "body", len(body), "bytes")
                for name, change in READINGS.items():
                    yield contest(f"{title} {name}", change(body), least, ours, peers, seconds)
        for name in ("same", "fresh") if "models" in chosen else ():
            yield models(f"large {name}", READINGS[name](LARGE), ours, peers, seconds)
        for name in ("same", "fresh") if "company" in chosen else ():
            tiny = READINGS[name](TINY)
            yield from company(f"tiny {name} beside checks", tiny, ("/v1/check", check_body()), ours, seconds)
            large = READINGS["fresh"](LARGE)
            yield from company(f"tiny {name} beside 3 MB", tiny, ("/v1/gradients", large), ours, seconds)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("seconds", nargs="?", type=float, default=1.0, help="of one measurement")
    arguments.add_argument("kinds", nargs="*", metavar="kind", help=f"some of {', '.join(KINDS)}")
    options = arguments.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        arguments.error(f"{', '.join(sorted(unknown))}: expected some of {', '.join(KINDS)}")
    report(readings(options.seconds * (QUICK if options.quick else 1.0), options.kinds or list(KINDS)), options.record)
