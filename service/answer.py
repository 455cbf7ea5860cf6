"""From a request to its response: what is small at once, all else in a process beside this one."""

from __future__ import annotations

from fastapi import Request, Response

from service.allowance import Allowance
from service.body import parse
from service.cost import seconds
from service.gate import client_of
from service.perform import perform_parsed
from service.problem_documents import BodyTooLarge, Reply
from service.settings import Settings

SMALL = 16 * 2**10
"""Bytes of a body that are parsed at once, which takes some 20 µs; a larger one is not even looked at here."""


async def answer(request: Request, operation: str) -> Response:
    settings: Settings = request.app.state.settings
    body = await read_body(request, settings.max_body)
    allowance = allowance_of(request, settings)
    reply = await reply_to(request, operation, body, allowance, settings.inline)
    return Response(reply.content, reply.status, reply.headers, reply.media_type)


async def reply_to(request: Request, operation: str, body: bytes, allowance: Allowance, inline: float) -> Reply:
    if len(body) <= SMALL:
        wire = parse(body)
        if seconds(operation, wire) * allowance.pace <= inline:
            return perform_parsed(operation, wire, allowance)
    reply: Reply = await request.app.state.pool.perform(operation, body, allowance)
    return reply


def allowance_of(request: Request, settings: Settings) -> Allowance:
    return Allowance(
        answers_shown=client_of(request).sees_answers,
        submissions=settings.max_submissions,
        layers=settings.max_layers,
        elements=settings.max_elements,
        seconds=settings.budget,
        numbers=settings.max_numbers,
        pace=request.app.state.pace,
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
    return bytes(body)
