"""POST /v1/mistakes: which mistakes a problem can tell apart."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.contract.examples import MISTAKES
from service.contract.openapi import posted
from service.work.answer import answer

router = APIRouter(tags=["grading"])


@router.post(
    "/v1/mistakes",
    summary="Mistakes that a problem tells apart",
    **posted("MistakesRequest", "MistakesResponse", MISTAKES, "mistakes"),
)
async def post_mistakes(request: Request) -> Response:
    """For a task's author: every mistake that can be made on this problem, and whether its numbers tell it from the truth
    and from the other mistakes. With an input of 0, say, a forgotten sign shows nowhere.
    """
    return await answer(request, "mistakes")
