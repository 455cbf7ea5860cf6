"""The table of optimizers. Adding one is a recurrence in `updates` and a row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.optimizers import updates
from engine.optimizers.updates import Update, decayed

L2_GRADIENT = "({d} + {weight_decay} * {p})"
DECOUPLED = "{p} * (1 - {learning_rate} * {weight_decay})"
DECAYED = "g = g + weight_decay * p"


@dataclass(frozen=True, slots=True)
class OptimizerRow:
    name: str
    settings: Mapping[str, float]
    """Optional settings beside learning_rate, with their defaults."""
    state: tuple[str, ...]
    """What it remembers from step to step: one array each, shaped like the parameter, zeros at first."""
    update: Update
    formula: str
    """The first step in closed form: {p} the parameter, {d} its gradient; settings by name."""
    recurrence: tuple[str, ...]
    """Every step as lines of Python: p the parameter, g its gradient, t the count of the step from 1, settings by name."""

    def formula_for(self, weight_decay: float) -> str:
        """The formula, without a decay of 0."""
        if weight_decay:
            return self.formula
        return self.formula.replace(L2_GRADIENT, "{d}").replace(DECOUPLED, "{p}")


MOMENTUM = {"weight_decay": 0.0, "momentum": 0.9}
MOMENTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
VELOCITY = "velocity = momentum * velocity + g"
ADAM = (
    "mean = beta1 * mean + (1 - beta1) * g",
    "square_mean = beta2 * square_mean + (1 - beta2) * g**2",
    "p = p - learning_rate * mean / (1 - beta1**t) / (sqrt(square_mean / (1 - beta2**t)) + epsilon)",
)

OPTIMIZERS: dict[str, OptimizerRow] = {
    row.name: row
    for row in (
        OptimizerRow(
            "sgd",
            {"weight_decay": 0.0},
            (),
            decayed(updates.sgd),
            f"{{p}} - {{learning_rate}} * {L2_GRADIENT}",
            (DECAYED, "p = p - learning_rate * g"),
        ),
        OptimizerRow(
            "momentum",
            MOMENTUM,
            ("velocity",),
            decayed(updates.momentum),
            f"{{p}} - {{learning_rate}} * {L2_GRADIENT}",
            (DECAYED, VELOCITY, "p = p - learning_rate * velocity"),
        ),
        OptimizerRow(
            "nesterov",
            MOMENTUM,
            ("velocity",),
            decayed(updates.nesterov),
            f"{{p}} - {{learning_rate}} * (1 + {{momentum}}) * {L2_GRADIENT}",
            (DECAYED, VELOCITY, "p = p - learning_rate * (g + momentum * velocity)"),
        ),
        OptimizerRow(
            "rmsprop",
            {"weight_decay": 0.0, "decay": 0.99, "epsilon": 1e-8},
            ("square_mean",),
            decayed(updates.rmsprop),
            f"{{p}} - {{learning_rate}} * {L2_GRADIENT} / (sqrt(1 - {{decay}}) * abs({L2_GRADIENT}) + {{epsilon}})",
            (
                DECAYED,
                "square_mean = decay * square_mean + (1 - decay) * g**2",
                "p = p - learning_rate * g / (sqrt(square_mean) + epsilon)",
            ),
        ),
        OptimizerRow(
            "adagrad",
            {"weight_decay": 0.0, "epsilon": 1e-10},
            ("square_sum",),
            decayed(updates.adagrad),
            f"{{p}} - {{learning_rate}} * {L2_GRADIENT} / (abs({L2_GRADIENT}) + {{epsilon}})",
            (
                DECAYED,
                "square_sum = square_sum + g**2",
                "p = p - learning_rate * g / (sqrt(square_sum) + epsilon)",
            ),
        ),
        OptimizerRow(
            "adam",
            {"weight_decay": 0.0, **MOMENTS},
            ("mean", "square_mean"),
            decayed(updates.adam),
            f"{{p}} - {{learning_rate}} * {L2_GRADIENT} / (abs({L2_GRADIENT}) + {{epsilon}})",
            (DECAYED, *ADAM),
        ),
        OptimizerRow(
            "adamw",
            {"weight_decay": 0.01, **MOMENTS},
            ("mean", "square_mean"),
            updates.adamw,
            f"{DECOUPLED} - {{learning_rate}} * {{d}} / (abs({{d}}) + {{epsilon}})",
            ("p = p * (1 - learning_rate * weight_decay)", *ADAM),
        ),
    )
}
