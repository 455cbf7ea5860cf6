"""The application: routes, error handlers and the OpenAPI document, put together."""

from __future__ import annotations

import os

from anyio import CapacityLimiter
from fastapi import FastAPI

from service import VERSION
from service.errors import add_error_handlers
from service.openapi import describe
from service.routes import catalog, check, docs, grade, gradients, health, mistakes, problems, train
from service.settings import Settings

DESCRIPTION = """\
Post a network, a graph of expressions or a loss; get every value and gradient back, confirmed by a second method. Have
your own gradients checked, a student's answers graded, or a few steps of an optimizer made.

Errors are problem documents ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with a stable `type`, a sentence, and
the path of what is wrong. [All types](problems)
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service with these settings, or those of the environment."""
    app = FastAPI(
        title="Verigrad",
        version=VERSION,
        summary="Gradients, exact and confirmed",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings or Settings.from_environment()
    app.state.workers = CapacityLimiter(os.cpu_count() or 1)
    for group in (gradients, check, grade, mistakes, train, catalog, health, problems, docs):
        app.include_router(group.router)
    add_error_handlers(app)
    describe(app)
    return app
