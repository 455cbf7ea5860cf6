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
    told = [worst(found, method)] if "worst" in found else []
    if "reason" in found:
        told.append(str(found["reason"]))
    elif found["kinks"]:
        told.append(f"no derivative at {places(found['kinks'])}")
    return "; ".join(told)


def worst(found: Any, method: str) -> str:
    entry = found["worst"]
    place = f"direction {entry['index'][0]}" if method == "directional" else str(entry["index"] or "")
    numbers = f"{figures(entry['submitted'])}, not {figures(entry['numeric'])}"
    more = f"; {found['disagreeing'] - 1:,} more" if found["disagreeing"] > 1 else ""
    return f"{place}: {numbers}{more}" if place else numbers
