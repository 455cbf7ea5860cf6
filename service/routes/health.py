"""GET /healthz and /readyz, for whatever watches over the service."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from engine.errors import KeyRefuted
from service.contract.examples import GRADIENTS
from service.contract.openapi import shown
from service.jobs.condition import Condition
from service.operations import OPERATIONS
from service.operations.allowance import Allowance

router = APIRouter(tags=["operation"])

NOT_READY = "not ready"
NO_WORKER = "no worker was seen lately: jobs wait until there is one"
UNSOLVED = "the engine does not confirm the solution of a small problem in time"


def health() -> dict[str, Any]:
    return {"status": "ok"}


def solves() -> bool:
    """Whether the engine solves a problem and confirms the solution."""
    try:
        answer = OPERATIONS["gradients"](GRADIENTS["graph"].body, Allowance())
    except KeyRefuted:
        return False
    return bool(answer["certificate"]["status"] == "agrees")


def readiness(solved: bool, condition: Condition) -> dict[str, Any]:
    """Not ready is who gives no answers; degraded who gives them, but does no jobs."""
    faults = [] if solved else [UNSOLVED]
    if condition.fault:
        faults.append(condition.fault)
    if faults:
        return {"status": NOT_READY, "reasons": faults}
    if not condition.workers:
        return {"status": "degraded", "reasons": [NO_WORKER]}
    return {"status": "ready"}


READY = partial(readiness, True, Condition(workers=1))
DEGRADED = partial(readiness, True, Condition())


@router.get("/healthz", summary="Is it up?", **shown("Health", health, READY, DEGRADED))
async def get_health() -> Response:
    """The process is up."""
    return Response(orjson.dumps(health()), media_type="application/json")


@router.get("/readyz", summary="Is it ready?", **shown("Health", health, READY, DEGRADED))
async def get_readiness(request: Request) -> Response:
    """The engine solves a small problem and confirms it, and the database of jobs is there: 200, or 503. Where only workers
    are missing it is 200 with the status `degraded`: jobs wait, all else is done. The answer is at most a second old.
    """
    state = request.app.state
    try:
        # Not counted among the workers: a service that has much to do is still ready.
        solved = await state.solves.get()
    except TimeoutError:
        solved = False
    found = readiness(solved, await state.jobs.condition())
    return Response(orjson.dumps(found), 503 if found["status"] == NOT_READY else 200, media_type="application/json")
