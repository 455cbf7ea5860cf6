"""An optimizer and its schedule: one model a row of the engine's table, so that a new row shows up by itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from engine.optimizers import OPTIMIZERS, OptimizerRow
from engine.optimizers.optimizer import ABOVE_ZERO, BELOW_ONE
from engine.optimizers.schedules import MOST_EPOCHS, MOST_FACTOR
from service.schemas.base import Absent, Part, either, row_model

HALVED: dict[str, Any] = {"kind": "step", "every": 10, "factor": 0.5}


class ConstantSchedule(Part, json_schema_extra={"examples": [{"kind": "constant"}]}):
    """The learning rate stays as it is."""

    kind: Literal["constant"]


class StepSchedule(Part, json_schema_extra={"examples": [HALVED]}):
    """The learning rate is multiplied with factor^⌊(epoch − 1) / every⌋."""

    kind: Literal["step"]
    every: Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
    """Epochs."""
    factor: Annotated[float, Field(gt=0, le=MOST_FACTOR)]


Schedule = Annotated[ConstantSchedule | StepSchedule, Field(discriminator="kind")]


def described(row: OptimizerRow) -> Any:
    recurrence = "; ".join(row.recurrence)
    return row_model(
        f"{row.name.capitalize()}Optimizer",
        f"Every step: {recurrence}. Here p is the parameter, g its gradient, and t counts the steps from 1.",
        {"kind": row.name, "learning_rate": 0.1, **row.settings},
        kind=(Literal[row.name], ...),
        learning_rate=(Annotated[float, Field(gt=0)], ...),
        **{name: (setting(name), default) for name, default in row.settings.items()},
        schedule=(Schedule | Absent, None),
    )


def setting(name: str) -> Any:
    if name in ABOVE_ZERO:
        return Annotated[float, Field(gt=0)]
    return Annotated[float, Field(ge=0, lt=1)] if name in BELOW_ONE else Annotated[float, Field(ge=0)]


KINDS = {name: described(row) for name, row in OPTIMIZERS.items()}
Kind: Any = either(KINDS.values())


class Optimizer(RootModel[Kind]):
    """Asks for the parameters after one step, or says how to train."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "adam", "learning_rate": 0.01, "schedule": HALVED}]})

    root: Annotated[Kind, Field(discriminator="kind")]
