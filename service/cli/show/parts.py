"""What the answers are shown with: numbers, verdicts, tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

MOST = 24
"""Numbers of one quantity that are shown in full."""
NARROW = 16
"""Columns that numbers get on however narrow a terminal."""

STYLES = {
    **dict.fromkeys(("agrees", "correct", "converged"), "green"),
    **dict.fromkeys(("follow_through",), "cyan"),
    **dict.fromkeys(("kink", "inconclusive", "missing", "malformed", "ungradable"), "yellow"),
    **dict.fromkeys(("disagrees", "wrong", "diverged"), "bold red"),
}


def verdict(word: str) -> Text:
    return Text(word.replace("_", " "), STYLES.get(word, ""))


def figures(value: Any, width: int = 80) -> str:
    """Numbers as NumPy prints them, whole ones without a point; what is null is a dash."""
    if value is None:
        return "–"
    array = np.array(value, dtype=float) + 0.0  # −0 is 0 to a reader
    if array.ndim == 0:
        return f"{array:.6g}"
    whole = bool(np.all(np.isfinite(array) & (array == np.round(array)) & (np.abs(array) < 1e6)))
    with np.printoptions(precision=5, threshold=MOST, edgeitems=2, nanstr="–"):
        return np.array2string(array.astype(int) if whole else array, max_line_width=max(width, NARROW))


def share(width: int, taken: int, columns: int = 1) -> int:
    """Of the width that is left by other columns, for each of these; two are between columns."""
    return max((width - taken) // columns - 2, NARROW)


def table(*headings: str, right: tuple[str, ...] = ()) -> Table:
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return made


def note(words: str, style: str = "") -> Text:
    return Text(words, style)


def counted(count: int, what: str) -> str:
    """`1 entry`, `2 entries`, `1,000 steps`."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def certified(certificate: Any) -> Text:
    """How the numbers were confirmed."""
    status = certificate["status"]
    words = f"certificate: {status} ({certificate['method']})"
    if certificate.get("kinks"):
        words += f", no derivative at {places(certificate['kinks'])}"
    if certificate.get("reason"):
        words += f": {certificate['reason']}"
    return Text(words, STYLES.get(status, ""))


def places(kinks: Any, most: int = 3) -> str:
    """`Z1[3, 0], Z1[4, 1] and 2 more`."""
    named = [f"{kink['node']}{kink['index']}" for kink in kinks[:most]]
    more = f" and {len(kinks) - most} more" if len(kinks) > most else ""
    return ", ".join(named) + more
