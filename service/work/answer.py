"""From a request to its response: what is small at once, all else in a process beside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from service.access.gate import client_of
from service.operations.allowance import Allowance
from service.replies.problem_documents import BodyTooLarge, Reply
from service.requests.body import parse
from service.settings import Settings
from service.telemetry.metrics import KEPT_REPLIES, count_work
from service.telemetry.requests import BYTES_IN, COST, KEPT
from service.work.cost import seconds
from service.work.kept_replies import KeptReplies
from service.work.perform import perform_parsed
from service.work.pool import Pool

SMALL = 16 * 2**10
"""Bytes of a body that are parsed at once, which takes some 20 µs; a larger one is not even looked at here."""


async def answer(request: Request, operation: str) -> Response:
    settings: Settings = request.app.state.settings
    body = await read_body(request, settings.max_body)
    allowance = allowance_of(request, settings)
    kept: KeptReplies = request.app.state.kept
    name = partial(kept.key_of, operation, body, allowance.answers_shown)
    asked = name() if len(body) <= SMALL else await to_thread.run_sync(name)  # to hash megabytes takes milliseconds
    reply = kept.find(asked)
    if asked is not None:
        KEPT_REPLIES.labels("no" if reply is None else "yes").inc()
    if reply is not None:
        request.scope[KEPT] = True
    else:
        reply = await reply_to(request, operation, body, allowance, settings.inline)
        kept.keep(asked, replace(reply, facts=None))
    return Response(reply.content, reply.status, reply.headers, reply.media_type)


async def reply_to(request: Request, operation: str, body: bytes, allowance: Allowance, inline: float) -> Reply:
    reply = await computed(request, operation, body, allowance, inline)
    if reply.facts is not None:
        request.scope[COST] = reply.facts["cost"]
        count_work(operation, reply.facts)
    return reply


async def computed(request: Request, operation: str, body: bytes, allowance: Allowance, inline: float) -> Reply:
    if len(body) <= SMALL:
        wire = parse(body)
        if seconds(operation, wire) * allowance.pace <= inline:
            return perform_parsed(operation, wire, allowance)
    pool: Pool = request.app.state.pool
    return await unless_gone(request, pool.perform(operation, body, allowance))


async def unless_gone(request: Request, work: Coroutine[Any, Any, Reply]) -> Reply:
    """The work's result; when the client hangs up, the work is ended."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(disconnection(request))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        gone.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait((working,))


async def disconnection(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def allowance_of(request: Request, settings: Settings) -> Allowance:
    return Allowance(
        answers_shown=client_of(request).sees_answers,
        submissions=settings.max_submissions,
        layers=settings.max_layers,
        elements=settings.max_elements,
        seconds=settings.budget,
        numbers=settings.max_numbers,
        pace=request.app.state.pace,
        job_seconds=settings.job_seconds,
    )


async def read_body(request: Request, limit: int) -> bytes:
    """All bytes, or BodyTooLarge as soon as it is known: at once where the length is declared, else on the way."""
    # What is left of a body that is too large is not read: the connection cannot be used again.
    too_large = BodyTooLarge(f"the body has more than {limit:,} bytes", path="", headers={"connection": "close"})
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    request.scope[BYTES_IN] = len(body)
    return bytes(body)
