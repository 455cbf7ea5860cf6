"""GET /healthz and /readyz, for whatever watches over the service."""

from __future__ import annotations

from typing import Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Response

from engine.errors import KeyRefuted
from service.contract.examples import GRADIENTS
from service.contract.openapi import shown
from service.operations import OPERATIONS
from service.operations.allowance import Allowance

router = APIRouter(tags=["operation"])


def health() -> dict[str, Any]:
    return {"status": "ok"}


def readiness() -> dict[str, Any]:
    """Ready is who can solve a problem and confirm the solution."""
    try:
        status = OPERATIONS["gradients"](GRADIENTS["graph"].body, Allowance())["certificate"]["status"]
    except KeyRefuted:
        status = "disagrees"
    return {"status": "ready" if status == "agrees" else "not ready"}


@router.get("/healthz", summary="Is it up?", **shown("Health", health))
async def get_health() -> Response:
    """The process is up."""
    return Response(orjson.dumps(health()), media_type="application/json")


@router.get("/readyz", summary="Is it ready?", **shown("Health", readiness))
async def get_readiness() -> Response:
    """The engine solves a small problem and confirms it: 200, or 503."""
    # Not counted among the workers: a service that has much to do is still ready.
    found = await to_thread.run_sync(readiness)
    return Response(orjson.dumps(found), 200 if found["status"] == "ready" else 503, media_type="application/json")
