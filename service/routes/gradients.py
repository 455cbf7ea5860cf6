"""POST /v1/gradients: every node of a problem with its value and gradient, confirmed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.contract.examples import GRADIENTS
from service.contract.openapi import posted
from service.work.answer import answer

router = APIRouter(tags=["gradients"])


@router.post(
    "/v1/gradients",
    summary="Values and gradients",
    **posted("GradientsRequest", "GradientsResponse", GRADIENTS, "gradients"),
)
async def post_gradients(request: Request) -> Response:
    """Every node of a network, a graph or a loss: its value, its gradient and its shape.

    All gradients are confirmed by a second, independent method before they are given; the `certificate` tells how. With
    an `optimizer`, the parameters after one step come along (`updates`).
    """
    return await answer(request, "gradients")
