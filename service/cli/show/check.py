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
        shown.add_row(
            each["name"],
            verdict(each["status"]),
            size(each["max_error"]),
            size(each["error_bound"]),
            where(each, answer["method"]),
        )
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


def where(found: Any, method: str) -> str:
    if "worst" in found:
        worst = found["worst"]
        place = f"direction {worst['index'][0]}" if method == "directional" else str(worst["index"] or "")
        entry = f"{place}: " if place else ""
        more = f"; {found['disagreeing'] - 1:,} more" if found["disagreeing"] > 1 else ""
        return f"{entry}{figures(worst['submitted'])}, not {figures(worst['numeric'])}{more}"
    if "reason" in found:
        return str(found["reason"])
    return f"no derivative at {places(found['kinks'])}" if found["kinks"] else ""
