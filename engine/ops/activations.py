"""Activations: elementwise ones, and the softmax family that works along an example's units."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from engine.ops import shapes
from engine.ops.checks import gentle_slope, positive
from engine.ops.row import Array, Formula, Op
from engine.ops.stable import (
    exclusive_sums,
    log_softmax,
    log_softmax_increment,
    positive_part,
    ramp_increment,
    sigmoid,
    sigmoid_increment,
    sigmoid_slope,
    softmax,
    softmax_complement,
    softmax_increment,
    softplus,
    softplus_increment,
    touches,
)

GELU_SCALE = sqrt(2.0 / pi)
GELU_CUBIC = 0.044715


def tanh_slope(x: Array) -> Array:
    """1 − tanh²x = 4σ(2x)σ(−2x), without the subtraction."""
    return 4.0 * sigmoid_slope(2.0 * x)


def falling_increment(x: Array, dx: Array, **sides: Any) -> Array:
    """min(x+Δ, 0) − min(x, 0)."""
    if sides.get("side") is not None:
        return dx - ramp_increment(x, dx, **sides)
    return np.minimum(dx + np.maximum(x, 0.0), -np.minimum(x, 0.0))


def elu_value(x: Array, alpha: float) -> Array:
    return np.where(x.real > 0, x, alpha * np.expm1(np.where(x.real > 0, 0.0, x)))


def elu_increment(x: Array, dx: Array, alpha: float, **sides: Any) -> Array:
    """The ramp above 0 and α·e^x·expm1(Δ) below it, each moved as far as it goes."""
    if sides.get("side") is not None:
        left = alpha * np.exp(np.minimum(x, 0.0))
        return ramp_increment(x, dx, **sides) + left * falling_increment(x, dx, **sides)
    fall = falling_increment(x, dx)  # from the larger end, lest e^Δ overflows
    curve = np.exp(np.minimum(x, 0.0) + np.maximum(fall, 0.0)) * np.copysign(-np.expm1(-np.abs(fall)), fall)
    return ramp_increment(x, dx) + alpha * curve


def gelu_inner(x: Array) -> Array:
    """2u with u = √(2/π)·(x + 0.044715·x³), so that gelu_tanh(x) = x·σ(2u)."""
    return 2.0 * GELU_SCALE * (x + GELU_CUBIC * x**3)


def gelu_slope(x: Array) -> Array:
    inner = gelu_inner(x)
    return sigmoid(inner) + x * sigmoid_slope(inner) * 2.0 * GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * x**2)


def gelu_increment(x: Array, dx: Array) -> Array:
    """Δ·σ(2u+2Δu) + x·(σ(2u+2Δu) − σ(2u))."""
    inner = gelu_inner(x)
    step = 2.0 * GELU_SCALE * dx * (1.0 + GELU_CUBIC * (3.0 * x * (x + dx) + dx * dx))
    return dx * sigmoid(inner + step) + x * sigmoid_increment(inner, step)


def silu_increment(x: Array, dx: Array) -> Array:
    """Δ·σ(x+Δ) + x·(σ(x+Δ) − σ(x))."""
    return dx * sigmoid(x + dx) + x * sigmoid_increment(x, dx)


def softmax_backward(d: Array, out: Array, x: Array, axis: int) -> Array:
    """p_i·Σ_k p_k(d_i − d_k), with 1 − p_i and the sum over k ≠ i built by adding."""
    return out * (d * softmax_complement(x, axis) - exclusive_sums(d * out, axis))


def log_softmax_backward(d: Array, out: Array, x: Array, axis: int) -> Array:
    """d_i − p_i·Σ_k d_k."""
    return d * softmax_complement(x, axis) - np.exp(out) * exclusive_sums(d, axis)


ROWS = (
    Op(
        name="identity",
        summary="no activation: a linear layer",
        forward=lambda x: x,
        backward=(lambda d, out, x: d,),
        increment=lambda x: x[1],
        formula=Formula("{0}", ("{d}",)),
        shape=shapes.same,
        from_output=lambda d, out: d,
    ),
    Op(
        name="sigmoid",
        summary="the logistic function, from 0 to 1",
        forward=sigmoid,
        backward=(lambda d, out, x: d * sigmoid_slope(x),),
        increment=lambda x: sigmoid_increment(*x),
        formula=Formula("1 / (1 + exp(-{0}))", ("{d} * {out} * (1 - {out})",)),
        shape=shapes.same,
        from_output=lambda d, out: d * out * (1.0 - out),
    ),
    Op(
        name="tanh",
        summary="the hyperbolic tangent, from -1 to 1",
        forward=np.tanh,
        backward=(lambda d, out, x: d * tanh_slope(x),),
        increment=lambda x: 2.0 * sigmoid_increment(2.0 * x[0], 2.0 * x[1]),
        formula=Formula("tanh({0})", ("{d} * (1 - {out}**2)",)),
        shape=shapes.same,
        from_output=lambda d, out: d * (1.0 - out * out),
    ),
    Op(
        name="relu",
        summary="the positive part",
        forward=positive_part,
        backward=(lambda d, out, x: d * (x.real > 0),),
        increment=lambda x, side=None: ramp_increment(x[0], x[1], side),
        formula=Formula("maximum(0, {0})", ("{d} * ({0} > 0)",)),
        shape=shapes.same,
        kinks=lambda x: touches(*x),
        subgradient="0 at 0",
        from_output=lambda d, out: d * (out > 0),
    ),
    Op(
        name="leaky_relu",
        summary="the positive part, and a little of the negative one",
        forward=lambda x, slope: np.where(x.real > 0, x, slope * x),
        backward=(lambda d, out, x, slope: d * np.where(x.real > 0, 1.0, slope),),
        increment=lambda x, slope, side=None: ramp_increment(x[0], x[1], side) + slope * falling_increment(*x, side=side),
        formula=Formula("where({0} > 0, {0}, {slope} * {0})", ("{d} * where({0} > 0, 1, {slope})",)),
        shape=shapes.same,
        kinks=lambda x, slope: touches(*x),
        subgradient="the slope of the negative side at 0",
        from_output=lambda d, out, slope: d * np.where(out > 0, 1.0, slope),
        attributes={"slope": 0.01},
        check=gentle_slope,
    ),
    Op(
        name="elu",
        summary="the positive part, and below 0 a curve that tends to -alpha",
        forward=elu_value,
        backward=(lambda d, out, x, alpha: d * np.where(x.real > 0, 1.0, alpha * np.exp(np.where(x.real > 0, 0.0, x))),),
        increment=lambda x, alpha, side=None: elu_increment(x[0], x[1], alpha, side=side),
        formula=Formula(
            "where({0} > 0, {0}, {alpha} * (exp(minimum({0}, 0)) - 1))",
            ("{d} * where({0} > 0, 1, {alpha} * exp(minimum({0}, 0)))",),
        ),
        shape=shapes.same,
        kinks=lambda x, alpha: touches(*x) & (alpha != 1.0),
        subgradient="alpha, the slope of the negative side, at 0",
        from_output=lambda d, out, alpha: d * np.where(out > 0, 1.0, out + alpha),
        attributes={"alpha": 1.0},
        check=positive,
    ),
    Op(
        name="softplus",
        summary="a smooth relu: its derivative is the sigmoid",
        forward=softplus,
        backward=(lambda d, out, x: d * sigmoid(x),),
        increment=lambda x: softplus_increment(*x),
        formula=Formula("log(1 + exp({0}))", ("{d} / (1 + exp(-{0}))",)),
        shape=shapes.same,
        from_output=lambda d, out: d * -np.expm1(-out),
    ),
    Op(
        name="gelu_tanh",
        summary="the input times the probability that a normal number is below it, in its approximation by tanh",
        forward=lambda x: x * sigmoid(gelu_inner(x)),
        backward=(lambda d, out, x: d * gelu_slope(x),),
        increment=lambda x: gelu_increment(*x),
        formula=Formula(
            "0.5 * {0} * (1 + tanh(sqrt(2/pi) * ({0} + 0.044715*{0}**3)))",
            (
                "{d} * (0.5 * (1 + tanh(sqrt(2/pi) * ({0} + 0.044715*{0}**3))) + 0.5 * {0} *"
                " (1 - tanh(sqrt(2/pi) * ({0} + 0.044715*{0}**3))**2) * sqrt(2/pi) * (1 + 3*0.044715*{0}**2))",
            ),
        ),
        shape=shapes.same,
    ),
    Op(
        name="silu",
        summary="the input times its sigmoid; also called swish",
        forward=lambda x: x * sigmoid(x),
        backward=(lambda d, out, x: d * (sigmoid(x) + x * sigmoid_slope(x)),),
        increment=lambda x: silu_increment(*x),
        formula=Formula("{0} / (1 + exp(-{0}))", ("{d} * ({out} + (1 - {out}) / (1 + exp(-{0})))",)),
        shape=shapes.same,
    ),
    Op(
        name="sign",
        summary="-1, 0 or 1: the step of a perceptron",
        forward=lambda x: np.sign(x.real) + 0.0 * x,
        backward=(lambda d, out, x: d * np.zeros(x.shape),),
        increment=lambda x, side=None: (
            0.0 * x[1] if side else np.sign(x[0] + x[1]) - np.sign(x[0])  # a jump has no slope on either side
        ),
        formula=Formula("sign({0})", ("{d} * 0 * {0}",)),
        shape=shapes.same,
        kinks=lambda x: touches(*x),
        subgradient="0 everywhere, so that nothing before it can learn",
        from_output=lambda d, out: d * np.zeros(out.shape),
    ),
    Op(
        name="softmax",
        summary="the probabilities of classes from their scores",
        forward=softmax,
        backward=(softmax_backward,),
        increment=lambda x, axis: softmax_increment(x[0], x[1], axis),
        formula=Formula("softmax({0}, axis={axis})", ("{out} * ({d} - sum({d} * {out}, axis={axis}, keepdims=True))",)),
        shape=shapes.along_axis,
        from_output=lambda d, out, axis: out * (d - (d * out).sum(axis=axis, keepdims=True)),
        attributes={"axis": -1},
    ),
    Op(
        name="log_softmax",
        summary="the logarithms of softmax, without cancellation",
        forward=log_softmax,
        backward=(log_softmax_backward,),
        increment=lambda x, axis: log_softmax_increment(x[0], x[1], axis),
        formula=Formula("log(softmax({0}, axis={axis}))", ("{d} - exp({out}) * sum({d}, axis={axis}, keepdims=True)",)),
        shape=shapes.along_axis,
        from_output=lambda d, out, axis: d - np.exp(out) * d.sum(axis=axis, keepdims=True),
        attributes={"axis": -1},
    ),
)

ACTIVATIONS = tuple(row.name for row in ROWS if row.name != "log_softmax")
