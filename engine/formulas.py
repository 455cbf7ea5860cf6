"""The formulas behind the numbers, in the names of the problem.

A formula is a line of Python with NumPy's names, put together from the rows of the table of ops; tests evaluate it. Parts
of an expression that have no name of their own are written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from engine.graph.graph import Graph, Node
from engine.latex import Latex
from engine.ops import OPS
from engine.ops.row import Formula
from engine.ops.shapes import broadcast, same
from engine.problems import Problem
from engine.quantities import Quantity

SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+(\.\d+)?")
CALL = re.compile(r"[A-Za-z_]\w*\(")
GROUP = re.compile(r"\(")
DEFAULTS = (", axis=None", ", keepdims=False")
PRODUCT = re.compile(r"(?<![\w.])(?<!\*\* )(?<!/ )(\d+(?:\.\d+)?) \* (\d+(?:\.\d+)?)(?![\w.*(])(?! \*\*)")
POWER_LESS_ONE = re.compile(r"\*\*\((\d+) - 1\)")
FACTOR_ONE = re.compile(r"(?<![\w.])1 \* | \* 1(?![\w./*])")


@dataclass(frozen=True, slots=True)
class FormulaText:
    text: str
    latex: str


def formula(problem: Problem, quantity: Quantity) -> FormulaText | None:
    """How a quantity is computed; None where it is given."""
    graph = problem.graph
    if quantity.kind == "value":
        right = value_text(graph, quantity.node)
    elif quantity.kind == "gradient":
        right = gradient_text(graph, quantity.node)
    elif quantity.kind == "update":
        right = update_text(problem, quantity.node)
    elif quantity.kind == "local":
        right = local_text(graph, quantity.node, quantity.by)
    else:
        right = ""
    if not right:
        return None
    latex = Latex(graph.names)
    left = latex.derivative(quantity.node, quantity.by) if quantity.by else latex.name(quantity.name)
    return FormulaText(f"{quantity.name} = {right}", f"{left} = {latex.formula(right)}")


def value_text(graph: Graph, name: str) -> str:
    node = graph[name]
    if node.op is None:
        return ""
    return tidy(formula_of(graph, node).value.format(*operands(graph, node), **fields(graph, node)))


def gradient_text(graph: Graph, name: str) -> str:
    """The sum of what flows back from every node that uses this one."""
    position = graph.position(name)
    if position == graph.output:
        return "1"
    if is_losses(graph, position):
        return derivative_name(graph, position).strip("()")
    parts = [
        contribution_text(graph, user, place, derivative_name(graph, user))
        for user, node in enumerate(graph.nodes)
        for place, source in enumerate(node.inputs)
        if source == position and (user in graph.ancestors(graph.output))
    ]
    shortcut = graph.shortcut
    if shortcut and position == shortcut.logits:
        parts = [fused_text(graph)]
    return tidy(" + ".join(parts)) if parts else "0"


def local_text(graph: Graph, name: str, by: str) -> str:
    """The derivative rule of one op, with ∂J/∂node taken as 1; for elementwise ops the diagonal."""
    node = graph[name]
    source = graph.position(by)
    if list(node.inputs).count(source) != 1 or any(graph.nodes[each].owner == name for each in node.inputs):
        return ""
    if node.op is None or node.op.shape not in (same, broadcast):
        return ""  # not entry by entry: a Jacobian is no product of the op's rule with 1
    text = contribution_text(graph, graph.position(name), node.inputs.index(source), "1", plain=True)
    return tidy(text)


def update_text(problem: Problem, name: str) -> str:
    assert problem.optimizer is not None
    settings = {key: number(value) for key, value in problem.optimizer.settings.items()}
    return tidy(problem.optimizer.formula.format(p=name, d=f"d{name}", **settings))


def derivative_name(graph: Graph, position: int) -> str:
    """dZ1; for the output and the losses what it is worth; for an unnamed part the derivative it has, written out."""
    node = graph.nodes[position]
    if position == graph.output:
        return "1"
    if is_losses(graph, position):
        averaged = graph.nodes[graph.output].op is OPS["mean"] and node.name not in graph.starts
        return "(1/m)" if averaged else "1"
    return wrapped(gradient_text(graph, node.name)) if node.owner else f"d{node.name}"


def formula_of(graph: Graph, node: Node) -> Formula:
    """The row's formula for operands of these ranks."""
    assert node.op is not None
    return node.op.formula_for(*(graph.nodes[each].shape for each in node.inputs))


def is_losses(graph: Graph, position: int) -> bool:
    """The losses of a network or of a loss alone, whose cost is their mean or sum over the m examples."""
    return graph.nodes[position].name == "losses" and "Y" in graph.index and graph.names[-1] == "J"


def contribution_text(graph: Graph, user: int, place: int, d: str, *, plain: bool = False) -> str:
    """What ∂J/∂user adds to the gradient of one of its inputs."""
    node = graph.nodes[user]
    assert node.op is not None
    source = graph.nodes[node.inputs[place]]
    names = operands(graph, node)
    out = node.name if not node.owner else wrapped(value_text(graph, node.name))
    axis = node.attributes.get("axis")
    if axis is not None and len(node.shape) < len(source.shape) and d not in ("1", "(1/m)"):
        shown = shown_axis(axis, len(source.shape))
        d, out = f"expand_dims({d}, {shown})", f"expand_dims({out}, {shown})"
    template = formula_of(graph, node).gradient[0 if node.op.variadic else place]
    text = template.format(*names, d=d, out=out, **fields(graph, node), position=place)
    text = summed(text, node, source)
    if place in node.shares and not plain:
        text = f"{wrapped(text)} / m" if " " in text else f"{text} / m"
    return text


def summed(text: str, node: Node, source: Node) -> str:
    """Broadcasting undone, where an aligned op repeated this input."""
    if node.op is None or not node.op.aligned or source.shape == node.shape or "axis" in node.attributes:
        return text
    extra = len(node.shape) - len(source.shape)
    if extra:
        text = f"sum({text}, axis={axes_text(range(extra))})"
    repeated = [axis for axis, length in enumerate(source.shape) if length == 1 < node.shape[axis + extra]]
    return f"sum({text}, axis={axes_text(repeated)}, keepdims=True)" if repeated else text


def fused_text(graph: Graph) -> str:
    """dZ of a fused head."""
    shortcut = graph.shortcut
    assert shortcut is not None
    losses = next(node for node in graph.nodes if node.shortcut)
    head, labels = graph.nodes[shortcut.head].name, graph.nodes[losses.inputs[1]].name
    d = derivative_name(graph, graph.position("losses"))
    return f"{d} * {number(losses.attributes['scale'])} * ({head} - {labels})"


def operands(graph: Graph, node: Node) -> list[str]:
    """The inputs by name; numbers as they are, unnamed parts written out."""
    texts = []
    for each in node.inputs:
        source = graph.nodes[each]
        if source.number is not None:
            texts.append(number(source.number) if source.number >= 0 else f"({number(source.number)})")
        elif source.owner:
            texts.append(wrapped(value_text(graph, source.name)))
        else:
            texts.append(source.name)
    return texts


def fields(graph: Graph, node: Node) -> dict[str, str]:
    """The attributes of an op, as a person writes them."""
    shown = {}
    rank = len(graph.nodes[node.inputs[0]].shape)
    for key, value in node.attributes.items():
        shown[key] = str(value) if isinstance(value, bool | tuple | None) else number(value)
        if key == "axis" and value is not None:
            shown[key] = shown_axis(value, rank)
    shape = graph.nodes[node.inputs[0]].shape
    count = prod(shape) // max(1, prod(node.shape))
    return {**shown, "all": ", ".join(operands(graph, node)), "shape_of_0": axes_text(shape), "count": str(count)}


def shown_axis(axis: int | tuple[int, ...], rank: int) -> str:
    """Counted from the front, as people do."""
    return str(axis + rank if isinstance(axis, int) else tuple(each + rank for each in axis))


def axes_text(axes: Iterable[int]) -> str:
    listed = tuple(axes)
    return str(listed[0]) if len(listed) == 1 else str(listed)


def number(value: float) -> str:
    """As short as it is exact: 0.5, or (1/3)."""
    decimal = f"{value:.15g}"
    ratio = Fraction(value).limit_denominator(1000)
    if len(decimal) > 8 and abs(float(ratio) - value) <= 1e-15 * abs(value):
        return f"({ratio})"
    return decimal


def wrapped(text: str) -> str:
    return text if SIMPLE.fullmatch(text) or is_closed(text, CALL) else f"({text})"


def is_closed(text: str, opening: re.Pattern[str]) -> bool:
    """Whether the parenthesis that the text opens with closes at its very end."""
    match = opening.match(text)
    if not match or not text.endswith(")"):
        return False
    depth = 0
    for place, character in enumerate(text[match.end() - 1 :], start=match.end() - 1):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def tidy(text: str) -> str:
    """Numbers multiplied, and factors of 1, defaults and outer parentheses left out."""
    for default in DEFAULTS:
        text = text.replace(default, "")
    text = PRODUCT.sub(lambda match: number(float(match[1]) * float(match[2])), text)
    text = POWER_LESS_ONE.sub(lambda match: f"**{int(match[1]) - 1}", text).replace("**1)", ")").removesuffix("**1")
    text = FACTOR_ONE.sub("", text)
    return text[1:-1] if is_closed(text, GROUP) else text
