"""Every node with its value and gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from service.cli.show.parts import certified, figures, note, share, table


def gradients(answer: Any, width: int) -> Iterator[RenderableType]:
    nodes = answer["nodes"]
    made = [made_by(node) for node in nodes]
    room = share(width, max(len(node["name"]) for node in nodes) + max(map(len, made)) + 4, 2)
    shown = table("node", "made by", "value", f"gradient of {answer['output']}")
    for node, by in zip(nodes, made, strict=True):
        shown.add_row(node["name"], by, figures(node["value"], room), figures(node["gradient"], room))
    yield shown
    yield from formulas(nodes)
    local = {f"{node['name']}/{each['input']}": each["value"] for node in nodes for each in node.get("local", [])}
    yield from named("local derivative", local, width)
    jacobians = {name: each["value"] for name, each in answer.get("jacobians", {}).items()}
    yield from named("Jacobian", jacobians, width)
    yield from named("after one step", answer.get("updates", {}), width)
    yield note("")
    for warning in answer.get("warnings", []):
        yield note(f"warning: {warning}", "yellow")
    yield certified(answer["certificate"])


def made_by(node: Any) -> str:
    return f"{node['op']}({', '.join(node['inputs'])})" if "op" in node else str(node["kind"])


def formulas(nodes: Any) -> Iterator[RenderableType]:
    lines = [node[which]["text"] for node in nodes for which in ("value_formula", "formula") if which in node]
    if lines:
        yield note("\nformulas", "bold")
        yield note("\n".join(f"  {line}" for line in lines))


def named(heading: str, values: Any, width: int) -> Iterator[RenderableType]:
    if values:
        shown = table(heading, "value")
        for name, value in values.items():
            shown.add_row(name, figures(value, share(width, len(heading))))
        yield note("")
        yield shown
