"""GET /docs: the OpenAPI document as a page to read and try, with no need of the internet.

The page is in service/page/; its script and style are those of the package fastapi-swagger. All addresses in it are
relative, so that it also works behind a proxy that adds a prefix.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

PAGE = Path(__file__).parent.parent / "page"
SWAGGER = Path(str(files("fastapi_swagger") / "resources"))
ASSETS = {
    "docs.js": (PAGE, "text/javascript"),
    "docs.css": (PAGE, "text/css"),
    "swagger-ui-bundle.js": (SWAGGER, "text/javascript"),
    "swagger-ui.css": (SWAGGER, "text/css"),
    "favicon-32x32.png": (SWAGGER, "image/png"),
}


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The files of this page and of the package, and requests to this service; nothing else runs or is asked."""


@router.get("/")
async def get_root() -> RedirectResponse:
    return RedirectResponse("docs")


@router.get("/docs")
async def get_docs() -> FileResponse:
    return FileResponse(PAGE / "docs.html", media_type="text/html", headers={"content-security-policy": POLICY})


@router.get("/openapi.json")
async def get_document(request: Request) -> Response:
    # Putting it together takes most of a second, once: in a thread, so that nobody else waits for that.
    document = await to_thread.run_sync(request.app.openapi)
    return Response(orjson.dumps(document), media_type="application/json")


@router.get("/docs/{name}")
async def get_asset(name: str) -> FileResponse:
    if name not in ASSETS:
        raise HTTPException(404)
    folder, media_type = ASSETS[name]
    caching = "max-age=3600" if folder is SWAGGER else "no-cache"  # the large ones change only with a new release
    return FileResponse(folder / name, media_type=media_type, headers={"cache-control": caching})
