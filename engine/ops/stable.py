"""Functions that stay exact where their textbook forms cancel or overflow, and their exact increments.

The two devices used throughout: a logistic function is built from e^{−|x|} ≤ 1, which cannot overflow, and a sum "of
all but one" is built by adding, never as total minus one.
"""

from __future__ import annotations

import numpy as np

from engine.ops.constants import ones, starts, zeros
from engine.ops.row import Array, Side


def ramp_increment(x: Array, dx: Array, side: Side | None = None, chosen: float = 0.0) -> Array:
    """max(x+Δ, 0) − max(x, 0): the primitive from which every kink here is made.

    With `side`, the linear difference Δ·slope instead; where x = 0 the slope is 0 (left), 1 (right) or the chosen one.
    """
    if side is None:
        change = np.maximum(dx, -x)  # max(x+Δ, 0) = x + max(Δ, −x), and max(x, 0) = x − min(x, 0)
        change += np.minimum(x, zeros.like(x))
        return change
    at_zero = {"left": 0.0, "right": 1.0, "chosen": chosen}[side]
    return dx * np.where(x == 0.0, at_zero, x > 0.0)


def touches(x: Array, dx: Array) -> Array:
    """Where moving by Δ reaches or crosses x = 0."""
    if np.shape(dx) and np.abs(x).min(initial=np.inf) > max(dx.max(initial=0.0), -dx.min(initial=0.0)):
        return np.zeros(np.broadcast_shapes(x.shape, dx.shape), dtype=bool)  # no need to look at every step
    reached: Array = np.abs(x) <= np.abs(dx)
    return reached & (np.asarray(dx) != 0.0) if reached.any() else reached


def expm1(x: Array) -> Array:
    """e^x − 1. Tiny steps need no library: x + x²/2 is exact to rounding below 1e-8, and several times as fast."""
    if x.size < 256 or not max(x.max(), -x.min()) <= 1e-8:
        return np.expm1(x)
    series = 0.5 * x
    series += 1.0
    series *= x
    return series


def log1p(x: Array) -> Array:
    """log(1 + x); x − x²/2 where that is exact to rounding, for the same reason."""
    if x.size < 256 or not max(x.max(), -x.min()) <= 1e-8:
        return np.asarray(np.log1p(x))
    series = -0.5 * x
    series += 1.0
    series *= x
    return series


def positive_part(x: Array) -> Array:
    """max(x, 0), for complex x too."""
    return np.where(x.real > 0, x, 0.0) if x.dtype.kind == "c" else np.maximum(x, zeros.like(x))


def negative_magnitude(x: Array) -> Array:
    """−|x| for real x; for complex x, the one of x and −x with a negative real part (−x where that is 0)."""
    return np.where(x.real >= 0, -x, x) if x.dtype.kind == "c" else -np.abs(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^{−x})."""
    tail = np.exp(negative_magnitude(x))
    return np.where(x.real >= 0, 1.0, tail) / (1.0 + tail)


def sigmoid_slope(x: Array) -> Array:
    """σ(x)·σ(−x), which A·(1−A) loses to cancellation when A is near 1."""
    tail = np.exp(negative_magnitude(x))
    return tail / np.square(1.0 + tail)


def sigmoid_increment(x: Array, dx: Array) -> Array:
    """σ(x+Δ) − σ(x) = σ(x)·σ(−x)·(e^Δ − 1) / (1 + σ(x)·(e^Δ − 1)); for longer steps without e^Δ, which may overflow."""
    if not np.maximum.reduce(np.abs(dx), axis=None, initial=0.0) <= 1.0:
        return long_sigmoid_increment(x, dx)
    tail, growth = np.exp(-np.abs(x)), np.expm1(dx)
    whole = 1.0 + tail
    return tail * growth / (whole * (whole + np.where(x > 0, 1.0, tail) * growth))


def long_sigmoid_increment(x: Array, dx: Array) -> Array:
    """±(1 − e^{−|Δ|})·e^{−m} / ((1 + e^{−|x|})·(1 + e^{−|x+Δ|})).

    m is the smaller of |x| and |x+Δ|, or 0 between different signs: half of |x| + |x+Δ| − |Δ|.
    """
    end = x + dx
    tail, end_tail = np.exp(-np.abs(x)), np.exp(-np.abs(end))
    nearer = np.where((x > 0) == (end > 0), np.maximum(tail, end_tail), 1.0)
    return np.copysign(np.expm1(-np.abs(dx)), dx) * nearer / ((1.0 + tail) * (1.0 + end_tail))


def softplus(x: Array) -> Array:
    """log(1 + e^x)."""
    return np.where(x.real >= 0, x, 0.0) + np.log1p(np.exp(negative_magnitude(x)))


def log_of_mixture(weighted_growth: Array, mixture: Array) -> Array:
    """log(1 + g) from g where that is exact, and where it is not from the mixture 1 + g, a sum of positive terms."""
    near = np.asarray(np.log1p(np.maximum(weighted_growth, -0.5)))
    return np.log(mixture, out=near, where=weighted_growth < -0.5)


def softplus_increment(x: Array, dx: Array) -> Array:
    """log(σ(−x) + σ(x)e^Δ); beyond the range of e^Δ and far below 0 that of max(x, 0) and that of what is above it, log(1 +
    e^−|x|), which cannot cancel there."""
    far = np.abs(dx) > np.where(x < -30.0, 30.0, 700.0)
    near = np.where(far, 0.0, dx)
    above = sigmoid(x)
    exact = log_of_mixture(above * np.expm1(near), sigmoid(-x) + above * np.exp(near))
    above_ramp = np.log1p(np.exp(-np.abs(x + dx))) - np.log1p(np.exp(-np.abs(x)))
    return np.where(far, ramp_increment(x, dx) + above_ramp, exact)


def exclusive_sums(x: Array, axis: int) -> Array:
    """out_i = Σ_{k≠i} x_k along an axis, adding only."""
    rows = np.moveaxis(x, axis, -1)
    sums = np.zeros_like(rows)
    np.cumsum(rows[..., :-1], axis=-1, out=sums[..., 1:])
    sums[..., :-1] += np.cumsum(rows[..., :0:-1], axis=-1)[..., ::-1]
    return np.moveaxis(sums, -1, axis)


def as_rows(x: Array, axis: int) -> Array:
    """x as a matrix whose rows run along `axis`."""
    return (x if axis == -1 else np.moveaxis(x, axis, -1)).reshape(-1, x.shape[axis])


def from_rows(rows: Array, like: Array, axis: int) -> Array:
    """The inverse of `as_rows`."""
    if axis == -1:
        return rows.reshape(like.shape)
    moved = np.moveaxis(like, axis, -1)
    return np.moveaxis(rows.reshape(moved.shape), -1, axis)


class SoftmaxRows:
    """The softmax of every row, with 1 − p and log p as exact as p.

    Only the largest probability of a row can exceed ½, so only there does 1 − p cancel; it is rest/(1+rest), where
    rest = Σ_{k≠top} e^{z_k − z_top}.
    """

    __slots__ = ("gap", "p", "rest", "sum", "top")

    def __init__(self, z: Array) -> None:
        count, width = z.shape
        self.top = starts(count, width) + z.real.argmax(axis=1)
        """The place of every row's largest entry in a flat array: faster than pairs of indices."""
        self.gap = np.subtract(z, z.take(self.top)[:, None], order="C")
        growth = np.exp(self.gap)
        growth.put(self.top, 0.0)
        self.rest = row_sums(growth)
        self.sum = 1.0 + self.rest
        growth.put(self.top, 1.0)
        self.p = growth
        self.p /= self.sum[:, None]

    def complement(self) -> Array:
        """1 − p."""
        q = 1.0 - self.p
        q.put(self.top, self.rest / self.sum)
        return q

    def log(self) -> Array:
        """log p."""
        return self.gap - np.log1p(self.rest)[:, None]


def row_sums(x: Array) -> Array:
    """Σ along the rows of a matrix: where rows are short, a product with ones takes a third of a sum's time."""
    return x.dot(ones[x.shape[1]])  # a method takes half of the time of np.dot to begin


def column_sums(x: Array) -> Array:
    return ones[len(x)].dot(x)


def softmax(x: Array, axis: int) -> Array:
    return from_rows(SoftmaxRows(as_rows(x, axis)).p, x, axis)


def log_softmax(x: Array, axis: int) -> Array:
    return from_rows(SoftmaxRows(as_rows(x, axis)).log(), x, axis)


def softmax_complement(x: Array, axis: int) -> Array:
    """1 − softmax(x)."""
    return from_rows(SoftmaxRows(as_rows(x, axis)).complement(), x, axis)


def odds_growth(x: Array, dx: Array, axis: int) -> tuple[Array, Array]:
    """t and 1 + t, where 1 + t_i = p_i(x) / p_i(x+Δ), that is t_i = Σ_{k≠i} p_k·(e^{Δ_k − Δ_i} − 1)."""
    if not np.abs(dx).max(initial=0.0) <= 0.5:
        return long_odds_growth(x, dx, axis)
    p, q = softmax(x, axis), softmax_complement(x, axis)
    growth = np.expm1(dx)
    t = (exclusive_sums(p * growth, axis) - growth * q) / (1.0 + growth)
    return t, 1.0 + t


def long_odds_growth(x: Array, dx: Array, axis: int) -> tuple[Array, Array]:
    """The same term by term, where e^Δ may be far from 1: slower, but without a common factor to cancel or overflow."""
    p, steps = np.moveaxis(softmax(x, axis), axis, -1), np.moveaxis(dx, axis, -1)
    t, ratio = np.empty(steps.shape), np.empty(steps.shape)
    for i in range(steps.shape[-1]):
        apart = steps - steps[..., i, None]
        t[..., i] = (p * np.expm1(apart)).sum(axis=-1)
        ratio[..., i] = (p * np.exp(apart)).sum(axis=-1)
    return np.moveaxis(t, -1, axis), np.moveaxis(ratio, -1, axis)


def log_softmax_increment(x: Array, dx: Array, axis: int) -> Array:
    return -log_of_mixture(*odds_growth(x, dx, axis))


def softmax_increment(x: Array, dx: Array, axis: int) -> Array:
    t, ratio = odds_growth(x, dx, axis)
    return -softmax(x, axis) * t / ratio
