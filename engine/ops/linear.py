"""Products of vectors and matrices."""

from __future__ import annotations

import numpy as np

from engine.ops import shapes
from engine.ops.row import Array, Formula, Op


def as_matrices(x: Array, y: Array) -> tuple[Array, Array]:
    """NumPy's reading of x @ y: a list on the left is a row, on the right a column."""
    return (x[None, :] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)


def matmul_by_left(d: Array, out: Array, x: Array, y: Array) -> Array:
    """∂J/∂X = D·Yᵀ."""
    left, right = as_matrices(x, y)
    return (np.reshape(d, (left.shape[0], right.shape[1])) @ right.T).reshape(x.shape)


def matmul_by_right(d: Array, out: Array, x: Array, y: Array) -> Array:
    """∂J/∂Y = Xᵀ·D."""
    left, right = as_matrices(x, y)
    return (left.T @ np.reshape(d, (left.shape[0], right.shape[1]))).reshape(y.shape)


def batched(dx: Array | None, x: Array, matrix: Array) -> Array | None:
    """Perturbations of x in the form of the matrix that stands for x."""
    return None if dx is None else dx.reshape(dx.shape[: dx.ndim - x.ndim] + matrix.shape)


def matmul_increment(x: Array, dx: Array | None, y: Array, dy: Array | None) -> Array:
    """(X+ΔX)(Y+ΔY) − XY = ΔX·(Y+ΔY) + X·ΔY."""
    left, right = as_matrices(x, y)
    dleft, dright = batched(dx, x, left), batched(dy, y, right)
    change: Array = product_increment(left, dleft, right, dright)
    return change.reshape(change.shape[:-2] + x.shape[:-1] + y.shape[1:])


def product_increment(x: Array, dx: Array | None, y: Array, dy: Array | None) -> Array:
    """The same for matrices, where either may stand still."""
    if dy is None:
        assert dx is not None
        if dx.ndim > 2:  # one product instead of many small ones
            return np.dot(dx.reshape(-1, dx.shape[-1]), y).reshape(*dx.shape[:-1], y.shape[-1])
        return np.asarray(dx @ y)
    if dx is None:
        return np.asarray(x @ dy)
    return np.asarray(dx @ (y + dy) + x @ dy)


def dot_increment(x: Array, dx: Array | None, y: Array, dy: Array | None) -> Array:
    step_x = 0.0 if dx is None else dx
    step_y = 0.0 if dy is None else dy
    return np.asarray((step_x * (y + step_y) + x * step_y).sum(axis=-1))


def outer_increment(x: Array, dx: Array | None, y: Array, dy: Array | None) -> Array:
    step_x = np.zeros_like(x) if dx is None else dx
    step_y = np.zeros_like(y) if dy is None else dy
    return step_x[..., :, None] * (y + step_y)[..., None, :] + x[:, None] * step_y[..., None, :]


ROWS = (
    Op(
        name="matmul",
        summary="the operator @; a list is a row on its left and a column on its right",
        forward=lambda x, y: np.asarray(x @ y),
        backward=(matmul_by_left, matmul_by_right),
        increment=lambda x, y: matmul_increment(*x, *y),
        formula=Formula("{0} @ {1}", ("{d} @ {1}.T", "{0}.T @ {d}")),
        formula_by_rank={
            (2, 1): Formula("{0} @ {1}", ("outer({d}, {1})", "{0}.T @ {d}")),
            (1, 2): Formula("{0} @ {1}", ("{1} @ {d}", "outer({0}, {d})")),
            (1, 1): Formula("{0} @ {1}", ("{d} * {1}", "{d} * {0}")),
        },
        shape=shapes.matmul,
    ),
    Op(
        name="dot",
        summary="of two lists: a number",
        forward=lambda x, y: np.asarray(x @ y),
        backward=(lambda d, out, x, y: d * y, lambda d, out, x, y: d * x),
        increment=lambda x, y: dot_increment(*x, *y),
        formula=Formula("dot({0}, {1})", ("{d} * {1}", "{d} * {0}")),
        shape=shapes.dot,
    ),
    Op(
        name="outer",
        summary="of two lists: a matrix",
        forward=np.outer,
        backward=(lambda d, out, x, y: d @ y, lambda d, out, x, y: x @ d),
        increment=lambda x, y: outer_increment(*x, *y),
        formula=Formula("outer({0}, {1})", ("{d} @ {1}", "{0} @ {d}")),
        shape=shapes.outer,
    ),
)
