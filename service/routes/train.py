"""POST /v1/train: steps of an optimizer that can be followed by hand."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.contract.examples import TRAIN
from service.contract.openapi import posted
from service.work.answer import answer

router = APIRouter(tags=["training"])


@router.post("/v1/train", summary="Train step by step", **posted("TrainRequest", "TrainResponse", TRAIN, "train"))
async def post_train(request: Request) -> Response:
    """Optimizer steps from the given parameters, each with its examples, cost, gradients, new parameters and the state of
    the optimizer. Without `batch_size` a step uses all examples; with 1 this is stochastic gradient descent.
    """
    return await answer(request, "train")
