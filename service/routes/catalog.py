"""GET /v1/catalog: what there is to build a problem with."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Response

from service.contract.catalog import catalog
from service.contract.openapi import shown

router = APIRouter(tags=["reference"])


@router.get("/v1/catalog", summary="What there is", **shown("Catalog", catalog, errors=(429,)))
async def get_catalog() -> Response:
    """Ops, activations, losses, optimizers and methods of a check, with their options and formulas."""
    return Response(orjson.dumps(catalog()), media_type="application/json")
