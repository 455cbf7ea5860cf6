"""Which mistakes a problem tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from service.cli.show.parts import note, table

MOST = 3
"""Names in one place."""


def mistakes(answer: Any, width: int) -> Iterator[RenderableType]:
    if not answer["mistakes"]:
        yield note("No mistake that Verigrad knows can be made here.")
        return
    shown = table("mistake", "told apart", "where", "same answers as")
    shown.columns[0].no_wrap = True
    for row in answer["mistakes"]:
        told = Text("yes", "green") if row["tells_apart"] else Text("no", "yellow")
        shown.add_row(row["code"], told, some(row["at"]), some(row["same_as"]))
    yield shown


def some(names: list[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
