"""GET /docs: the OpenAPI document as a page to read and try, with no need of the internet.

The page's script and style are those of the package fastapi-swagger; all addresses in it are relative, so that it also
works behind a proxy that adds a prefix.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

ASSETS = Path(str(files("fastapi_swagger") / "resources"))
INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


@router.get("/")
async def get_root() -> RedirectResponse:
    return RedirectResponse("docs")


@router.get("/docs")
async def get_docs() -> HTMLResponse:
    script, style, icon = (f"docs/{name}" for name in MEDIA_TYPES)
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Verigrad",
        swagger_js_url=script,
        swagger_css_url=style,
        swagger_favicon_url=icon,
        # Without a validator's address the page would ask one on the internet about this document.
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True, "displayRequestDuration": True},
    )
    page.headers["content-security-policy"] = policy(bytes(page.body))
    return page


def policy(page: bytes) -> str:
    """The package's files, this page's own script, and requests to this service; nothing else runs or is asked."""
    digests = (b64encode(sha256(script).digest()).decode() for script in INLINE_SCRIPT.findall(page))
    own = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self' {own}; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@router.get("/docs/{name}")
async def get_asset(name: str) -> FileResponse:
    if name not in MEDIA_TYPES:
        raise HTTPException(404)
    return FileResponse(ASSETS / name, media_type=MEDIA_TYPES[name], headers={"cache-control": "max-age=3600"})
