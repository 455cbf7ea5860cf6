"""The verdicts of a check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from service.cli.show.parts import counted, figures, places, table, verdict


def check(answer: Any, width: int) -> Iterator[RenderableType]:
    shown = table("gradient", "verdict", "largest error", "bound", "where", right=("largest error", "bound"))
    for each in answer["gradients"]:
        shown.add_row(each["name"], verdict(each["status"]), size(each["max_error"]), size(each["error_bound"]), where(each))
    yield shown
    end = Text("\n")
    end.append_text(verdict(answer["status"]))
    seed = f", seed {answer['seed']}" if "seed" in answer else ""
    count = answer["coordinates"]
    what = "direction" if answer["method"] == "directional" else "entry"
    end.append(f": {counted(count, what)} compared by {answer['method']}{seed}")
    yield end


def size(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def where(found: Any) -> str:
    if "worst" in found:
        worst = found["worst"]
        entry = f"{worst['index']}: " if worst["index"] else ""
        return f"{entry}{figures(worst['submitted'])}, not {figures(worst['numeric'])}"
    if "reason" in found:
        return str(found["reason"])
    return f"no derivative at {places(found['kinks'])}" if found["kinks"] else ""
