"""POST /v1/check: gradients against a numerical method."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from engine import check, read_problem
from engine.errors import BadProblem
from engine.reading.arrays import kind_of
from service.answer import answer
from service.body import divide
from service.examples import CHECK
from service.openapi import posted
from service.render import render_check

router = APIRouter(tags=["gradients"])


def check_gradients(wire: Any) -> dict[str, Any]:
    problem, options = divide(wire, ("gradients", "method", "step", "tolerance", "seed"))
    claims = options.pop("gradients", None)
    if claims is not None and not isinstance(claims, dict):
        raise BadProblem(f"expected an object of gradients by name, not {kind_of(claims)}", path="gradients")
    if claims == {}:  # checking the engine's own instead would tell somebody who claims nothing that all agrees
        raise BadProblem("expected a gradient; leave the field out to check the engine's own", path="gradients")
    return render_check(check(read_problem(problem), claims, **options))


@router.post(
    "/v1/check",
    summary="Check gradients",
    **posted("CheckRequest", "CheckResponse", CHECK, check_gradients),
)
async def post_check(request: Request) -> Response:
    """Gradients that you send, or without any the engine's own, against finite differences.

    The verdict is one of `agrees`, `disagrees` (with the entry that is furthest off), `kink` (a point without a
    derivative, such as relu at 0) and `inconclusive` (with the reason).
    """
    return await answer(request, check_gradients)
