"""POST /v1/train."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.training.request import MOST_PASSES, MOST_STEPS, PARTS
from service.schemas.base import Absent, Part, Reason, Results, Wire, one_of
from service.schemas.optimizer import Optimizer

STOP_WHEN = {"gradient_norm": 1e-6}
STEP = {
    "step": 1,
    "epoch": 1,
    "batch": [0],
    "cost": 0.6931471805599453,
    "gradients": {"dW1": [[-1.5, -1.0]], "db1": [-0.5]},
    "parameters": {"W1": [[0.15, 0.1]], "b1": [0.05]},
    "state": {"velocity": {"W1": [[-1.5, -1.0]], "b1": [-0.5]}},
}


class StopWhen(Part, json_schema_extra={"examples": [STOP_WHEN]}):
    """When to stop before all steps are made."""

    gradient_norm: Annotated[float, Field(ge=0)]
    """Before a step whose gradient, over all parameters and of its batch, is no longer than this."""


class TrainOptions(
    Wire,
    json_schema_extra={
        "oneOf": [{"required": ["steps"]}, {"required": ["epochs"]}],
        "examples": [
            {"optimizer": {"kind": "sgd", "learning_rate": 0.1}, "epochs": 2, "batch_size": 2, "stop_when": STOP_WHEN},
            {
                "optimizer": {"kind": "momentum", "learning_rate": 0.1},
                "steps": 3,
                "batch_size": 1,
                "shuffle": True,
                "seed": 1,
                "record": ["cost", "parameters"],
            },
        ],
    },
):
    """How to train, and for how long: `steps` or `epochs`, one of the two."""

    optimizer: Optimizer
    """Which makes the steps."""
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] | Absent = None
    """How many to make."""
    epochs: Annotated[int, Field(ge=1, le=MOST_PASSES)] | Absent = None
    """Passes over all examples."""
    batch_size: Annotated[int, Field(ge=1, le=MOST_STEPS)] | Absent = None
    """Examples a step; all of them if left out."""
    shuffle: bool = False
    """Whether every epoch takes the examples in an order of its own; else as they are given."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of the orders: the same seed gives the same."""
    stop_when: StopWhen | Absent = None
    """If left out, all steps are made."""
    record: list[Annotated[str, one_of(PARTS)]] | Absent = None
    """What the steps hold; all of it if left out. The cost is always among it."""


class TrainingStep(Wire, json_schema_extra={"examples": [STEP]}):
    """One step: its cost and gradients are before it, its parameters and state after it."""

    step: int
    """Counted from 1."""
    epoch: int
    """Counted from 1."""
    batch: list[int]
    """The examples it used, counted from 0; none for a graph."""
    cost: float | None
    """Of these examples."""
    gradients: dict[str, Results] | Absent = None
    """By quantity: dW1, db1, …"""
    parameters: dict[str, Results] | Absent = None
    """By name: W1, b1, …"""
    state: dict[str, dict[str, Results]] | Absent = None
    """What the optimizer remembers, such as its velocity, each by parameter."""
    reason: Reason | Absent = None
    """Why some numbers are null."""


class TrainResponse(Wire):
    """Every step, and where they led."""

    steps: list[TrainingStep]
    """In their order."""
    parameters: dict[str, Results]
    """After the last step; the last good ones if the run diverged."""
    stopped: Literal["steps", "converged", "diverged"]
    """`steps`: all were made."""
    cost: float | None
    """Of all examples, with these parameters."""
    iterations_per_epoch: int
    """Steps that pass over all examples once."""
    message: str | Absent = None
    """Why it stopped early."""
    reason: Reason | Absent = None
    """Why some numbers are null."""
