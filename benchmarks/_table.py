"""The table of all readings, and the short one of README: a line for each claim, that is for what something was asked of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks._areas import AREAS
from benchmarks._report import Reading, gate_text, number, ours_text, quantity, ratio_text, theirs_text, verdict, wanted_text
from benchmarks._results import Measured, Results

NAMED = 4
"""Cases up to which a row names each."""
START, END = "<!-- bench -->\n", "<!-- /bench -->\n"
INTRODUCTION = """\
# Benchmarks

Written by `scripts/bench`; do not edit. Ours are medians; *× its speed* is a peer's time over ours, *× it* ours as a part
of the peer's; a `~` marks what was measured on a slice and multiplied up. What was asked of a reading is `met` or `NOT MET`.
README tells who the peers are.
"""


def full(results: Results) -> str:
    """Markdown of everything."""
    return "\n".join([INTRODUCTION, *(section(name, results[name]) for name in AREAS if name in results)])


def section(name: str, measured: Measured) -> str:
    run = measured.run
    facts = {
        "measured": f"{run.date}, commit {run.commit}, in {measured.seconds:.0f} s, load {run.load} before",
        "threads": AREAS[name].threads,
        **run.machine,
    }
    lines = [f"## {name}: {AREAS[name].title}", "", "; ".join(f"{what}: {fact}" for what, fact in facts.items()) + "."]
    if measured.quick:
        lines += ["", "**Quick: measured for too short a time to say much.**"]
    if measured.failed:
        lines += ["", f"**Not all was measured: {measured.failed}.**"]
    rows = [
        (each.case, each.what, ours_text(each), each.peer, theirs_text(each), ratio_text(each), gate_text(each), each.note)
        for each in measured.readings
    ]
    columns = ("case", "what", "ours", "peer", "theirs", "ratio", "asked", "note")
    return "\n".join([*lines, "", *markdown(columns, rows), ""])


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cell or ' ' for cell in row)} |" for row in (columns, ["---"] * len(columns), *rows)]


def short(results: Results) -> str:
    """What README says."""
    rows = [row for name in AREAS if name in results for row in claims(results[name].readings)]
    columns = ("area", "what", "case", "ours", "beside", "asked")
    return "\n".join([circumstances(results), "", *markdown(columns, rows), ""])


def circumstances(results: Results) -> str:
    runs = [measured.run for measured in results.values()]
    machines = [", ".join(f"{what} {fact}" for what, fact in run.machine.items()) for run in runs]
    parts = (
        f"Measured on {listed(run.date[:10] for run in runs)}",
        f"commit {listed(run.commit for run in runs)}",
        f"load {listed(str(run.load) for run in runs)} before",
        *dict.fromkeys(machines),
    )
    incomplete = [name for name, measured in results.items() if measured.failed]
    hasty = [name for name, measured in results.items() if measured.quick]
    more = "".join(
        f" {what}: {listed(names)}." for what, names in (("Not all was measured", incomplete), ("Quick", hasty)) if names
    )
    return "; ".join(parts) + f".{more}"


def claims(readings: Iterable[Reading]) -> list[tuple[str, ...]]:
    """Readings of one number with its peers are one row, and so are cases of which the same was asked."""
    numbers: dict[tuple[str, str, str], list[Reading]] = {}
    for each in readings:
        numbers.setdefault((each.area, each.what, each.case), []).append(each)
    rows: dict[tuple[object, ...], list[list[Reading]]] = {}
    for (area, what, _), group in numbers.items():
        if any(each.wanted for each in group):
            asked = tuple((each.peer, wanted_text(each)) for each in group)
            rows.setdefault((area, what, asked), []).append(group)
    return [claim(groups) for groups in rows.values()]


def claim(groups: list[list[Reading]]) -> tuple[str, ...]:
    first = groups[0][0]
    case = f"{len(groups)} cases" if len(groups) > NAMED else listed(group[0].case for group in groups)
    ours = quantity_of([group[0].ours for group in groups], first.unit)
    columns = list(zip(*groups, strict=True))  # one a peer
    fast = ", ".join(peer_text(column) for column in columns if column[0].faster)
    others = [peer_text(column) for column in columns if not column[0].faster]
    beside = "; ".join(filter(None, (*others, fast and f"speed {fast}")))
    return first.area, first.what, case, ours, beside, "; ".join(map(asked_text, filter(lambda c: c[0].wanted, columns)))


def peer_text(column: Sequence[Reading]) -> str:
    """A peer, with ratios where there are some."""
    first, measured = column[0], [each for each in column if not each.skipped]
    if not first.peer:
        return ""
    if not measured:
        return f"{first.peer} skipped, {first.note}"
    mark = "~" * any(each.extrapolated for each in measured)
    ratios = [each.ratio for each in measured if each.ratio is not None]
    if ratios:
        return f"{mark}{spread(ratios)}× {first.peer}"
    return f"{first.peer} {mark}{quantity_of([each.theirs for each in measured if each.theirs is not None], first.unit)}"


def asked_text(column: Sequence[Reading]) -> str:
    first, known = column[0], [each.met for each in column if each.met is not None]
    all_met = None if len(known) < len(column) and all(known) else all(known)
    failed = f" in {known.count(False)} of {len(column)}" if all_met is False and len(column) > 1 else ""
    peer = f" {first.peer}" if first.peer and first.wanted and first.wanted.of == "ratio" else ""
    return f"{verdict(all_met)}{failed} ({wanted_text(first)}{peer})"


def spread(values: Sequence[float]) -> str:
    least, most = number(min(values)), number(max(values))
    return least if least == most else f"{least} to {most}"


def quantity_of(values: Sequence[float], unit: str) -> str:
    return quantity(values[0], unit) if len(set(values)) == 1 else f"{spread(values)} {unit}".strip()


def listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def filled(page: str, results: Results) -> str:
    """README, with the short table between its marks."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"README has no place for the table: expected a line {START.strip()}, and later {END.strip()}")
    return f"{before}{START}\n{short(results)}\n{END}{after}"
