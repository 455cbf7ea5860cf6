"""POST /v1/check: gradients against a numerical method."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.contract.examples import CHECK
from service.contract.openapi import posted
from service.work.answer import answer

router = APIRouter(tags=["gradients"])


@router.post(
    "/v1/check",
    summary="Check gradients",
    **posted("CheckRequest", "CheckResponse", CHECK, "check"),
)
async def post_check(request: Request) -> Response:
    """Gradients that you send, or without any the engine's own, against finite differences.

    The verdict is one of `agrees`, `disagrees` (with the entry that is furthest off), `kink` (a point without a
    derivative, such as relu at 0) and `inconclusive` (with the reason).
    """
    return await answer(request, "check")
