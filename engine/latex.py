"""A formula in Python to the same formula in LaTeX, by walking its syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from engine.syntax import parse_expression

INDEXED = re.compile(r"(?P<word>[A-Za-z]+?)_?(?P<index>\d+|(?<=_)[A-Za-z0-9_]+)?")
GREEK = {"alpha", "beta", "gamma", "delta", "epsilon", "sigma", "theta", "lambda", "mu", "pi", "eta", "rho", "phi", "psi"}
PLAIN = {name: rf"\{name}" for name in ("log", "exp", "sin", "cos", "tanh")}
FUNCTIONS = {**PLAIN, "maximum": r"\max", "minimum": r"\min"}
COMPARISONS = {ast.Gt: ">", ast.GtE: r"\ge", ast.Lt: "<", ast.LtE: r"\le", ast.Eq: "="}
SUM, PRODUCT, UNARY, ATOM = 1, 2, 3, 5
"""How tightly a piece holds together; a piece inside a tighter one takes parentheses."""


class Latex:
    """Writes formulas in the names of one problem: only what they know is read as a derivative, dW but not delta."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    def formula(self, text: str) -> str:
        """`dA1 * A1 * (1 - A1)` → `dA_{1} \\odot A_{1} \\odot \\left(1 - A_{1}\\right)`."""
        return self.walk(parse_expression(text))

    def derivative(self, above: str, below: str) -> str:
        """∂node/∂input."""
        return rf"\frac{{\partial {self.name(above)}}}{{\partial {self.name(below)}}}"

    def name(self, identifier: str) -> str:
        """W1 → W_{1}, dZ_hidden → dZ_{\\mathrm{hidden}}, W1_new → W_{1}^{\\mathrm{new}}."""
        if identifier not in self.names:
            if identifier[:1] == "d" and identifier[1:] in self.names:
                return "d" + self.name(identifier[1:])
            if identifier.endswith("_new"):
                return self.name(identifier[:-4]) + r"^{\mathrm{new}}"
        match = INDEXED.fullmatch(identifier)
        if match is None:
            return upright(identifier)
        word, index = match["word"], match["index"]
        shown = rf"\{word}" if word in GREEK else word if len(word) == 1 else upright(word)
        below = "" if index is None else rf"_{{{index if index.isdigit() or len(index) == 1 else upright(index)}}}"
        return shown + below

    def walk(self, node: ast.expr, around: int = 0) -> str:
        if isinstance(node, ast.Name):
            return self.name(node.id)
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.UnaryOp):
            return parenthesized(f"-{self.walk(node.operand, UNARY)}", around > SUM)
        if isinstance(node, ast.BinOp):
            return self.binary(node, around)
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return parenthesized(rf"{self.walk(node.value, ATOM)}^{{\top}}", around >= ATOM)
        if isinstance(node, ast.Compare):
            sign = COMPARISONS[type(node.ops[0])]
            return rf"\left[{self.walk(node.left)} {sign} {self.walk(node.comparators[0])}\right]"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.call(node.func.id, node, around)
        return rf"\mathtt{{{ast.unparse(node)}}}".replace("_", r"\_")

    def binary(self, node: ast.BinOp, around: int) -> str:
        if isinstance(node.op, ast.Div):
            return parenthesized(rf"\frac{{{self.walk(node.left)}}}{{{self.walk(node.right)}}}", around >= ATOM)
        if isinstance(node.op, ast.Pow):
            return parenthesized(rf"{self.walk(node.left, ATOM)}^{{{self.walk(node.right)}}}", around >= ATOM)
        if isinstance(node.op, ast.Add | ast.Sub):
            signed = isinstance(node.right, ast.UnaryOp)
            right = self.walk(node.right, PRODUCT if signed else SUM + isinstance(node.op, ast.Sub))
            sign = " + " if isinstance(node.op, ast.Add) else " - "
            return parenthesized(self.walk(node.left, SUM) + sign + right, around > SUM)
        matrices = isinstance(node.op, ast.MatMult)
        scalar = is_scalar(node.left) or is_scalar(node.right)
        sign = r" \, " if matrices or scalar else r" \odot "
        return parenthesized(self.factor(node.left, node) + sign + self.factor(node.right, node), around > PRODUCT)

    def factor(self, part: ast.expr, product: ast.BinOp) -> str:
        """A factor of a product; a product of another kind inside it takes parentheses."""
        mixed = isinstance(part, ast.BinOp) and {type(part.op), type(product.op)} == {ast.Mult, ast.MatMult}
        nested = part is product.right and isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult | ast.MatMult)
        return self.walk(part, UNARY if mixed or nested else PRODUCT)

    def call(self, function: str, node: ast.Call, around: int) -> str:
        inner = ", ".join(self.walk(each) for each in node.args)
        axis = next((ast.unparse(each.value) for each in node.keywords if each.arg == "axis"), "")
        below = rf"_{{\text{{axis }} {axis}}}" if axis else ""
        if function == "sum":
            return parenthesized(rf"\sum{below} \left({inner}\right)", around >= PRODUCT)
        if function == "transpose":
            return parenthesized(rf"{self.walk(node.args[0], ATOM)}^{{\top}}", around >= ATOM)
        if function == "sqrt":
            return rf"\sqrt{{{inner}}}"
        if function == "abs":
            return rf"\left|{inner}\right|"
        if function == "ones":
            return r"\mathbf{1}"
        if function == "outer" and len(node.args) == 2:
            left, right = (self.walk(each, ATOM) for each in node.args)
            return parenthesized(rf"{left} \, {right}^{{\top}}", around > PRODUCT)
        if function == "where" and len(node.args) == 3:
            condition, yes, no = (self.walk(each) for each in node.args)
            return rf"\begin{{cases}} {yes} & {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"
        if function in ("column", "expand_dims"):  # shapes are Python's business
            return self.walk(node.args[0], around)
        return rf"{FUNCTIONS.get(function, operator(function))}{below}\left({inner}\right)"


def is_scalar(node: ast.expr) -> bool:
    """Numbers, and what is made of numbers and the count of examples m."""
    if isinstance(node, ast.BinOp):
        return is_scalar(node.left) and is_scalar(node.right)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "m")


def upright(word: str) -> str:
    escaped = word.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def operator(function: str) -> str:
    escaped = function.replace("_", r"\_")
    return rf"\operatorname{{{escaped}}}"


def parenthesized(text: str, needed: bool) -> str:
    return rf"\left({text}\right)" if needed else text
