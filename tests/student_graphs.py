"""Students who differentiate small graphs by hand: numbers with a fan-out, a layer of vectors, a matrix that is summed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.students import BY_OUTPUT, Array, Student, blank, slope_at


@dataclass
class GraphStudent(Student):
    values: dict[str, Array] = field(kw_only=True)
    expressions: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    rate: float = 0.1

    def other(self, **changes: Any) -> GraphStudent:
        return replace(self, **{**blank(), **changes})

    def wire(self) -> dict[str, Any]:
        return {
            "graph": {"expressions": list(self.expressions)},
            "constants": list(self.constants),
            "values": {name: value.tolist() for name, value in self.values.items()},
            "optimizer": {"kind": "sgd", "learning_rate": self.rate},
        }


@dataclass
class Numbers(GraphStudent):
    """J = ½·w² of w = u·v, where v = u + c also depends on u = a·b."""

    expressions: tuple[str, ...] = ("u = a * b", "v = u + c", "w = u * v", "J = 0.5 * w ** 2")

    def solve(self) -> Numbers:
        a, b, c = (self.values[name] for name in "abc")
        u = self.keep("u", a * b)
        v = self.keep("v", u if self.slips("forgot_bias", "v") else u + c)
        w = self.keep("w", u * v)
        self.keep("J", w * w if self.slips("missing_half", "J") else 0.5 * w * w)

        dw = w
        if self.slips("missing_factor_two", "dw"):
            dw = 0.5 * w
        if self.slips("missing_half", "dw"):
            dw = 2.0 * w
        self.keep("w/u", u if self.slips("sibling_gradient", "w/u") else v)
        local = u
        if self.slips("sibling_gradient", "w/v"):
            local = v
        if self.slips("global_for_local", "w/v"):
            local = dw * u
        self.keep("w/v", local)
        dw = self.keep("dw", dw)
        dv = dw * u
        if self.slips("forgot_upstream_gradient", "dv"):
            dv = u
        if self.slips("sibling_gradient", "dv"):
            dv = dw * v
        dv = self.keep("dv", dv)
        du = dw * v + dv
        if way := self.slips("dropped_path", "du", 2):
            du = (dw * v, dv)[way - 1]
        if self.slips("sibling_gradient", "du"):
            du = dv
        du = self.keep("du", du)
        dc = dv
        da, db = du * b, du * a
        if self.slips("sibling_gradient", "da"):
            da = du * a
        if self.slips("sibling_gradient", "db"):
            db = du * b
        if self.slips("forgot_upstream_gradient", "da"):
            da = b
        for name, value, gradient in (("c", c, dc), ("b", b, db), ("a", a, da)):
            gradient = self.keep(f"d{name}", gradient)
            step = -gradient if self.slips("gradient_ascent", f"{name}_new") else gradient
            self.keep(f"{name}_new", value - self.rate * step)
        return self


@dataclass
class Layer(GraphStudent):
    """J = Σ (tanh(W·x + b) − t)² of one example."""

    expressions: tuple[str, ...] = ("z = W @ x + b", "a = tanh(z)", "r = a - t", "J = sum(r ** 2, axis=0)")
    constants: tuple[str, ...] = ("t",)

    def solve(self) -> Layer:
        W, x, b, t = (self.values[name] for name in "Wxbt")
        z = self.keep("z", W @ x if self.slips("forgot_bias", "z") else W @ x + b)
        a = self.keep("a", z if self.slips("used_pre_activation", "a") else np.tanh(z))
        r = self.keep("r", a - t)
        self.keep("J", (r * r).sum())
        da = 2.0 * r
        if self.slips("missing_factor_two", "dr"):
            da = r
        da = self.keep("dr", da)
        da = self.keep("da", da)
        dz = da * BY_OUTPUT["tanh"](a)
        if self.slips("missing_activation_derivative", "dz"):
            dz = da
        if self.slips("derivative_at_z_not_a", "dz"):
            dz = da * (1.0 - z * z)
        if way := self.slips("wrong_activation_derivative", "dz", 2):
            dz = da * (slope_at("sigmoid", z) if way == 1 else BY_OUTPUT["sigmoid"](a))
        dz = self.keep("dz", dz)
        self.keep("db", dz)
        wrote = np.outer(x, dz) if self.slips("outer_product_swapped", "dW") else None
        self.keep("dW", np.outer(dz, x), wrote)
        dx = W.T @ dz
        if W.shape[0] == W.shape[1] and self.slips("weights_not_transposed", "dx"):
            dx = W @ dz
        if W.shape[0] == W.shape[1] and self.slips("forgot_upstream_weights", "dx"):
            dx = dz
        self.keep("dx", dx)
        return self


@dataclass
class Columns(GraphStudent):
    """J = Σ s·k with s the sums of the columns of M."""

    expressions: tuple[str, ...] = ("s = sum(M, axis=0)", "p = s * k", "J = sum(p, axis=0)")

    def solve(self) -> Columns:
        M, k = self.values["M"], self.values["k"]
        wrote = M.sum(axis=1) if self.slips("wrong_axis", "s") else None
        s = M.sum(axis=0)
        if wrote is not None and wrote.shape == s.shape:
            s, wrote = wrote, None
        s = self.keep("s", s, wrote)
        p = self.keep("p", s * k)
        self.keep("J", p.sum())
        ds = k
        if self.slips("sibling_gradient", "ds"):
            ds = s
        ds = self.keep("ds", ds)
        dk = s
        if self.slips("sibling_gradient", "dk"):
            dk = k
        self.keep("dk", dk)
        self.keep("dM", np.broadcast_to(ds, M.shape) + 0.0)
        return self


def draw_graph(rng: np.random.Generator) -> GraphStudent:
    rate = float(rng.choice([0.5, 0.1]))
    kind = rng.integers(3)
    if kind == 0:
        return Numbers(values={name: np.asarray(rng.standard_normal() * 2.0) for name in "abc"}, rate=rate)
    if kind == 1:
        units, features = (int(each) for each in rng.integers(2, 4, 2))
        shapes = {"W": (units, features), "x": (features,), "b": (units,), "t": (units,)}
        return Layer(values={name: rng.standard_normal(shape) for name, shape in shapes.items()}, rate=rate)
    rows, columns = (int(each) for each in rng.integers(2, 4, 2))
    return Columns(values={"M": rng.standard_normal((rows, columns)), "k": rng.standard_normal(columns)}, rate=rate)
