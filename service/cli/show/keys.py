"""Keys: one that was just made, all of them, and one that was revoked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from service.cli.show.parts import note, table

ENOUGH = len("2026-03-04T05:06")
"""Of an instant: the seconds are for programs."""


def created(answer: Any, width: int) -> Iterator[RenderableType]:
    shown = table("", "")
    shown.show_header = False
    for name in ("name", "scope", "id", "key", "entry"):
        if name in answer:
            shown.add_row(Text(name, "bold"), answer[name])
    yield shown
    yield note("\nKeep the key: it is shown this once, and stored nowhere.", "yellow")
    if "database" in answer:
        heeded = f"Services on the database {answer['database']} heed it within {answer['within_seconds']} seconds,"
        yield note(f"{heeded} and let nobody in without a key any more.")


def listed(answer: Any, width: int) -> Iterator[RenderableType]:
    if not answer["keys"]:
        yield note("There are no keys.")
        return
    shown = table("name", "scope", "id", "created", "last used", "revoked")
    for row in answer["keys"]:
        if row["source"] == "settings":
            shown.add_row(row["name"], row["scope"], Text("in settings", "cyan"), "–", "–", "–")
            continue
        times = [instant(row[name]) for name in ("created_at", "used_at", "revoked_at")]
        shown.add_row(row["name"], row["scope"], row["id"], *times, style="dim" if row["revoked_at"] else "")
    for column in shown.columns[1:]:
        column.no_wrap = column.header in ("scope", "id")
    yield shown


def revoked(answer: Any, width: int) -> Iterator[RenderableType]:
    within = f"Services turn it away within {answer['within_seconds']} seconds."
    yield note(f"The key {answer['id']} of '{answer['name']}' is revoked. {within}")


def instant(text: str | None) -> str:
    """In UTC, as all times."""
    return "–" if text is None else text[:ENOUGH].replace("T", " ")
