"""An optimizer and its schedule: one model a row of the engine's table, so that a new row shows up by itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from engine.optimizers import OPTIMIZERS, OptimizerRow
from engine.optimizers.optimizer import ABOVE_ZERO, BELOW_ONE
from engine.optimizers.schedules import MOST_EPOCHS, MOST_FACTOR
from service.schemas.base import Absent, Part, either, row_model

HALVED: dict[str, Any] = {"kind": "step", "every": 10, "factor": 0.5}


SETTINGS = {
    "learning_rate": "The length of a step.",
    "weight_decay": "Added to the gradient, times the parameter; of adamw, taken from the parameter itself.",
    "momentum": "The part of the velocity that a step keeps.",
    "decay": "The part of the mean of squares that a step keeps.",
    "beta1": "The part of the mean of gradients that a step keeps.",
    "beta2": "The part of the mean of squares that a step keeps.",
    "epsilon": "Added to the root that the step is divided by.",
}


class ConstantSchedule(Part, json_schema_extra={"examples": [{"kind": "constant"}]}):
    """The learning rate stays as it is."""

    kind: Literal["constant"]
    """Which schedule."""


class StepSchedule(Part, json_schema_extra={"examples": [HALVED]}):
    """The learning rate is multiplied with factor^⌊(epoch − 1) / every⌋."""

    kind: Literal["step"]
    """Which schedule."""
    every: Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
    """Epochs."""
    factor: Annotated[float, Field(gt=0, le=MOST_FACTOR)]
    """Less than 1 to slow down."""


Schedule = Annotated[ConstantSchedule | StepSchedule, Field(discriminator="kind")]


def described(row: OptimizerRow) -> Any:
    recurrence = "; ".join(row.recurrence)
    return row_model(
        f"{row.name.capitalize()}Optimizer",
        f"Every step: {recurrence}. Here p is the parameter, g its gradient, and t counts the steps from 1.",
        {"kind": row.name, "learning_rate": 0.1, **row.settings, "schedule": HALVED},
        kind=(Annotated[Literal[row.name], Field(description="Which optimizer.")], ...),
        learning_rate=(Annotated[float, Field(gt=0, description=SETTINGS["learning_rate"])], ...),
        **{name: (setting(name), default) for name, default in row.settings.items()},
        schedule=(Annotated[Schedule | Absent, Field(description="Of the learning rate; constant if left out.")], None),
    )


def setting(name: str) -> Any:
    limits: dict[str, Any] = {"gt": 0} if name in ABOVE_ZERO else {"ge": 0, "lt": 1} if name in BELOW_ONE else {"ge": 0}
    return Annotated[float, Field(description=SETTINGS[name], **limits)]


KINDS = {name: described(row) for name, row in OPTIMIZERS.items()}
Kind: Any = either(KINDS.values())


class Optimizer(RootModel[Kind]):
    """Asks for the parameters after one step, or says how to train."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "adam", "learning_rate": 0.01, "schedule": HALVED}]})

    root: Annotated[Kind, Field(discriminator="kind")]
