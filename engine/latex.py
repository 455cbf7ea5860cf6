"""A formula in Python to the same formula in LaTeX, by walking its syntax."""

from __future__ import annotations

import ast
import re

SPLIT = re.compile(r"(?P<d>d?)(?P<word>[A-Za-z]+?)_?(?P<index>\d+|(?<=_)[A-Za-z0-9]+)?(?P<new>_new)?")
GREEK = {
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "sigma",
    "theta",
    "lambda",
    "mu",
    "pi",
    "eta",
    "rho",
    "phi",
    "psi",
}
FUNCTIONS = {"log": r"\log", "tanh": r"\tanh", "maximum": r"\max", "minimum": r"\min", "exp": r"\exp"}
COMPARISONS = {ast.Gt: ">", ast.GtE: r"\ge", ast.Lt: "<", ast.LtE: r"\le", ast.Eq: "="}
TIGHTNESS = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2, ast.MatMult: 2, ast.Pow: 4}


def to_latex(text: str) -> str:
    """`dA1 * A1 * (1 - A1)` → `dA_{1} \\odot A_{1} \\odot \\left(1 - A_{1}\\right)`."""
    return walk(ast.parse(text, mode="eval").body)


def derivative(above: str, below: str) -> str:
    """∂node/∂input."""
    return rf"\frac{{\partial {name(above)}}}{{\partial {name(below)}}}"


def name(identifier: str) -> str:
    """W1 → W_{1}, dZ_hidden → dZ_{hidden}, W1_new → W_{1}^{new}."""
    match = SPLIT.fullmatch(identifier)
    if match is None:
        return rf"\mathrm{{{identifier}}}".replace("_", r"\_")
    word = match["word"]
    shown = rf"\{word}" if word in GREEK else word if len(word) == 1 else rf"\mathrm{{{word}}}"
    index = f"_{{{match['index']}}}" if match["index"] else ""
    return f"{match['d']}{shown}{index}" + (r"^{\mathrm{new}}" if match["new"] else "")


def walk(node: ast.expr, around: int = 0) -> str:
    if isinstance(node, ast.Name):
        return name(node.id)
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.UnaryOp):
        return parenthesized(f"-{walk(node.operand, 3)}", around > 1)
    if isinstance(node, ast.BinOp):
        return binary(node, around)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return rf"{walk(node.value, 5)}^{{\top}}"
    if isinstance(node, ast.Compare):
        sign = COMPARISONS[type(node.ops[0])]
        return rf"\left[{walk(node.left)} {sign} {walk(node.comparators[0])}\right]"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return call(node.func.id, node)
    return rf"\mathtt{{{ast.unparse(node)}}}".replace("_", r"\_")


def binary(node: ast.BinOp, around: int) -> str:
    tight = TIGHTNESS[type(node.op)]
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{walk(node.left)}}}{{{walk(node.right)}}}"
    if isinstance(node.op, ast.Pow):
        return rf"{walk(node.left, 5)}^{{{walk(node.right)}}}"
    left, right = walk(node.left, tight), walk(node.right, tight + isinstance(node.op, ast.Sub))
    if isinstance(node.op, ast.Mult):
        sign = r" \, " if is_scalar(node.left) or is_scalar(node.right) else r" \odot "
    elif isinstance(node.op, ast.MatMult):
        sign = r" \, "
    else:
        sign = " + " if isinstance(node.op, ast.Add) else " - "
    return parenthesized(left + sign + right, around > tight)


def is_scalar(node: ast.expr) -> bool:
    """Numbers, and what is made of numbers and the count of examples m."""
    if isinstance(node, ast.BinOp):
        return is_scalar(node.left) and is_scalar(node.right)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "m")


def call(function: str, node: ast.Call) -> str:
    inner = ", ".join(walk(each) for each in node.args)
    if function in ("sum", "mean"):
        axis = next((ast.unparse(each.value) for each in node.keywords if each.arg == "axis"), "None")
        below = "" if axis == "None" else rf"_{{\text{{axis }} {axis}}}"
        sign = r"\sum" if function == "sum" else r"\operatorname{mean}"
        return rf"{sign}{below} \left({inner}\right)"
    if function == "sqrt":
        return rf"\sqrt{{{inner}}}"
    if function == "abs":
        return rf"\left|{inner}\right|"
    if function == "where" and len(node.args) == 3:
        condition, yes, no = (walk(each) for each in node.args)
        return rf"\begin{{cases}} {yes} & {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"
    if function in ("column", "matrix", "expand_dims"):  # shapes are Python's business
        return walk(node.args[0], 5)
    escaped = function.replace("_", r"\_")
    shown = FUNCTIONS.get(function, rf"\operatorname{{{escaped}}}")
    return rf"{shown}\left({inner}\right)"


def parenthesized(text: str, needed: bool) -> str:
    return rf"\left({text}\right)" if needed else text
