"""Expressions such as `u = W @ x + b` to nodes of a graph.

Python parses them; only arithmetic and calls of catalogued ops pass. Nothing is ever evaluated as Python: an expression
becomes nodes, or a sentence that says which expression, which column, and what is allowed.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from engine.errors import BadExpression, EngineError, NameCollision, TooLarge, UnknownName, shorten
from engine.graph.builder import GraphBuilder
from engine.limits import Limits
from engine.ops import OPS
from engine.ops.row import Op
from engine.reading.arrays import kind_of
from engine.syntax import parse

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
ALLOWED = "allowed are + - * / ** @, unary minus, parentheses, numbers, names, and calls of catalogued ops"
BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}
CONSTANTS = {"pi": math.pi}
MODULES = ("np", "numpy", "math", "torch", "jnp", "tf")
ALONE = "ops are called by their names alone: write exp(x), not np.exp(x)"


def check_name(name: str, path: str) -> str:
    """A name that a value or an expression may have."""
    if not NAME.fullmatch(name) or "__" in name:
        raise BadExpression(
            f"'{shorten(name)}' cannot be a name here: letters, digits and single _, beginning with a letter", path=path
        )
    if name in OPS:
        raise NameCollision(f"'{name}' is the name of an op and cannot also be the name of a value", path=path)
    return name


class Expression:
    """One `name = …`, parsed and bounded, and then lowered into a graph under construction."""

    def __init__(self, text: str, path: str, limits: Limits) -> None:
        self.text = text.strip()
        self.path = path
        if len(self.text) > limits.expression_length:
            raise TooLarge(f"an expression may have {limits.expression_length} characters, not {len(text)}", path=path)
        if "\n" in self.text or not self.text.isascii():
            self.refuse(None, "one expression is one line of plain ASCII text")
        statement = self._parse()
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            self.refuse(None, "expected `name = expression`")
        target = statement.targets[0]
        if not isinstance(target, ast.Name):
            self.refuse(target, "the left side must be one name")
        self.name = check_name(target.id, path)
        self.body = statement.value
        self._check_depth(limits.expression_depth)
        self._check_syntax()

    def _parse(self) -> ast.stmt:
        try:
            module = parse(self.text)
        except SyntaxError as error:
            self.refuse(error.offset, "not a complete expression")
        except (ValueError, RecursionError, MemoryError):
            self.refuse(None, "this cannot be read")
        if len(module.body) != 1:
            self.refuse(None, "expected one `name = expression`")
        return module.body[0]

    def _check_depth(self, most: int) -> None:
        level: list[ast.AST] = [self.body]
        for _ in range(most):
            level = [child for node in level for child in ast.iter_child_nodes(node)]
            if not level:
                return
        raise TooLarge(f"`{shorten(self.text)}` is nested more than {most} deep", path=self.path)

    def _check_syntax(self) -> None:
        """Refuse what is never allowed, before any name is looked up."""
        for node in ast.walk(self.body):
            if type(node) in REFUSALS and not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)):
                module = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in MODULES
                self.refuse(node, ALONE if module else REFUSALS[type(node)])

    def refuse(self, at: ast.AST | int | None, why: str) -> NoReturn:
        column = getattr(at, "col_offset", -1) + 1 if isinstance(at, ast.AST) else at
        where = f"`{shorten(self.text)}`" + (f", column {column}" if column else "")
        raise BadExpression(f"{where}: {why}; {ALLOWED}", path=self.path) from None

    def names(self) -> set[str]:
        """The names that this expression reads."""
        called = {id(node.func) for node in ast.walk(self.body) if isinstance(node, ast.Call)}
        return {node.id for node in ast.walk(self.body) if isinstance(node, ast.Name) and id(node) not in called} - set(
            CONSTANTS
        )

    def lower(self, builder: GraphBuilder) -> int:
        """Add the nodes of this expression; the unnamed ones are `name.1`, `name.2`, … and belong to it."""
        try:
            position = Lowering(self, builder).lower(self.body, self.name)
            if builder.nodes[position].name != self.name:  # `v = u` or `v = 3`: a node of its own
                position = builder.apply(self.name, OPS["identity"], [position])
        except EngineError as error:
            error.path = error.path or self.path
            raise
        return position


class Lowering:
    """One expression on its way into one graph; the expression itself stays as it is, for other graphs."""

    def __init__(self, expression: Expression, builder: GraphBuilder) -> None:
        self.expression = expression
        self.builder = builder
        self.unnamed = 0

    def lower(self, node: ast.expr, name: str = "") -> int:
        if isinstance(node, ast.Constant):
            return self.builder.number(self._number(node))
        if isinstance(node, ast.Name):
            if node.id in CONSTANTS and node.id not in self.builder.index:
                return self.builder.number(CONSTANTS[node.id])
            if node.id not in self.builder.index:
                raise UnknownName("name", node.id, self.builder.index, path=self.expression.path)
            return self.builder.index[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if isinstance(node.operand, ast.Constant):
                return self.builder.number(-self._number(node.operand))
            return self._apply(node, name, OPS["neg"], [node.operand])
        if isinstance(node, ast.BinOp):
            if type(node.op) not in BINARY:
                power = isinstance(node.op, ast.BitXor)
                self.expression.refuse(node, "a power is written **, not ^" if power else "this operator is not known")
            return self._apply(node, name, OPS[BINARY[type(node.op)]], [node.left, node.right])
        if isinstance(node, ast.Call):
            return self._call(node, name)
        self.expression.refuse(node, TUPLE if isinstance(node, ast.Tuple) else "this is not allowed")

    def _number(self, node: ast.Constant) -> float:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.expression.refuse(node, f"expected a number, not {kind_of(node.value)}")
        try:
            value = float(node.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            self.expression.refuse(node, "this number is too large for a 64-bit float")
        return value

    def _call(self, node: ast.Call, name: str) -> int:
        if not isinstance(node.func, ast.Name):
            self.expression.refuse(node, "only an op can be called, by its name")
        if node.func.id not in OPS:
            raise UnknownName(
                f"`{shorten(self.expression.text)}`, column {node.col_offset + 1}: op",
                node.func.id,
                OPS,
                path=self.expression.path,
            )
        op = OPS[node.func.id]
        attributes: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg not in op.attributes:
                allowed = ", ".join(op.attributes) or "none"
                self.expression.refuse(
                    keyword.value, f"{op.name} has no option '{shorten(str(keyword.arg))}' (its options: {allowed})"
                )
            attributes[keyword.arg] = self._literal(keyword.value)
        missing = [each for each, default in op.attributes.items() if default is ... and each not in attributes]
        if missing:
            self.expression.refuse(node, f"{op.name} needs {missing[0]}=…")
        if len(node.args) != op.arity and not (op.variadic and node.args):
            hint = f"; options are named, such as {next(iter(op.attributes))}=…" if op.attributes else ""
            if op.name in ("max", "min"):
                hint = f"; of two arrays, entry by entry, it is {op.name}imum"
            self.expression.refuse(
                node, f"{op.name} takes {op.arity} operand{'s' * (op.arity != 1)}, not {len(node.args)}{hint}"
            )
        return self._apply(node, name, op, node.args, attributes)

    def _apply(
        self, node: ast.expr, name: str, op: Op, operands: Sequence[ast.expr], attributes: dict[str, Any] | None = None
    ) -> int:
        inputs = [self.lower(operand) for operand in operands]
        if not name:
            self.unnamed += 1
        owner = "" if name else self.expression.name
        title = name or f"{self.expression.name}.{self.unnamed}"
        try:
            return self.builder.apply(title, op, inputs, owner=owner, attributes=attributes or {})
        except EngineError as error:
            message = f"`{shorten(self.expression.text)}`, column {node.col_offset + 1}: {error.message}"
            raise type(error)(message, path=self.expression.path) from None

    def _literal(self, node: ast.expr) -> Any:
        """The value of an option: a number, True, False, None, or a tuple of numbers."""
        if isinstance(node, ast.Tuple):
            return tuple(self._literal(each) for each in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            value = self._literal(node.operand)
            return -value if not isinstance(value, bool | None) else self.expression.refuse(node, "not a number")
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | None):
            if isinstance(node.value, int | float) and not isinstance(node.value, bool):
                self._number(node)
            return node.value
        self.expression.refuse(node, "an option must be a number, True, False, None or a tuple of whole numbers")


TUPLE = "a tuple is allowed only as an option, such as shape=(2, 3)"
REFUSALS: dict[type[ast.AST], str] = {
    ast.Attribute: "there are no attributes: write transpose(x), not x.T",
    ast.Subscript: "there is no indexing: write slice(x, start=…, stop=…, axis=…)",
    ast.Compare: "there are no comparisons",
    ast.BoolOp: "there are no conditions",
    ast.IfExp: "there are no conditions: relu, abs, maximum and clip are ops",
    ast.Lambda: "functions cannot be defined",
    ast.ListComp: "comprehensions are not allowed",
    ast.SetComp: "comprehensions are not allowed",
    ast.DictComp: "comprehensions are not allowed",
    ast.GeneratorExp: "comprehensions are not allowed",
    ast.List: "arrays are given under values, by name",
    ast.NamedExpr: "an expression gives one name, on its left",
    ast.JoinedStr: "expected a number, not text",
    ast.UnaryOp: "the only unary operator is minus",
}
