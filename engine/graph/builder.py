"""Building a graph: nodes are added one by one, and names, shapes and size are checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from engine.errors import EngineError, NameCollision, NotScalar, TooLarge, UnknownName, shape_text
from engine.graph.graph import Graph, Kind, Node
from engine.limits import DEFAULT_LIMITS, Limits
from engine.ops.row import Op, Shape
from engine.ops.shapes import from_end

MAXIMUM_RANK = 8


class GraphBuilder:
    """Adds nodes one by one, checking names, shapes and size before anything is computed."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.nodes: list[Node] = []
        self.index: dict[str, int] = {}
        self.elements = 0

    def add(self, node: Node) -> int:
        if node.name in self.index:
            raise NameCollision(f"the name '{node.name}' is given twice")
        if len(node.shape) > MAXIMUM_RANK:
            raise TooLarge(f"'{node.name}' would have {len(node.shape)} axes; {MAXIMUM_RANK} is the most")
        self.elements += prod(node.shape)
        if len(self.nodes) >= self.limits.nodes:
            raise TooLarge(f"the graph has more than {self.limits.nodes} nodes")
        if self.elements > self.limits.elements:
            raise TooLarge(
                f"the nodes of this graph would hold more than {self.limits.elements:,} numbers;"
                f" '{node.name}' alone has {shape_text(node.shape)}"
            )
        if node.number is None:
            self.index[node.name] = len(self.nodes)
        self.nodes.append(node)
        return len(self.nodes) - 1

    def leaf(self, name: str, kind: Kind, shape: Shape) -> int:
        return self.add(Node(name, kind, shape))

    def number(self, value: float) -> int:
        return self.add(Node(f"#{len(self.nodes)}", "constant", (), number=value))

    def apply(self, name: str, op: Op, inputs: Sequence[int], **more: Any) -> int:
        """Add a node made by an op; `more` may hold attributes and the other fields of a Node."""
        given = more.pop("attributes", {})
        input_shapes = [self.nodes[each].shape for each in inputs]
        try:
            attributes = {**op.attributes, **given}
            if "axis" in attributes:
                attributes["axis"] = from_end(attributes["axis"], len(input_shapes[0]))
            if op.check:
                op.check(*input_shapes, **attributes)
            shape = op.shape(*input_shapes, **attributes)
        except EngineError as error:
            listed = ", ".join(self.nodes[each].name for each in inputs if not self.nodes[each].hidden)
            raise type(error)(f"{name} = {op.name}({listed}): {error.message}", path=error.path) from None
        return self.add(Node(name, "value", shape, op, tuple(inputs), attributes, **more))

    def finish(self, output: str, **conventions: Any) -> Graph:
        refuse_collisions(list(self.index))
        if output not in self.index:
            raise UnknownName("output", output, self.index)
        position = self.index[output]
        shape = self.nodes[position].shape
        if shape:
            raise NotScalar(f"the output '{output}' is {shape_text(shape)}, but gradients are of a single number")
        return Graph(tuple(self.nodes), position, **conventions)


def refuse_collisions(names: Sequence[str]) -> None:
    """`e` and `de` cannot both be names of a graph: de is the derivative with respect to e."""
    known = set(names)
    for name in names:
        for derived, meaning in ((f"d{name}", "the derivative with respect to"), (f"{name}_new", "the update of")):
            if derived in known:
                raise NameCollision(f"'{derived}' is a name of this graph, but also {meaning} '{name}': rename one")
