"""Steps of an optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from service.cli.show.parts import counted, figures, note, share, table, verdict

MOST = 20
"""Steps that are shown; of more, the first and the last."""


def train(answer: Any, width: int) -> Iterator[RenderableType]:
    steps = answer["steps"]
    batches = any(step["batch"] for step in steps)
    slopes = any("gradients" in step for step in steps)
    headings = ["step", "epoch", *(["examples"] if batches else []), "cost", *(["gradients"] if slopes else [])]
    shown = table(*headings, right=("step", "epoch"))
    for step in some(steps):
        if step is None:
            shown.add_row("…")
            continue
        row = [str(step["step"]), str(step["epoch"])]
        row += [", ".join(map(str, step["batch"]))] if batches else []
        row += [figures(step["cost"])]
        row += [gradients(step, share(width, 40))] if slopes else []
        shown.add_row(*row)
    yield shown
    after = table("parameter", "after the last step")
    for name, value in answer["parameters"].items():
        after.add_row(name, figures(value, share(width, 12)))
    yield note("")
    yield after
    end = Text("\n")
    end.append_text(Text("done", "green") if answer["stopped"] == "steps" else verdict(answer["stopped"]))
    end.append(f": {counted(len(steps), 'step')}, cost {figures(answer['cost'])}")
    yield end
    for field in ("message", "reason"):
        if field in answer:
            yield note(answer[field], "yellow")


def some(steps: list[Any]) -> list[Any]:
    """All of them, or the first and the last with None between."""
    return steps if len(steps) <= MOST else [*steps[: MOST // 2], None, *steps[-MOST // 2 :]]


def gradients(step: Any, room: int) -> str:
    """One below the other, the rows of a matrix below its first."""
    lines = []
    for name, value in step.get("gradients", {}).items():
        lines.append(f"{name} {figures(value, room)}".replace("\n", "\n" + " " * (len(name) + 1)))
    return "\n".join(lines)
