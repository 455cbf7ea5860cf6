"""What benchmarks say: one record for every reading, one way to print it, and the main of each of them."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from operator import ge, le, lt
from pathlib import Path
from typing import Any, Literal, TextIO

QUICK = 0.1
"""The share of the usual measuring time that `--quick` takes."""
RELATIONS: dict[str, Callable[[float, float], bool]] = {"≥": ge, "≤": le, "<": lt}
NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Wanted:
    """What was asked of a reading: of its ratio, or of our own number."""

    relation: Literal["≥", "≤", "<"]
    limit: float
    of: Literal["ratio", "ours"] = "ratio"


@dataclass(frozen=True)
class Reading:
    """Our number, in its unit, and beside it that of a named peer in the same run, if there is one."""

    area: str
    case: str
    what: str
    ours: float
    unit: str = "ms"
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    faster: bool = False
    """Whether the ratio says how many times as fast we are (theirs / ours), and not how much of the peer's time ours is."""
    wanted: Wanted | None = None
    note: str = ""
    extrapolated: bool = False
    """Whether the peer was measured on a slice, and multiplied up."""

    @property
    def skipped(self) -> bool:
        return bool(self.peer) and self.theirs is None

    @property
    def met(self) -> bool | None:
        """None where nothing was asked, or what was asked could not be measured."""
        if self.wanted is None:
            return None
        measured = getattr(self, self.wanted.of)
        return None if measured is None else RELATIONS[self.wanted.relation](measured, self.wanted.limit)

    def beside(self, peer: str, theirs: float, **more: Any) -> Reading:
        """The same number of ours, as a part of a peer's."""
        ratio = self.ours / theirs if theirs else None
        return replace(self, **{"peer": peer, "theirs": theirs, "ratio": ratio, **more})

    def against(self, peer: str, theirs: float, **more: Any) -> Reading:
        """The same number of ours, and how many times longer a peer takes."""
        return replace(self, **{"peer": peer, "theirs": theirs, "ratio": theirs / self.ours, "faster": True, **more})

    def without(self, peer: str, wanted: Wanted | None = None, note: str = NOT_INSTALLED) -> Reading:
        """A peer that is not there to be measured."""
        return replace(self, peer=peer, wanted=wanted, note=note)


def as_record(reading: Reading) -> dict[str, Any]:
    """For JSON: what was asked as it is read, and whether it was met."""
    return {**asdict(reading), "met": reading.met}


def from_record(record: dict[str, Any]) -> Reading:
    fields = {name: value for name, value in record.items() if name != "met"}
    return Reading(**{**fields, "wanted": fields["wanted"] and Wanted(**fields["wanted"])})


def number(x: float) -> str:
    """Three digits that count; whole numbers and large ones with all their digits."""
    if x == int(x) or abs(x) >= 1e3:
        return f"{x:,.0f}"
    if abs(x) < 1e-3:
        return f"{x:.1e}"
    return f"{x:.{max(0, 2 - math.floor(math.log10(abs(x))))}f}"


def quantity(x: float, unit: str) -> str:
    return f"{number(x)} {unit}".strip()


def ours_text(reading: Reading) -> str:
    return quantity(reading.ours, reading.unit)


def theirs_text(reading: Reading) -> str:
    if reading.theirs is None:
        return "skipped" if reading.peer else ""
    return "~" * reading.extrapolated + quantity(reading.theirs, reading.unit)


def ratio_text(reading: Reading) -> str:
    if reading.ratio is None:
        return ""
    return "~" * reading.extrapolated + number(reading.ratio) + ("× its speed" if reading.faster else "× it")


def wanted_text(reading: Reading) -> str:
    if reading.wanted is None:
        return ""
    unit = "×" if reading.wanted.of == "ratio" else f" {reading.unit}".rstrip()
    return f"{reading.wanted.relation} {reading.wanted.limit:,}{unit}"


def verdict(met: bool | None) -> str:
    return {True: "met", False: "NOT MET", None: "not measured"}[met]


def gate_text(reading: Reading) -> str:
    return f"{verdict(reading.met)} ({wanted_text(reading)})" if reading.wanted else ""


def line(reading: Reading) -> str:
    """As a benchmark prints it."""
    peer = f"{reading.peer} {theirs_text(reading)}" if reading.peer else ""
    told = (peer, ratio_text(reading), gate_text(reading), reading.note)
    columns = f"{reading.case:24s} {reading.what:30s} {ours_text(reading):>16s}"
    return "   ".join((columns, *filter(None, told)))


def parser(description: str | None) -> ArgumentParser:
    """Of the command line that all benchmarks share; some have arguments of their own besides."""
    found = ArgumentParser(description=(description or "").partition("\n")[0])
    found.add_argument("--quick", action="store_true", help="short measuring times, to see that everything works")
    found.add_argument("--record", type=Path, help="a file that gets every reading as a line of JSON too")
    return found


def report(readings: Iterable[Reading], record: Path | None = None) -> None:
    """Print readings as they come, and keep them if a file is named."""
    if record is None:
        show(readings)
        return
    with record.open("w", encoding="utf-8") as file:
        show(readings, file)


def show(readings: Iterable[Reading], file: TextIO | None = None) -> None:
    for reading in readings:
        print(line(reading), flush=True)
        if file is not None:
            print(json.dumps(as_record(reading), ensure_ascii=False), file=file, flush=True)


def run(
    readings: Callable[[float], Iterable[Reading]], description: str | None, arguments: Sequence[str] | None = None
) -> None:
    """The main of a benchmark without arguments of its own. It is told what share of the usual time to take."""
    options = parser(description).parse_args(arguments)
    report(readings(QUICK if options.quick else 1.0), options.record)
