"""What benchmarks report is what was measured; nothing is measured here. The table of README is that of the last
`scripts/bench`, and every benchmark is in it.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from benchmarks._areas import AREAS
from benchmarks._machine import Run
from benchmarks._report import Reading, Wanted, as_record, from_record, line, number
from benchmarks._results import Measured, load, save
from benchmarks._run import conclusion, ended, main
from benchmarks._table import claims, filled, full, short
from tests.serving import ROOT

FOLDER = ROOT / "benchmarks"
RESULTS = load(FOLDER / "results.json")
RUN = Run("2026-01-02 03:04 UTC", "abc", 0.5, {"CPU": "slow", "JAX": "not installed"})
OURS = Reading("check", "8-4", "certify", 0.5)
TWICE = Wanted("≥", 2)
READINGS = [
    OURS,
    OURS.against("naive", 1234.5, wanted=TWICE, extrapolated=True),
    OURS.beside("one pass", 0.4, wanted=Wanted("≤", 1)),
    OURS.without("jax", wanted=TWICE),
    Reading("check", "8-4", "errors", 0, "", peer="scipy", theirs=3, wanted=Wanted("≤", 0, of="ours")),
]


def measured(*readings, failed="", quick=False):
    return Measured(RUN, 1.5, quick, failed, list(readings))


@pytest.mark.parametrize(
    ("relation", "below", "at", "above"), [("≥", False, True, True), ("≤", True, True, False), ("<", True, False, False)]
)
def test_what_was_asked_is_met_or_not(relation, below, at, above):
    wanted = Wanted(relation, 2)
    assert [OURS.beside("peer", 0.5 / ratio, wanted=wanted).met for ratio in (1, 2, 4)] == [below, at, above]
    ours = Wanted(relation, 2, of="ours")
    assert [replace(OURS, ours=value, wanted=ours).met for value in (1, 2, 3)] == [below, at, above]


def test_nothing_is_met_where_nothing_was_asked_or_measured():
    assert OURS.met is None
    assert OURS.without("jax", wanted=TWICE).met is None


def test_ratios_are_of_two_kinds():
    assert OURS.against("naive", 2.0).ratio == 4
    assert OURS.beside("one pass", 2.0).ratio == 0.25
    assert OURS.beside("nothing at all", 0.0).ratio is None


def test_a_line_says_all():
    parts = [[part for part in line(each).split("  ") if part] for each in READINGS]
    assert [[part.strip() for part in each] for each in parts] == [
        ["8-4", "certify", "0.500 ms"],
        ["8-4", "certify", "0.500 ms", "naive ~1,234 ms", "~2,469× its speed", "met (≥ 2×)"],
        ["8-4", "certify", "0.500 ms", "one pass 0.400 ms", "1.25× it", "NOT MET (≤ 1×)"],
        ["8-4", "certify", "0.500 ms", "jax skipped", "not measured (≥ 2×)", "not installed"],
        ["8-4", "errors", "0", "scipy 3", "met (≤ 0)"],
    ]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"),
        (3, "3"),
        (1.0, "1"),
        (123456.7, "123,457"),
        (123.456, "123"),
        (0.0123456, "0.0123"),
        (2.2e-16, "2.2e-16"),
    ],
)
def test_numbers_have_the_digits_that_count(x, text):
    assert number(x) == text


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.peer or "none")
def test_a_reading_comes_back_from_json(reading):
    record = json.loads(json.dumps(as_record(reading)))
    assert record["met"] is reading.met
    assert from_record(record) == reading


def test_results_come_back_from_their_file(tmp_path):
    results = {"check": measured(*READINGS), "gate": measured(failed="it was stopped after 2 s", quick=True)}
    save(results, tmp_path / "results.json")
    assert load(tmp_path / "results.json") == results
    assert load(tmp_path / "none.json") == {}


def test_the_table_has_a_row_for_every_reading():
    table = full({"check": measured(*READINGS)})
    assert "| 8-4 | certify | 0.500 ms | naive | ~1,234 ms | ~2,469× its speed | met (≥ 2×) |   |\n" in table
    assert "| 8-4 | certify | 0.500 ms | jax | skipped |   | not measured (≥ 2×) | not installed |\n" in table
    assert table.count("| 8-4 |") == len(READINGS)
    for fact in ("2026-01-02 03:04 UTC", "commit abc", "load 0.5 before", "CPU: slow", "JAX: not installed", "one thread"):
        assert fact in table


def test_the_table_says_what_it_is_not():
    assert "Not all was measured: it ended with status 1" in full({"gate": measured(failed="it ended with status 1")})
    assert "Not all was measured: gate." in short({"gate": measured(failed="it ended with status 1")})
    assert "**Quick: " in full({"gate": measured(quick=True)})
    assert "Quick: gate." in short({"gate": measured(quick=True)})
    assert not any(word in full({"gate": measured()}) + short({"gate": measured()}) for word in ("Quick", "Not all"))


def test_a_claim_is_one_row_with_all_its_peers():
    certify, errors = claims([*READINGS, replace(OURS, what="asked nothing").against("naive", 5)])
    assert certify[:4] == ("check", "certify", "8-4", "0.500 ms")
    assert certify[4] == "1.25× one pass; jax skipped, not installed; speed ~2,469× naive"
    assert certify[5] == "met (≥ 2× naive); NOT MET (≤ 1× one pass); not measured (≥ 2× jax)"
    assert errors[1:] == ("errors", "8-4", "0", "scipy 3", "met (≤ 0)")


def test_cases_of_which_the_same_was_asked_are_one_row():
    slow, fast = (
        OURS.against("naive", 0.75, wanted=TWICE),
        replace(OURS, case="2-2", ours=0.25).against("naive", 1, wanted=TWICE),
    )
    other = replace(OURS, case="1-1").against("naive", 100, wanted=Wanted("≥", 100))
    folded, alone = claims([slow, other, fast])
    assert folded[2:] == ("8-4, 2-2", "0.250 to 0.500 ms", "speed 1.50 to 4× naive", "NOT MET in 1 of 2 (≥ 2× naive)")
    assert claims([replace(slow, case=str(number)) for number in range(5)])[0][2] == "5 cases"
    assert alone[2:] == ("1-1", "0.500 ms", "speed 200× naive", "met (≥ 100× naive)")


def test_every_benchmark_is_known():
    assert {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")} == set(AREAS)


def test_an_area_that_is_unknown_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["chekc"])
    assert "there is no area chekc: expected some of check, " in capsys.readouterr().err


def test_readme_has_the_table_of_the_last_results():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(RESULTS) == set(AREAS)
    assert not any(each.quick for each in RESULTS.values())
    assert readme == filled(readme, RESULTS)
    assert (FOLDER / "results.md").read_text(encoding="utf-8") == full(RESULTS)


def test_what_was_recorded_as_met_is_met():
    records = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    for name, area in records.items():
        assert area["readings"]
        for record in area["readings"]:
            assert record["area"] == name
            assert record["met"] is from_record(record).met


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="no place for the table"):
        filled("# Verigrad\n", {})


def test_an_area_that_fails_or_hangs_is_told(capsys, tmp_path):
    assert ended([sys.executable, "-c", ""], 60) == ""
    assert ended([sys.executable, "-c", "raise SystemExit(3)"], 60) == "it ended with status 3"
    assert conclusion({"gate": measured(*READINGS, failed="it ended with status 3")}, tmp_path) == 1
    told = capsys.readouterr().out
    assert "2 of 4 met" in told
    assert "gate: it ended with status 3" in told
    assert conclusion({"check": measured(*READINGS)}, tmp_path) == 0


def test_what_takes_too_long_is_stopped_with_all_that_it_started(tmp_path):
    alive = tmp_path / "alive"
    child = f"import pathlib, time\nwhile True: pathlib.Path({str(alive)!r}).touch(); time.sleep(0.01)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    for limit in (1, 4, 16, 64):  # a busy machine may need longer to start them
        assert ended([sys.executable, "-c", parent], limit) == f"it was stopped after {limit} s"
        if alive.exists():
            break
    alive.unlink()
    time.sleep(0.2)
    assert not alive.exists()


def test_a_benchmark_prints_and_records_the_same(tmp_path):
    record = tmp_path / "readings"
    command = [sys.executable, FOLDER / "worked_examples.py", "--quick", "--record", record]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    readings = [from_record(json.loads(each)) for each in record.read_text(encoding="utf-8").splitlines()]
    assert done.stdout == "".join(f"{line(each)}\n" for each in readings)
    assert len(readings) == len(json.loads((ROOT / "tests" / "worked_examples.json").read_text(encoding="utf-8"))["cases"])
