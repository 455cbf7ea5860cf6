"""Activations of the hot loop: value and slope in one go, in place. One row each.

    forward(z, a, slope, scratch, **settings)     a ← f(z), slope ← f'(z); z is used up
    backward(d, a, slope, scratch)                d ← ∂J/∂Z from d = ∂J/∂A

Arrays have one example a row. The table of ops has the same mathematics for any shape, with increments and formulas; tests
hold the two against each other, row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.ops.activations import GELU_CUBIC, GELU_SCALE
from engine.ops.row import Array
from engine.training.buffers import Scratch, spread


def times_slope(d: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """dZ = dA ⊙ f'(Z)."""
    np.multiply(d, slope, out=d)


@dataclass(frozen=True, slots=True)
class ActivationKernel:
    name: str
    forward: Callable[..., None]
    backward: Callable[[Array, Array, Array, Scratch], None] = times_slope


def identity(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    np.copyto(a, z)


def unchanged(d: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """dZ = dA."""


def positive(x: Array, out: Array, mask: Array) -> None:
    """out ← 1 where x > 0, else 0. By way of a mask: straight to numbers, NumPy would allocate."""
    np.greater(x, 0.0, out=mask)
    np.copyto(out, mask)


def logistic(x: Array, value: Array, slope: Array, scratch: Scratch) -> None:
    """value ← σ(x), slope ← σ(x)·σ(−x), both from t = e^{−|x|}, which neither overflows nor cancels."""
    np.abs(x, out=slope)
    np.negative(slope, out=slope)
    np.exp(slope, out=slope)
    np.add(slope, 1.0, out=scratch.third)
    np.divide(1.0, scratch.third, out=scratch.third)  # σ(|x|)
    positive(x, value, scratch.mask)
    np.maximum(value, slope, out=value)  # 1, or t where x ≤ 0
    np.multiply(value, scratch.third, out=value)
    np.multiply(slope, scratch.third, out=slope)
    np.multiply(slope, scratch.third, out=slope)


def sigmoid(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    logistic(z, a, slope, scratch)


def tanh(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """1 − tanh²z = 4·e^{−2|z|} / (1 + e^{−2|z|})²."""
    np.tanh(z, out=a)
    np.abs(z, out=slope)
    np.multiply(slope, -2.0, out=slope)
    np.exp(slope, out=slope)
    np.add(slope, 1.0, out=z)
    np.divide(slope, z, out=slope)
    np.divide(slope, z, out=slope)
    np.multiply(slope, 4.0, out=slope)


def relu(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """z·[z > 0]: where z is not finite, neither is the value, so that the run is stopped."""
    positive(z, slope, scratch.mask)
    np.multiply(z, slope, out=a)


def leaky_relu(z: Array, a: Array, leak: Array, scratch: Scratch, *, slope: float) -> None:
    """max(z, s·z) for s < 1."""
    np.multiply(z, slope, out=a)
    np.maximum(z, a, out=a)
    positive(z, leak, scratch.mask)
    np.multiply(leak, 1.0 - slope, out=leak)
    np.add(leak, slope, out=leak)


def elu(z: Array, a: Array, slope: Array, scratch: Scratch, *, alpha: float) -> None:
    """max(z, 0) + α·(e^{min(z,0)} − 1); the slope at 0 is α."""
    np.minimum(z, 0.0, out=slope)
    np.expm1(slope, out=a)
    np.multiply(a, alpha, out=a)
    np.exp(slope, out=slope)
    np.multiply(slope, alpha, out=slope)
    np.maximum(z, 0.0, out=scratch.work)
    np.add(a, scratch.work, out=a)
    positive(z, z, scratch.mask)
    np.multiply(z, 1.0 - alpha, out=z)
    np.add(slope, z, out=slope)


def softplus(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """max(z, 0) + log(1 + e^{−|z|}); its slope is σ(z)."""
    np.abs(z, out=a)
    np.negative(a, out=a)
    np.exp(a, out=a)
    np.log1p(a, out=a)
    np.maximum(z, 0.0, out=scratch.work)
    np.add(a, scratch.work, out=a)
    logistic(z, slope, scratch.work, scratch)


def gelu_tanh(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """z·σ(2u), where u = √(2/π)·(z + 0.044715·z³); the slope is σ + z·σ·(1−σ)·2u'."""
    square, inner = scratch.work, scratch.spare
    np.multiply(z, z, out=square)
    np.multiply(square, GELU_CUBIC, out=inner)
    np.add(inner, 1.0, out=inner)
    np.multiply(inner, z, out=inner)
    np.multiply(inner, 2.0 * GELU_SCALE, out=inner)
    logistic(inner, a, slope, scratch)
    np.multiply(square, 3.0 * GELU_CUBIC, out=square)
    np.add(square, 1.0, out=square)
    np.multiply(square, 2.0 * GELU_SCALE, out=square)
    np.multiply(slope, square, out=slope)
    np.multiply(slope, z, out=slope)
    np.add(slope, a, out=slope)
    np.multiply(a, z, out=a)


def silu(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """z·σ(z); the slope is σ + z·σ·(1−σ)."""
    logistic(z, a, slope, scratch)
    np.multiply(slope, z, out=slope)
    np.add(slope, a, out=slope)
    np.multiply(a, z, out=a)


def softmax(z: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """e^{z − max z} / Σ. Its derivative is no slope: see `softmax_backward`."""
    peak = scratch.column
    np.max(z, axis=1, keepdims=True, out=peak)
    np.subtract(z, spread(peak, scratch.work), out=a)
    np.exp(a, out=a)
    np.sum(a, axis=1, keepdims=True, out=peak)
    np.divide(a, spread(peak, scratch.work), out=a)


def softmax_backward(d: Array, a: Array, slope: Array, scratch: Scratch) -> None:
    """dZ_i = p_i·(d_i − Σ p_k·d_k).

    Moving all d of a row together changes nothing. Moved by their mean first, the d of a p next to 1 is next to 0, and the
    difference no longer cancels.
    """
    mean = scratch.column
    for _ in range(2):
        np.multiply(a, d, out=scratch.work)
        np.sum(scratch.work, axis=1, keepdims=True, out=mean)
        np.subtract(d, spread(mean, scratch.work), out=d)
    np.multiply(d, a, out=d)


KERNELS: dict[str, ActivationKernel] = {
    row.name: row
    for row in (
        ActivationKernel("identity", identity, unchanged),
        ActivationKernel("sigmoid", sigmoid),
        ActivationKernel("tanh", tanh),
        ActivationKernel("relu", relu),
        ActivationKernel("leaky_relu", leaky_relu),
        ActivationKernel("elu", elu),
        ActivationKernel("softplus", softplus),
        ActivationKernel("gelu_tanh", gelu_tanh),
        ActivationKernel("silu", silu),
        ActivationKernel("softmax", softmax, softmax_backward),
    )
}
