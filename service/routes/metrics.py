"""GET /metrics, for Prometheus: docs/metrics.md tells what each means."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.jobs.numbers import FromDatabase
from service.telemetry.metrics import exposition

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def get_metrics(request: Request) -> Response:
    numbers = await request.app.state.jobs.numbers()
    content = await to_thread.run_sync(exposition, [FromDatabase(numbers)])  # reads files
    return Response(content, media_type=CONTENT_TYPE_LATEST)
