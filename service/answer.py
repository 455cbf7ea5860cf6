"""From a request to its response, with all work in a thread, so that the event loop stays free."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import orjson
from anyio import to_thread
from fastapi import Request, Response

from service.body import parse, read_body


async def answer(request: Request, compute: Callable[[Any], dict[str, Any]]) -> Response:
    """Read the body, and give what `compute` makes of it."""
    state = request.app.state
    body = await read_body(request, state.settings.max_body)
    content = await to_thread.run_sync(partial(work, body, compute), limiter=state.workers)
    return Response(content, media_type="application/json")


def work(body: bytes, compute: Callable[[Any], dict[str, Any]]) -> bytes:
    """Parsing and rendering take as long as the mathematics where a body is large: they belong in the thread too."""
    with np.errstate(all="ignore"):  # what is not finite is told in the answer; it is no warning for the operator
        return orjson.dumps(compute(parse(body)), option=orjson.OPT_SERIALIZE_NUMPY)
