"""POST /v1/mistakes: which mistakes a problem can tell apart."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from engine import distinguish, read_problem
from service.answer import answer
from service.body import divide
from service.examples import MISTAKES
from service.openapi import posted
from service.render import render_distinction

router = APIRouter(tags=["grading"])


def mistakes(wire: Any) -> dict[str, Any]:
    problem, _ = divide(wire, ())
    return {"mistakes": [render_distinction(each) for each in distinguish(read_problem(problem))]}


@router.post(
    "/v1/mistakes",
    summary="Mistakes that a problem tells apart",
    **posted("MistakesRequest", "MistakesResponse", MISTAKES, mistakes),
)
async def post_mistakes(request: Request) -> Response:
    """For a task's author: every mistake that can be made on this problem, and whether its numbers tell it from the truth
    and from the other mistakes. With an input of 0, say, a forgotten sign shows nowhere.
    """
    return await answer(request, mistakes)
