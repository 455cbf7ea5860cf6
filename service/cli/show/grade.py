"""Grades: one student's item by item, or a line for each of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from service.cli.show.parts import certified, figures, table, verdict


def grade(answer: Any, width: int) -> Iterator[RenderableType]:
    shown = table("quantity", "verdict", "points", "", right=("points",))
    for item in answer["items"]:
        points = f"{item['points']:g} of {item['max_points']:g}"
        shown.add_row(item["name"], verdict(item.get("verdict", "")), points, remarks(item))
    yield shown
    total = f"\n{answer['points']:g} of {answer['max_points']:g} points ({answer['score']:.1%})"
    first = f", first error at {answer['first_error']}" if answer.get("first_error") else ""
    yield Text(total + first, "bold")
    yield certified(answer["certificate"])


def remarks(item: Any) -> str:
    """All that this level of feedback shows, a line each."""
    lines = [item.get("message", "")]
    diagnosis = item.get("diagnosis", {}).get("message", "")
    lines += [diagnosis] if diagnosis not in lines[0] else []  # of an answer in another shape, what it is besides
    lines += [f"or: {each['message']}" for each in item.get("alternatives", []) if each["message"] != lines[0]]
    if item.get("verdict") != "correct":
        lines += [f"entries: {ticks(item['cells'])}"] if np.size(item.get("cells", True)) > 1 else []
        lines += [item["formula"]["text"]] if "formula" in item else []
    lines += [f"expected: {figures(item['expected'], 36)}"] if "expected" in item else []
    lines += [item["worked"]] if "worked" in item else []
    return "\n".join(line for line in lines if line)


def ticks(cells: Any) -> str:
    """Which entries are right: `[✓ ✗] [✓ ✓]`."""
    if isinstance(cells, list):
        return f"[{' '.join(map(ticks, cells))}]"
    return "✓" if cells else "✗"


def grade_batch(answer: Any, width: int) -> Iterator[RenderableType]:
    shown = table("submission", "points", "score", "", right=("points", "score"))
    for result in answer["results"]:
        if "error" in result:
            shown.add_row(result["id"], "–", "–", Text(result["error"]["detail"], "yellow"))
        else:
            found = result["grade"]
            first = f"first error at {found['first_error']}" if found.get("first_error") else ""
            shown.add_row(result["id"], f"{found['points']:g} of {found['max_points']:g}", f"{found['score']:.1%}", first)
    yield shown
    grades = [result["grade"]["score"] for result in answer["results"] if "grade" in result]
    if grades:
        count = f"{len(grades):,} of {len(answer['results']):,} graded"
        yield Text(f"\n{count}, mean score {sum(grades) / len(grades):.1%}", "bold")
