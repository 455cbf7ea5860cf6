"""What was measured, area by area, as `benchmarks/results.json` keeps it.

An area that is measured again replaces only itself, so each says when and with what it was measured.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._areas import AREAS
from benchmarks._machine import Run
from benchmarks._report import Reading, as_record, from_record


@dataclass(frozen=True)
class Measured:
    run: Run
    seconds: float
    quick: bool = False
    failed: str = ""
    """Why there may be readings missing."""
    readings: list[Reading] = field(default_factory=list)


Results = dict[str, Measured]


def load(file: Path) -> Results:
    """Nothing where there is no file yet; and nothing of areas that are no more."""
    if not file.exists():
        return {}
    records = json.loads(file.read_text(encoding="utf-8"))
    return {name: from_json(records[name]) for name in AREAS if name in records}


def from_json(record: dict[str, Any]) -> Measured:
    readings = [from_record(each) for each in record["readings"]]
    return Measured(**{**record, "run": Run(**record["run"]), "readings": readings})


def save(results: Results, file: Path) -> None:
    areas = (f"{json.dumps(name)}: {as_json(results[name])}" for name in AREAS if name in results)
    file.write_text("{\n" + ",\n".join(areas) + "\n}\n", encoding="utf-8")


def as_json(measured: Measured) -> str:
    """A reading a line, so that what changed can be seen."""
    facts = {name: value for name, value in asdict(measured).items() if name != "readings"}
    lines = ",\n".join(json.dumps(as_record(each), ensure_ascii=False) for each in measured.readings)
    return f'{json.dumps(facts, ensure_ascii=False)[:-1]}, "readings": [\n{lines}\n]}}'
