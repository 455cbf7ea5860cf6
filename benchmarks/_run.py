"""Run benchmarks, one after the other and each in a process of its own, and write one table: see scripts/bench."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from benchmarks._areas import AREAS
from benchmarks._machine import ROOT, Run, run_now
from benchmarks._report import from_record, line
from benchmarks._results import Measured, Results, load, save
from benchmarks._table import filled, full

HERE = ROOT / "benchmarks"
HASTY = ROOT / "build" / "bench"
"""Where quick results go: they are no claims."""


def main(arguments: Sequence[str]) -> int:
    options = parsed(arguments)
    folder: Path = options.to or (HASTY if options.quick else HERE)
    folder.mkdir(parents=True, exist_ok=True)
    run = run_now()
    print(f"{run.date}; commit {run.commit}; load {run.load}", *(" ".join(fact) for fact in run.machine.items()), sep="; ")
    new: Results = {}
    for name in options.areas or AREAS:
        print(f"\n{name}: {AREAS[name].title}", flush=True)
        new[name] = measure(name, run, quick=options.quick)
        write({**load(folder / "results.json"), **new}, folder)
    return conclusion(new, folder)


def parsed(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="scripts/bench", description="Measure every claim of speed, and write one table.")
    parser.add_argument("areas", nargs="*", metavar="area", help=f"all, or some of {', '.join(AREAS)}")
    parser.add_argument("--quick", action="store_true", help="short measuring times, to see that everything works")
    parser.add_argument(
        "--to", type=Path, metavar="FOLDER", help="where the table goes (benchmarks, or build/bench if quick)"
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.areas if name not in AREAS]:
        parser.error(f"there is no area {', '.join(unknown)}: expected some of {', '.join(AREAS)}")
    return options


def measure(name: str, run: Run, *, quick: bool) -> Measured:
    """What is known of an area after its time, whether it came to its end or not."""
    area, begun = AREAS[name], perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "readings"
        record.touch()
        command = [sys.executable, str(HERE / f"{name}.py"), *area.arguments, "--record", str(record)]
        failed = ended(command + ["--quick"] * quick, area.limit)
        lines = record.read_text(encoding="utf-8").splitlines()
    readings = [from_record(json.loads(each)) for each in lines]
    return Measured(run, round(perf_counter() - begun, 1), quick, failed, readings)


def ended(command: Sequence[str], limit: float) -> str:
    """Why it did not come to its end, if it did not. All that it started ends with it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        return f"it was stopped after {limit:g} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return f"it ended with status {status}" if status else ""


def write(results: Results, folder: Path) -> None:
    save(results, folder / "results.json")
    (folder / "results.md").write_text(full(results), encoding="utf-8")
    if folder.resolve() == HERE:
        readme = ROOT / "README.md"
        readme.write_text(filled(readme.read_text(encoding="utf-8"), results), encoding="utf-8")


def conclusion(results: Results, folder: Path) -> int:
    """Told at the end; the status is 1 where something could not be measured."""
    asked = [each for measured in results.values() for each in measured.readings if each.wanted]
    seconds = sum(measured.seconds for measured in results.values())
    print(f"\n{sum(each.met is True for each in asked)} of {len(asked)} met, in {seconds:.0f} s")
    for each in asked:
        if not each.met:
            print(f"{each.area:18s} {line(each)}")
    failures = [f"{name}: {measured.failed}" for name, measured in results.items() if measured.failed]
    print(f"The table is {folder / 'results.md'}", *failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
