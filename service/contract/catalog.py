"""The tables of the engine, for a reader: every row with its options and formulas. A new row shows up by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import getdoc
from typing import Any

from engine.check import METHODS
from engine.grading.compare import MODES, Mode
from engine.grading.mistakes import MISTAKES
from engine.grading.policy import FEEDBACK
from engine.ops import ACTIVATIONS, LOSSES, OPS
from engine.ops.dense import LAYOUTS, ORIENTATIONS
from engine.ops.row import Op
from engine.optimizers import OPTIMIZERS, OptimizerRow
from engine.optimizers.schedules import SCHEDULES
from engine.problems.cost import AVERAGES, OUTPUTS, REDUCTIONS
from engine.problems.loss_rules import LOSS_RULES, LossRule
from engine.problems.network import SPREADS
from engine.solution import PARTS
from engine.training.request import PARTS as PARTS_OF_A_STEP
from service.schemas.tolerances import FORMULAS

EXPRESSION_NAMES = ("a", "b", "c")
LOSS_NAMES = ("A", "Y")


@cache
def catalog() -> dict[str, Any]:
    return {
        "ops": [render_op(op) for op in OPS.values() if op.in_expressions],
        "activations": [render_op(op, without=("axis",)) for op in ACTIVATIONS.values()],
        "losses": [render_loss(LOSS_RULES[name], op) for name, op in LOSSES.items()],
        "optimizers": [render_optimizer(row) for row in OPTIMIZERS.values()],
        "check_methods": [{"name": name, "summary": summary(method)} for name, method in METHODS.items()],
        "mistakes": [{"code": row.code, "family": row.family, "message": row.message} for row in MISTAKES.values()],
        "tolerances": [render_tolerance(name, mode) for name, mode in MODES.items()],
        "conventions": {
            "layout": list(LAYOUTS),
            "orientation": list(ORIENTATIONS),
            "reduction": list(REDUCTIONS),
            "average_in": list(AVERAGES),
            "outputs": list(OUTPUTS),
            "init": list(SPREADS),
            "include": list(PARTS),
            "schedule": list(SCHEDULES),
            "record": list(PARTS_OF_A_STEP),
            "feedback": list(FEEDBACK),
        },
    }


def render_op(op: Op, names: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Operands are x, or a and b; d is the derivative with respect to the result, which is called out."""
    names = names or (("x",) if op.arity == 1 and not op.variadic else EXPRESSION_NAMES[: max(op.arity, 2)])
    words = {option: option for option in op.attributes} | {
        "d": "d",
        "out": "out",
        "shape_of_0": f"{names[0]}.shape",
        "count": "count",
    }
    if op.variadic:
        words |= {"all": ", ".join(names), "position": "position"}
    return {
        "name": op.name,
        "summary": op.summary,
        "operands": [*names, "…"] if op.variadic else list(names),
        "options": options({name: value for name, value in op.attributes.items() if name not in without}),
        "formula": {
            "value": op.formula.value.format(*names, **words),
            "gradients": [text.format(*names, **words) for text in op.formula.gradient],
        },
        **({"at_kinks": op.subgradient} if op.subgradient else {}),
    }


def render_loss(rule: LossRule, op: Op) -> dict[str, Any]:
    return {
        **render_op(op, LOSS_NAMES, without=("axis",)),
        "labels": rule.labels,
        "predictions": rule.predictions,
        "class_indices": rule.class_indices,
        "last_layers": [name for name in ACTIVATIONS if name in rule.heads],
        **({"advice": rule.advice} if rule.advice else {}),
    }


def render_optimizer(row: OptimizerRow) -> dict[str, Any]:
    settings = {"learning_rate": ..., **row.settings}
    words = {name: name for name in settings}
    return {
        "name": row.name,
        "options": [*options(settings), {"name": "schedule", "required": False, "default": {"kind": "constant"}}],
        "formula": row.formula.format(p="p", d="dp", **words),
        "recurrence": list(row.recurrence),
        "state": list(row.state),
    }


def render_tolerance(name: str, mode: Mode) -> dict[str, Any]:
    return {"name": name, "options": options(mode.defaults), "formula": FORMULAS[name]}


def options(defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`...` in a table marks an option without a default: it must be given."""
    return [
        {"name": name, "required": True} if default is ... else {"name": name, "required": False, "default": default}
        for name, default in defaults.items()
    ]


def summary(described: object) -> str:
    """The first paragraph of what the code itself says."""
    return " ".join((getdoc(described) or "").partition("\n\n")[0].split())
