"""Elementwise functions of one operand."""

from __future__ import annotations

import numpy as np

from engine.ops import shapes
from engine.ops.row import Array, Formula, Op


def sqrt_increment(x: Array, dx: Array) -> Array:
    """Δ / (√(x+Δ) + √x), and 0 where 0 stays 0."""
    both = np.sqrt(x + dx) + np.sqrt(x)
    return dx / np.where(both == 0.0, 1.0, both)


ROWS = (
    Op(
        name="exp",
        summary="e to the power of every entry",
        forward=np.exp,
        backward=(lambda d, out, x: d * out,),
        increment=lambda x: np.exp(x[0]) * np.expm1(x[1]),
        formula=Formula("exp({0})", ("{d} * {out}",)),
        shape=shapes.same,
        from_output=lambda d, out: d * out,
    ),
    Op(
        name="log",
        summary="the natural logarithm",
        forward=np.log,
        backward=(lambda d, out, x: d / x,),
        increment=lambda x: np.log1p(x[1] / x[0]),
        formula=Formula("log({0})", ("{d} / {0}",)),
        shape=shapes.same,
    ),
    Op(
        name="sqrt",
        summary="the square root",
        forward=np.sqrt,
        backward=(lambda d, out, x: d / (2.0 * out),),
        increment=lambda x: sqrt_increment(*x),
        formula=Formula("sqrt({0})", ("{d} / (2 * {out})",)),
        shape=shapes.same,
        from_output=lambda d, out: d / (2.0 * out),
    ),
    Op(
        name="square",
        summary="every entry times itself",
        forward=np.square,
        backward=(lambda d, out, x: 2.0 * d * x,),
        increment=lambda x: x[1] * (2.0 * x[0] + x[1]),
        formula=Formula("{0} ** 2", ("{d} * 2 * {0}",)),
        shape=shapes.same,
    ),
    Op(
        name="sin",
        summary="the sine of an angle in radians",
        forward=np.sin,
        backward=(lambda d, out, x: d * np.cos(x),),
        increment=lambda x: 2.0 * np.cos(x[0] + 0.5 * x[1]) * np.sin(0.5 * x[1]),
        formula=Formula("sin({0})", ("{d} * cos({0})",)),
        shape=shapes.same,
    ),
    Op(
        name="cos",
        summary="the cosine of an angle in radians",
        forward=np.cos,
        backward=(lambda d, out, x: -d * np.sin(x),),
        increment=lambda x: -2.0 * np.sin(x[0] + 0.5 * x[1]) * np.sin(0.5 * x[1]),
        formula=Formula("cos({0})", ("-{d} * sin({0})",)),
        shape=shapes.same,
    ),
    Op(
        name="log1p",
        summary="the logarithm of 1 + x, exact for small x too",
        forward=np.log1p,
        backward=(lambda d, out, x: d / (1.0 + x),),
        increment=lambda x: np.log1p(x[1] / (1.0 + x[0])),
        formula=Formula("log1p({0})", ("{d} / (1 + {0})",)),
        shape=shapes.same,
    ),
)
