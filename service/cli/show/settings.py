"""The settings, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from service.cli.show.parts import note, table


def settings(answer: Any, width: int) -> Iterator[RenderableType]:
    made = table("setting", "value", "source")
    for row in answer["settings"]:
        value = str(row["value"]).lower() if isinstance(row["value"], bool) else str(row["value"])
        made.add_row(row["variable"], value, Text(row["source"], "" if row["source"] == "default" else "cyan"))
    yield made
    if answer["unknown"]:
        yield note(f"\nnot settings, and without any effect: {', '.join(answer['unknown'])}", "yellow")
