"""For every row of the tables of ops: its textbook formula, and where to try it: inputs, attributes, kinks, extremes.

A new row needs one entry in `CASES`; every test of ops then sweeps over it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.ops.row import Array, Shape


@dataclass(frozen=True)
class Domain:
    """Where inputs come from, and how far they can move without leaving: draw(rng, shape, axis), room(x)."""

    draw: Callable[[np.random.Generator, Shape, int], Array]
    room: Callable[[Array], Array] = np.ones_like


def uniform(low: float, high: float, room: Callable[[Array], Array] = np.ones_like) -> Domain:
    return Domain(lambda rng, shape, axis: rng.uniform(low, high, shape), room)


def one_hot(rng: np.random.Generator, shape: Shape, axis: int) -> Array:
    chosen = np.argmax(rng.uniform(size=shape), axis=axis, keepdims=True)
    y = np.zeros(shape)
    np.put_along_axis(y, chosen, 1.0, axis=axis)
    return y


def soft(rng: np.random.Generator, shape: Shape, axis: int) -> Array:
    y = rng.uniform(0.1, 1.0, shape)
    return np.asarray(y / y.sum(axis=axis, keepdims=True))


REAL = uniform(-2.0, 2.0)
POSITIVE = uniform(0.6, 2.5, lambda x: np.minimum(x, 1.0))
NEGATIVE = uniform(-2.5, -0.6, lambda x: np.minimum(-x, 1.0))
UNIT = uniform(0.05, 0.95, lambda x: np.minimum(x, 1.0 - x))
NONZERO = Domain(lambda rng, shape, axis: rng.choice([-1.0, 1.0], shape) * rng.uniform(0.6, 2.0, shape))
WHOLE = Domain(lambda rng, shape, axis: rng.choice([-2.0, 2.0, 3.0], shape), np.zeros_like)
PLUS_MINUS = Domain(lambda rng, shape, axis: rng.choice([-1.0, 1.0], shape))
FIXED = Domain(lambda rng, shape, axis: np.zeros(shape), np.zeros_like)
ONE_HOT = Domain(one_hot)
SOFT = Domain(soft)

Attributes = Mapping[str, Any]
Variant = tuple[tuple[Shape, ...], Attributes]


@dataclass(frozen=True)
class Case:
    """What a row is tried with. An input whose Δ has no room (an exponent that must stay whole) is not moved."""

    textbook: Callable[..., Any]
    domains: tuple[tuple[Domain, ...], ...]
    variants: tuple[Variant, ...]
    linear: bool = False
    """Its increment is a JVP; that of every other row is not."""
    jumps: bool = False
    kinks: tuple[tuple[tuple[Any, ...], Attributes], ...] = ()
    """Inputs that lie exactly on a kink, whichever entry of the first input is moved."""
    extremes: tuple[tuple[Any, ...], ...] = ()
    """Large and tiny inputs; only the first input moves."""
    extreme_attributes: Attributes = field(default_factory=dict)


def each(shapes: tuple[tuple[Shape, ...], ...], *options: Attributes) -> tuple[Variant, ...]:
    return tuple(itertools.product(shapes, options or ({},)))


EDGES: tuple[Shape, ...] = ((), (1,), (3,), (1, 3), (3, 1), (2, 3))
ALONE = tuple((shape,) for shape in EDGES)
BROADCAST: tuple[tuple[Shape, ...], ...] = (
    *((shape, shape) for shape in EDGES),
    *(((), (3,)), ((2, 3), ()), ((2, 3), (3,)), ((1,), (2, 3)), ((2, 1), (1, 3)), ((3,), (2, 1)), ((1, 3), (2, 3))),
)
REDUCED: tuple[Variant, ...] = tuple(
    ((shape,), {"axis": axis, "keepdims": keepdims})
    for shape, axes in {
        (): (None,),
        (1,): (None, -1),
        (3,): (None, -1),
        (1, 3): (-1, -2),
        (3, 1): (-1, -2),
        (2, 3): (None, -1, -2, (-2, -1)),
        (2, 2, 2): (-2, (-3, -1)),
    }.items()
    for axis in axes
    for keepdims in (False, True)
)
ALONG: tuple[Variant, ...] = tuple(
    ((shape,), {"axis": axis})
    for shape, axis in (((1,), -1), ((3,), -1), ((1, 3), -1), ((3, 1), -1), ((2, 3), -1), ((3, 2), -2))
)
PAIRED: tuple[Variant, ...] = tuple((shape * 2, {**axis, "scale": scale}) for shape, axis in ALONG for scale in (1.0, 0.5))
PRODUCTS = each((((2, 3), (3, 2)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (3,)), ((1, 3), (3, 1)), ((3, 1), (1, 2))))
LISTS = each((((3,), (3,)), ((1,), (1,))))
TIES = (
    (([0.5, 0.5],), {"axis": None, "keepdims": False}),
    (([[0.5, 0.5, 0.5], [-1.0, -1.0, -1.0]],), {"axis": -1, "keepdims": True}),
)
SATURATED = ([-1e4, -800.0, -30.0, -1e-300, 0.0, 1e-300, 30.0, 800.0, 1e4],)
DOMINANT = tuple(([[top, 0.0, -1.0], [top, top, -top]],) for top in (30.0, 800.0, 1e4))
HUGE = ([1e150, -1e-150, 1e-300, -1e100],)
HUGE_ERRORS = ([[1e150], [-1e-150], [1e-300], [-1e100]], [[1.0], [2.0], [0.0], [1e100]])


def unary(textbook: Callable[..., Any], domain: Domain = REAL, *options: Attributes, **columns: Any) -> Case:
    return Case(textbook, ((domain,),), each(ALONE, *options), **columns)


def binary(textbook: Callable[..., Any], *domains: tuple[Domain, ...], **columns: Any) -> Case:
    columns = {"extremes": ((*HUGE, [3.0, 2.0, 1e100, 1e150]),), **columns}
    return Case(textbook, domains or ((REAL,),), each(BROADCAST), **columns)


def reduction(textbook: Callable[..., Any], **columns: Any) -> Case:
    return Case(
        textbook, ((REAL,),), REDUCED, **{"extremes": (HUGE, ([[1e4, 0.0, -1.0], [1.0, 1e4 - 0.5, -1e4]],)), **columns}
    )


def loss(textbook: Callable[..., Any], *domains: tuple[Domain, Domain], **columns: Any) -> Case:
    """A loss of one output, summed and scaled."""
    takes_axis = columns.pop("takes_axis", False)
    deltas = columns.pop("deltas", None)

    def summed(np: Any, a: Any, y: Any, axis: int, scale: float, **more: Any) -> Any:
        own = {**more, "axis": axis} if takes_axis else more
        return scale * np.sum(textbook(np, a, y, **own), axis=axis)

    variants = PAIRED if deltas is None else tuple((s, {**a, "delta": d}) for s, a in PAIRED for d in deltas)
    return Case(summed, domains, variants, **columns)


def softmax(np: Any, x: Any, axis: int) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def norm(np: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def gelu_tanh(np: Any, x: Any) -> Any:
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def layer_shapes(layout: str, orientation: str, bias: bool) -> tuple[tuple[Shape, ...], ...]:
    """Of A, W and b, for m examples, i inputs and o units."""
    return tuple(
        ((m, i) if layout == "rows" else (i, m), (i, o) if orientation == "in_out" else (o, i), *[(o,)] * bias)
        for m, i, o in ((2, 3, 4), (1, 1, 1), (3, 1, 2), (1, 3, 1))
    )


CASES: dict[str, Case] = {
    "add": binary(lambda np, x, y: x + y, linear=True),
    "sub": binary(lambda np, x, y: x - y, linear=True),
    "mul": binary(lambda np, x, y: x * y),
    "div": binary(lambda np, x, y: x / y, (REAL, NONZERO)),
    "pow": binary(
        lambda np, x, y: x**y,
        (POSITIVE, REAL),
        (NEGATIVE, WHOLE),
        extremes=(([0.0, 0.0, 0.0, 1e-100, 1e100, 1e-300, 1e300], [2.0, 1.0, 0.0, 2.0, 3.0, 1.0, -0.5]),),
    ),
    "neg": unary(lambda np, x: -x, linear=True, extremes=(HUGE,)),
    "abs": unary(lambda np, x: np.abs(x), kinks=((([0.0, 0.0],), {}),), extremes=(HUGE,)),
    "maximum": binary(lambda np, x, y: np.maximum(x, y), kinks=((([0.5, -1.0], [0.5, -1.0]), {}),)),
    "minimum": binary(lambda np, x, y: np.minimum(x, y), kinks=((([0.5, -1.0], [0.5, -1.0]), {}),)),
    "clip": unary(
        lambda np, x, low, high: np.clip(x, low, high),
        REAL,
        {"low": -0.5, "high": 1.0},
        {"low": 0.0, "high": 0.25},
        kinks=((([-0.5, -0.5],), {"low": -0.5, "high": 1.0}), (([1.0, 1.0],), {"low": -0.5, "high": 1.0})),
        extremes=(HUGE,),
        extreme_attributes={"low": -1.0, "high": 1.0},
    ),
    "exp": unary(lambda np, x: np.exp(x), extremes=(([-1e4, -700.0, 0.0, 1e-300, 700.0],),)),
    "log": unary(lambda np, x: np.log(x), POSITIVE, extremes=(([1e-300, 1.0, 1e300],),)),
    "sqrt": unary(lambda np, x: np.sqrt(x), POSITIVE, extremes=(([1e-300, 1.0, 1e300],),)),
    "sin": unary(lambda np, x: np.sin(x), extremes=(([-1e-300, 0.0, 1.5, 1e-9],),)),
    "cos": unary(lambda np, x: np.cos(x), extremes=(([-1e-300, 0.0, 1.5, 1e-9],),)),
    "log1p": unary(lambda np, x: np.log1p(x), POSITIVE, extremes=(([1e-300, 1.0, 1e300],),)),
    "square": unary(lambda np, x: x * x, extremes=(HUGE,)),
    "matmul": Case(lambda np, x, y: x @ y, ((REAL,),), PRODUCTS, extremes=(([[1e150, 1e-150]], [[1e150], [2.0]]),)),
    "dot": Case(lambda np, x, y: np.dot(x, y), ((REAL,),), LISTS, extremes=(([1e150, 1e-150], [1e150, 2.0]),)),
    "outer": Case(
        lambda np, x, y: x[:, None] * y[None, :],
        ((REAL,),),
        each((((3,), (2,)), ((1,), (1,)), ((1,), (3,)))),
        extremes=(([1e150, 1e-150], [1e150, 2.0]),),
    ),
    "sum": reduction(lambda np, x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims), linear=True),
    "mean": reduction(lambda np, x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims), linear=True),
    "max": reduction(lambda np, x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims), kinks=TIES),
    "min": reduction(lambda np, x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims), kinks=TIES),
    "norm": reduction(norm, kinks=((([0.0, 0.0],), {"axis": -1, "keepdims": False}),)),
    "logsumexp": reduction(
        lambda np, x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
        extremes=(*DOMINANT, ([0.0, -40.0, -50.0],)),
    ),
    "transpose": unary(lambda np, x: np.transpose(x), linear=True, extremes=(HUGE,)),
    "reshape": Case(
        lambda np, x, shape: np.reshape(x, shape),
        ((REAL,),),
        (
            (((2, 3),), {"shape": (3, 2)}),
            (((6,),), {"shape": (2, -1)}),
            (((1, 1),), {"shape": ()}),
            (((),), {"shape": 1}),
        ),
        linear=True,
        extremes=(HUGE,),
        extreme_attributes={"shape": (2, 2)},
    ),
    "concat": Case(
        lambda np, *parts, axis: np.concatenate(parts, axis=axis),
        ((REAL,),),
        (
            (((2, 3), (1, 3)), {"axis": -2}),
            (((2, 3), (2, 1), (2, 2)), {"axis": -1}),
            (((1,), (3,)), {"axis": -1}),
            (((3,),), {"axis": -1}),
        ),
        linear=True,
        extremes=((*HUGE, [1e300]),),
        extreme_attributes={"axis": -1},
    ),
    "slice": Case(
        lambda np, x, start, stop, axis: x[start:stop] if axis == -len(x.shape) else x[:, start:stop],
        ((REAL,),),
        tuple(
            ((shape,), {"start": start, "stop": stop, "axis": axis})
            for shape, axis in (((3,), -1), ((3, 2), -2), ((2, 3), -1))
            for start, stop in ((0, None), (1, None), (0, -1), (1, 2), (-2, None))
        ),
        linear=True,
        extremes=(HUGE,),
        extreme_attributes={"axis": -1},
    ),
    "identity": unary(lambda np, x: x, linear=True, extremes=(HUGE,)),
    "sigmoid": unary(lambda np, x: 1 / (1 + np.exp(-x)), extremes=(SATURATED,)),
    "tanh": unary(lambda np, x: np.tanh(x), extremes=(SATURATED,)),
    "relu": unary(lambda np, x: np.maximum(x, 0), kinks=((([0.0, 0.0],), {}),), extremes=(HUGE,)),
    "leaky_relu": unary(
        lambda np, x, slope: np.where(x > 0, x, slope * x),
        REAL,
        {"slope": 0.01},
        {"slope": 0.0},
        {"slope": 0.3},
        kinks=((([0.0, 0.0],), {"slope": 0.1}),),
        extremes=(HUGE,),
    ),
    "elu": unary(
        lambda np, x, alpha: np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1)),
        REAL,
        {"alpha": 1.0},
        {"alpha": 0.5},
        {"alpha": 2.0},
        kinks=((([0.0, 0.0],), {"alpha": 0.5}),),
        extremes=(SATURATED,),
    ),
    "softplus": unary(lambda np, x: np.log(1 + np.exp(x)), extremes=(SATURATED,)),
    "gelu_tanh": unary(gelu_tanh, extremes=(SATURATED, ([-6.0, -3.0, 3.0, 6.0],))),
    "silu": unary(lambda np, x: x / (1 + np.exp(-x)), extremes=(SATURATED,)),
    "sign": unary(lambda np, x: np.sign(x) + 0 * x, jumps=True, kinks=((([0.0, 0.0],), {}),), extremes=(HUGE,)),
    "softmax": Case(softmax, ((REAL,),), ALONG, extremes=DOMINANT),
    "log_softmax": Case(lambda np, x, axis: np.log(softmax(np, x, axis)), ((REAL,),), ALONG, extremes=DOMINANT),
    "squared_error": loss(lambda np, a, y: (a - y) ** 2, (REAL, REAL), extremes=(HUGE_ERRORS,)),
    "absolute_error": loss(
        lambda np, a, y: np.abs(a - y),
        (REAL, REAL),
        kinks=((([[0.5], [0.25]], [[0.5], [0.25]]), {"axis": -1, "scale": 0.5}),),
        extremes=(HUGE_ERRORS,),
    ),
    "huber": loss(
        lambda np, a, y, delta: np.where(np.abs(a - y) <= delta, (a - y) ** 2 / 2, delta * (np.abs(a - y) - delta / 2)),
        (REAL, REAL),
        deltas=(1.0, 0.25),
        extremes=(HUGE_ERRORS,),
    ),
    "hinge": loss(
        lambda np, a, y: np.maximum(0, 1 - y * a),
        (REAL, PLUS_MINUS),
        kinks=((([[1.0], [-1.0]], [[1.0], [-1.0]]), {"axis": -1, "scale": 1.0}),),
        extremes=((*HUGE, [1.0, -1.0, 1.0, -1.0]),),
    ),
    "binary_cross_entropy": loss(
        lambda np, a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)),
        (UNIT, UNIT),
        (UNIT, ONE_HOT),
        extremes=(([1e-300, 1e-300, 1.0 - 1e-15, 0.5], [1.0, 0.0, 0.0, 0.3]),),
    ),
    "cross_entropy": loss(
        lambda np, a, y: -y * np.log(a),
        (UNIT, SOFT),
        (UNIT, ONE_HOT),
        extremes=(([1e-300, 1.0 - 1e-15, 1e-15], [1.0, 0.0, 0.0]), ([1e-300, 0.5, 0.5], [0.2, 0.3, 0.5])),
    ),
    "binary_cross_entropy_with_logits": loss(
        lambda np, z, y: np.log(1 + np.exp(z)) - y * z,
        (REAL, UNIT),
        (REAL, ONE_HOT),
        extremes=tuple((*SATURATED, [y] * len(SATURATED[0])) for y in (0.0, 0.3, 1.0)),
    ),
    "cross_entropy_with_logits": loss(
        lambda np, z, y, axis: -y * np.log(softmax(np, z, axis)),
        (REAL, SOFT),
        (REAL, ONE_HOT),
        takes_axis=True,
        extremes=tuple((*z, y) for z in DOMINANT for y in (np.eye(3)[:2], [[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])),
    ),
    **{
        f"dense {layout}+{orientation}+{bias}": Case(
            textbook,
            ((REAL,),),
            each(layer_shapes(layout, orientation, bias)),
            extremes=(([[1e150]], [[1e150]], *([[1.0]] * bias)),),
        )
        for (layout, orientation), textbook in {
            ("rows", "in_out"): lambda np, A, W, b=0: A @ W + b,
            ("rows", "out_in"): lambda np, A, W, b=0: A @ W.T + b,
            ("columns", "in_out"): lambda np, A, W, b=0: W.T @ A + np.reshape(b, (-1, 1)),
            ("columns", "out_in"): lambda np, A, W, b=0: W @ A + np.reshape(b, (-1, 1)),
        }.items()
        for bias in (False, True)
    },
}
