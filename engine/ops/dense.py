"""The affine layer, in the four conventions in which people write it.

Examples are rows (X is m×n) or columns (X is n×m); weights are in_out (fan-in × units) or out_in. All four are the same
product seen through transposed views, so there is one computation and no second copy of its calculus.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.errors import ShapeMismatch, shape_text
from engine.ops.linear import product_increment
from engine.ops.row import Array, Formula, Op, Shape
from engine.ops.stable import column_sums

LAYOUTS = ("rows", "columns")
ORIENTATIONS = ("in_out", "out_in")

FORMULAS = {
    ("rows", "in_out"): Formula("{0} @ {1}", ("{d} @ {1}.T", "{0}.T @ {d}", "sum({d}, axis=0)")),
    ("rows", "out_in"): Formula("{0} @ {1}.T", ("{d} @ {1}", "{d}.T @ {0}", "sum({d}, axis=0)")),
    ("columns", "in_out"): Formula("{1}.T @ {0}", ("{1} @ {d}", "{0} @ {d}.T", "sum({d}, axis=1)")),
    ("columns", "out_in"): Formula("{1} @ {0}", ("{1}.T @ {d}", "{d} @ {0}.T", "sum({d}, axis=1)")),
}
BIAS = {"rows": " + {2}", "columns": " + column({2})"}


def flipped(x: Array) -> Array:
    return x.swapaxes(-1, -2)


def unchanged(x: Array) -> Array:
    return x


def affine(A: Array, W: Array, b: Array | None = None) -> Array:
    """A·W + b, of rows and in_out."""
    z = A.dot(W)  # begins sooner than A @ W
    return z if b is None else np.add(z, b, out=z if z.dtype is b.dtype else None)


def dense(layout: str, orientation: str, *, bias: bool) -> Op:
    """Z = A·W + b; rows(·) is the view in which examples are rows, w(·) the one in which weights are in_out."""
    rows: Callable[[Array], Array] = unchanged if layout == "rows" else flipped
    w: Callable[[Array], Array] = unchanged if orientation == "in_out" else flipped

    def viewed(A: Array, W: Array, b: Array | None = None) -> Array:
        return rows(affine(rows(A), w(W), b))

    def by_input(d: Array, out: Array, A: Array, W: Array, *_: Array) -> Array:
        return rows(rows(d).dot(w(W).T))  # (m,o)(o,i)

    def by_weights(d: Array, out: Array, A: Array, W: Array, *_: Array) -> Array:
        return w(rows(A).T.dot(rows(d)))  # (i,m)(m,o)

    def by_bias(d: Array, out: Array, A: Array, W: Array, *_: Array) -> Array:
        return column_sums(rows(d))

    def increment(
        A: tuple[Array, Array | None],
        W: tuple[Array, Array | None],
        b: tuple[Array | None, Array | None] = (None, None),
    ) -> Array:
        step_b = b[1]
        moved_b = None if step_b is None else step_b[..., None, :]
        if A[1] is None and W[1] is None:
            assert moved_b is not None
            examples = np.zeros((rows(A[0]).shape[0], 1))
            return rows(moved_b + examples)
        steps = (None if A[1] is None else rows(A[1]), None if W[1] is None else w(W[1]))
        change = product_increment(rows(A[0]), steps[0], w(W[0]), steps[1])
        return rows(change if moved_b is None else change + moved_b)

    def shape(A: Shape, W: Shape, *b: Shape) -> Shape:
        examples, fan_in = A if layout == "rows" else A[::-1]
        rows_in, units = W if orientation == "in_out" else W[::-1]
        if fan_in != rows_in:
            raise ShapeMismatch(f"weights {shape_text(W)} ({orientation}) take {rows_in} inputs, but are given {fan_in}")
        if b and b[0] != (units,):
            raise ShapeMismatch(f"bias is {shape_text(b[0])}, but there are {units} units")
        return (examples, units) if layout == "rows" else (units, examples)

    formula = FORMULAS[layout, orientation]
    return Op(
        name="dense",
        forward=affine if (layout, orientation) == ("rows", "in_out") else viewed,
        backward=(by_input, by_weights, by_bias) if bias else (by_input, by_weights),
        increment=increment,
        formula=Formula(formula.value + BIAS[layout], formula.gradient) if bias else formula,
        shape=shape,
        summary="Z = A·W + b",
        in_expressions=False,
    )


DENSE = {
    (layout, orientation, bias): dense(layout, orientation, bias=bias)
    for layout in LAYOUTS
    for orientation in ORIENTATIONS
    for bias in (False, True)
}
