"""POST /v1/check."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.check import METHODS
from engine.check.checking import LEAST_STEP
from service.schemas.base import Absent, Numbers, Reason, Wire, one_of
from service.schemas.gradients import Kink

WORST = {"index": [0, 1], "submitted": 0.2, "numeric": -0.2}
Status = Literal["agrees", "disagrees", "kink", "inconclusive"]


class CheckOptions(
    Wire,
    json_schema_extra={
        "examples": [
            {"gradients": {"dx": 4, "dy": 4}, "method": "central", "step": 1e-5},
            {"method": "directional", "seed": 1, "tolerance": 0.01},
        ]
    },
):
    """What to check, and how."""

    gradients: dict[str, Numbers] | Absent = None
    """By name, such as dW1; the engine's own gradients of the parameters if left out."""
    method: Annotated[str, one_of(METHODS)] = "increment"
    """How the numerical gradients are made: see the catalog."""
    step: Annotated[float, Field(ge=LEAST_STEP, le=1)] | Absent = None
    """Of the differences; each method has its own if left out."""
    tolerance: Annotated[float, Field(ge=0)] = 1e-6
    """Relative to the largest entry of each gradient, or with method `directional` to the largest of what is summed along
    its directions, so that less is noticed; added to the error bound."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] | Absent = None
    """Of the random directions; drawn if left out."""


class Worst(Wire, json_schema_extra={"examples": [WORST]}):
    """The entry that is furthest beyond its bound."""

    index: list[int]
    """Of the entry; for method `directional`, of the direction."""
    submitted: float | None
    """The entry as it was sent; for method `directional`, the sum along the direction of what was sent."""
    numeric: float | None
    """The same by the numerical method."""


class Verdict(
    Wire,
    json_schema_extra={
        "examples": [
            {
                "name": "dW1",
                "status": "disagrees",
                "max_error": 0.4,
                "error_bound": 1e-12,
                "worst": WORST,
                "disagreeing": 1,
                "kinks": [],
            }
        ]
    },
):
    """What the check says of one gradient."""

    name: str
    """The gradient, such as dW1."""
    status: Status
    """`disagrees` names the worst entry, `kink` the points without a derivative."""
    max_error: float | None
    """The largest difference between an entry and its estimate."""
    error_bound: float | None
    """How large a difference at the worst entry would still agree."""
    worst: Worst | Absent = None
    """Where it disagrees."""
    disagreeing: int | Absent = None
    """How many entries disagree; for method `directional`, directions."""
    kinks: list[Kink]
    """Points without a derivative that this gradient depends on."""
    reason: Reason | Absent = None
    """Why it is inconclusive, or what is wrong with all entries alike, or why a number is null."""


class CheckResponse(Wire):
    """A verdict for every gradient; the gravest is that of the whole."""

    status: Status
    """The gravest of all."""
    method: str
    """How the numerical gradients were made."""
    gradients: list[Verdict]
    """One verdict each."""
    coordinates: int
    """How many entries (or directions) were compared."""
    evaluations: int
    """How many differences were taken for it; each method takes its own number of an entry. In a dense network `increment`
    takes one by a unit in an example, which serves all weights into it, and a few that guard them."""
    step: float | Absent = None
    """As it was given."""
    seed: int | Absent = None
    """Of the random directions: give it again to repeat the check."""
    seconds: float
    """The check itself, without parsing and rendering."""
