"""What each operation takes: a problem of one of these kinds, and options beside it. One row a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel

from service.schemas.check import CheckOptions
from service.schemas.grade import GradeBatchOptions, GradeOptions
from service.schemas.gradients import GradientsOptions
from service.schemas.jobs import TrainJobOptions
from service.schemas.problem import GraphProblem, LossProblem, NetworkProblem
from service.schemas.train import TrainOptions

KINDS: Mapping[str, type[BaseModel]] = {"network": NetworkProblem, "graph": GraphProblem, "loss": LossProblem}
"""By the field that tells the kind of a problem."""


class Union(NamedTuple):
    """Problems of these kinds."""

    description: str
    kinds: tuple[str, ...]

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        return tuple(KINDS[kind] for kind in self.kinds)


class Asked(NamedTuple):
    """A request is a problem, and the options of the endpoint beside it."""

    model: str
    options: type[BaseModel] | None
    problem: str = "Problem"


UNIONS = {
    "Problem": Union("A network, a graph or a loss.", ("network", "graph", "loss")),
    "TrainableProblem": Union("A network or a graph.", ("network", "graph")),
}
REQUESTS = {
    "gradients": Asked("GradientsRequest", GradientsOptions),
    "check": Asked("CheckRequest", CheckOptions),
    "grade": Asked("GradeRequest", GradeOptions),
    "grade_batch": Asked("GradeBatchRequest", GradeBatchOptions),
    "mistakes": Asked("MistakesRequest", None),
    "train": Asked("TrainRequest", TrainOptions, "TrainableProblem"),
    "train_job": Asked("TrainJobRequest", TrainJobOptions, "TrainableProblem"),
}
"""By operation."""
