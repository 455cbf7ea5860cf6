"""Losses of predictions A against labels Y: one number an example, summed over the example's outputs, times `scale`.

A row of `LOSSES` gives the loss of one output and its two derivatives; `loss_op` adds what all losses share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.ops import shapes
from engine.ops.checks import positive
from engine.ops.row import Array, Formula, Op, Side
from engine.ops.shapes import insert_axis
from engine.ops.stable import (
    SoftmaxRows,
    as_rows,
    expm1,
    from_rows,
    log1p,
    log_of_mixture,
    log_softmax,
    log_softmax_increment,
    negative_magnitude,
    positive_part,
    ramp_increment,
    row_sums,
    softmax,
    softplus_increment,
    touches,
)


def weighted_log(weight: Array, x: Array) -> Array:
    """w·log x, which is 0 for w = 0 even where x = 0."""
    return weight * np.log(np.where(weight == 0, 1.0, x))


def weighted_ratio(weight: Array, x: Array) -> Array:
    """w/x, which is 0 for w = 0 even where x = 0."""
    return weight / np.where(weight == 0, 1.0, x)


def weighted_log_increment(weight: Array, dweight: Array, x: Array, dx: Array) -> Array:
    """(w+Δw)·log(x+Δx) − w·log x; what does not move or has no weight adds nothing, even where x = 0."""
    moved = weight + dweight
    still = (moved == 0) | (np.asarray(dx) == 0)
    grown = moved * np.log1p(np.where(still, 0.0, dx) / np.where(still, 1.0, x))
    return grown + dweight * np.log(np.where(dweight == 0, 1.0, x))


def huber_value(a: Array, y: Array, delta: float) -> Array:
    """½r² for |r| ≤ δ, δ·(|r| − ½δ) beyond."""
    residual = a - y
    kept = np.where(np.abs(residual.real) <= delta, residual, delta * np.sign(residual.real))
    return kept * (residual - 0.5 * kept)


def huber_increment(a: Array, da: Array, y: Array, dy: Array, delta: float) -> Array:
    """With k = clip(r, −δ, δ): ½k² + δ·|r − k|, each part by its own exact increment."""
    residual, step = a - y, da - dy
    kept = np.clip(residual, -delta, delta)
    moved = np.clip(step + (residual - kept), -delta - kept, delta - kept)
    excess, moved_excess = residual - kept, step - moved
    absolute = 2.0 * ramp_increment(excess, moved_excess) - moved_excess
    return 0.5 * moved * (2.0 * kept + moved) + delta * absolute


def absolute_increment(a: Array, da: Array, y: Array, dy: Array, side: Side | None = None) -> Array:
    return 2.0 * ramp_increment(a - y, da - dy, side, chosen=0.5) - (da - dy)


def margin_step(a: Array, da: Array, y: Array, dy: Array) -> Array:
    """The change of 1 − y·a."""
    return -(da * (y + dy) + a * dy)


def hinge_increment(a: Array, da: Array, y: Array, dy: Array, side: Side | None = None) -> Array:
    step = margin_step(a, da, y, dy) if side is None else -(da * y + a * dy)  # a side is linear in both
    return ramp_increment(1.0 - y * a, step, side)


def binary_cross_entropy_increment(a: Array, da: Array, y: Array, dy: Array) -> Array:
    return -weighted_log_increment(y, dy, a, da) - weighted_log_increment(1.0 - y, -dy, 1.0 - a, -da)


def logistic_value(z: Array, y: Array) -> Array:
    """−log σ(z) for y = 1, −log σ(−z) for y = 0, and their mixture between: z·([z≥0] − y) + log(1 + e^{−|z|})."""
    return z * ((z.real >= 0) - y) + np.log1p(np.exp(negative_magnitude(z)))


def logistic_slope(z: Array, y: Array) -> Array:
    """σ(z) − y, where σ(z) − 1 is −σ(−z)."""
    tail = np.exp(negative_magnitude(z))
    smaller = tail / (1.0 + tail)
    return np.where(z.real > 0, (1.0 - y) - smaller, smaller - y)


def logistic_increment(z: Array, dz: Array, y: Array, dy: Array) -> Array:
    """y·(softplus(−z)) + (1−y)·softplus(z), moved."""
    moved = y + dy
    return moved * softplus_increment(-z, -dz) + (1.0 - moved) * softplus_increment(z, dz) - dy * z


def softmax_slope(z: Array, y: Array, axis: int) -> Array:
    """p·Σy − y. For the largest p, the only one that can be near 1, it is Σ_{k≠top} y_k − (1−p)·Σy instead."""
    return from_rows(rows_slope(SoftmaxRows(as_rows(z, axis)), as_rows(y, axis)), z, axis)


def rows_slope(rows: SoftmaxRows, labels: Array) -> Array:
    total = row_sums(labels)
    slope: Array = rows.p * total[:, None]
    slope -= labels
    if labels.dtype.kind == "f":
        others = labels.copy()
        others.put(rows.top, 0.0)
        slope.put(rows.top, row_sums(others) - total * rows.rest / rows.sum)
    return slope


def softmax_loss_increment(z: Array, dz: Array, y: Array, dy: Array, axis: int) -> Array:
    """Σ_j y_j·log(1 + Σ_{k≠j} p_k·(e^{Δ_k − Δ_j} − 1)): for one-hot labels the class's own term alone."""
    if not np.any(dy) and is_one_hot(y, axis):
        return class_increment(z, dz, y, axis)
    return np.asarray(-(y + dy) * log_softmax_increment(z, dz, axis) - dy * log_softmax(z, axis)).sum(axis=axis)


def axis_last(x: Array, axis: int) -> Array:
    return x if axis == -1 else np.moveaxis(x, axis, -1)


def is_one_hot(y: Array, axis: int) -> bool:
    return bool(np.count_nonzero(y) == np.count_nonzero(y == 1.0) == y.size // y.shape[axis] and y.any(axis=axis).all())


def class_increment(z: Array, dz: Array, y: Array, axis: int) -> Array:
    """The change of −log p_y when the logits move by Δ: log(1 + Σ p_k·(e^{Δ_k − Δ_y} − 1)), where k = y adds 0."""
    p, steps, labels = axis_last(softmax(z, axis), axis), axis_last(dz, axis), axis_last(y, axis)
    classes: Any = np.nonzero(labels if labels.shape == p.shape else np.broadcast_to(labels, p.shape))
    apart = steps - steps[(..., *classes)].reshape(*steps.shape[:-1], 1)
    growth = np.einsum("...k,...k->...", expm1(apart), p)
    if growth.min(initial=0.0) >= -0.5:
        return log1p(growth)
    return log_of_mixture(growth, np.einsum("...k,...k->...", np.exp(apart), p))


def loss_op(
    name: str,
    value: Callable[..., Array],
    by_prediction: Callable[..., Array],
    by_label: Callable[..., Array],
    increment: Callable[..., Array],
    formula: Formula,
    *,
    along_axis: bool = False,
    **columns: Any,
) -> Op:
    """A row of the table of ops from the loss of one output; `along_axis` losses are told the axis of the outputs.

    Their increments are summed along it.
    """
    extra = columns.pop("attributes", {})

    def own(axis: int, attributes: dict[str, Any]) -> dict[str, Any]:
        return {**attributes, "axis": axis} if along_axis else attributes

    def forward(a: Array, y: Array, axis: int, scale: float, **attributes: Any) -> Array:
        return scale * value(a, y, **own(axis, attributes)).sum(axis=axis)

    def towards(slope: Callable[..., Array]) -> Callable[..., Array]:
        def rule(d: Array, out: Array, a: Array, y: Array, axis: int, scale: float, **attributes: Any) -> Array:
            return insert_axis(d * scale, axis) * slope(a, y, **own(axis, attributes))

        return rule

    def change(
        a: tuple[Array, Array],
        y: tuple[Array, Array],
        axis: int,
        scale: float,
        side: Side | None = None,
        **attributes: Any,
    ) -> Array:
        if "kinks" in columns:
            attributes["side"] = side
        moved = np.asarray(increment(*a, *y, **own(axis, attributes)))
        return scale * (moved if along_axis else moved.sum(axis=axis))

    return Op(
        name=name,
        forward=forward,
        backward=(towards(by_prediction), towards(by_label)),
        increment=change,
        formula=Formula(
            f"{{scale}} * sum({formula.value}, axis={{axis}})",
            tuple(f"{{d}} * {{scale}} * {each}" for each in formula.gradient),
        ),
        shape=shapes.losses,
        attributes={"axis": -1, "scale": 1.0, **extra},
        check=positive,
        aligned=True,
        **columns,
    )


ROWS = (
    loss_op(
        "squared_error",
        lambda a, y: np.square(a - y),
        lambda a, y: 2.0 * (a - y),
        lambda a, y: 2.0 * (y - a),
        lambda a, da, y, dy: (da - dy) * (2.0 * (a - y) + (da - dy)),
        Formula("({0} - {1})**2", ("2 * ({0} - {1})", "2 * ({1} - {0})")),
        summary="the squared difference; with a scale of 0.5 its derivative is the difference",
    ),
    loss_op(
        "absolute_error",
        lambda a, y: -negative_magnitude(a - y),
        lambda a, y: np.sign((a - y).real),
        lambda a, y: np.sign((y - a).real),
        absolute_increment,
        Formula("abs({0} - {1})", ("sign({0} - {1})", "sign({1} - {0})")),
        kinks=lambda a, y, **_: touches(a[0] - y[0], a[1] - y[1]),
        subgradient="0 where prediction and label are equal",
        summary="the size of the difference",
    ),
    loss_op(
        "huber",
        huber_value,
        lambda a, y, delta: np.clip((a - y).real, -delta, delta),
        lambda a, y, delta: -np.clip((a - y).real, -delta, delta),
        huber_increment,
        Formula(
            "where(abs({0} - {1}) <= {delta}, 0.5 * ({0} - {1})**2, {delta} * (abs({0} - {1}) - 0.5 * {delta}))",
            ("clip({0} - {1}, -{delta}, {delta})", "clip({1} - {0}, -{delta}, {delta})"),
        ),
        attributes={"delta": 1.0},
        summary="squared for differences up to delta, and beyond that linear",
    ),
    loss_op(
        "hinge",
        lambda a, y: positive_part(1.0 - y * a),
        lambda a, y: -y * ((1.0 - y * a).real > 0),
        lambda a, y: -a * ((1.0 - y * a).real > 0),
        hinge_increment,
        Formula("maximum(0, 1 - {1} * {0})", ("-{1} * ({1} * {0} < 1)", "-{0} * ({1} * {0} < 1)")),
        kinks=lambda a, y, **_: touches(1.0 - y[0] * a[0], margin_step(*a, *y)),
        subgradient="0 where the margin is exactly 1",
        summary="how much a margin falls short of 1; labels are -1 and 1",
    ),
    loss_op(
        "binary_cross_entropy",
        lambda a, y: -(weighted_log(y, a) + weighted_log(1.0 - y, 1.0 - a)),
        lambda a, y: weighted_ratio(1.0 - y, 1.0 - a) - weighted_ratio(y, a),
        lambda a, y: np.log1p(-a) - np.log(a),
        binary_cross_entropy_increment,
        Formula(
            "-({1} * log({0}) + (1 - {1}) * log(1 - {0}))",
            ("((1 - {1}) / (1 - {0}) - {1} / {0})", "(log(1 - {0}) - log({0}))"),
        ),
        summary="of probabilities of yes, such as a sigmoid gives",
    ),
    loss_op(
        "cross_entropy",
        lambda a, y: -weighted_log(y, a),
        lambda a, y: -weighted_ratio(y, a),
        lambda a, y: -np.log(a),
        lambda a, da, y, dy: -weighted_log_increment(y, dy, a, da),
        Formula("-{1} * log({0})", ("(-{1} / {0})", "(-log({0}))")),
        summary="of probabilities of classes, such as softmax gives",
    ),
    loss_op(
        "binary_cross_entropy_with_logits",
        logistic_value,
        logistic_slope,
        lambda z, y: -z,
        logistic_increment,
        Formula("(log(1 + exp({0})) - {1} * {0})", ("(1 / (1 + exp(-{0})) - {1})", "(-{0})")),
        summary="of the scores that a sigmoid would take",
    ),
    loss_op(
        "cross_entropy_with_logits",
        lambda z, y, axis: -y * log_softmax(z, axis),
        softmax_slope,
        lambda z, y, axis: -log_softmax(z, axis),
        softmax_loss_increment,
        Formula(
            "-{1} * log(softmax({0}, axis={axis}))",
            (
                "(softmax({0}, axis={axis}) * sum({1}, axis={axis}, keepdims=True) - {1})",
                "(-log(softmax({0}, axis={axis})))",
            ),
        ),
        along_axis=True,
        summary="of the scores that softmax would take",
    ),
)
