"""The application: routes, error handlers and the OpenAPI document, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from starlette.types import ASGIApp

from service import VERSION
from service.access.gate import Gate
from service.access.keyring import Keyring
from service.access.scopes import require_rows, row_of
from service.contract.direct import route_directly
from service.contract.openapi import describe
from service.contract.tags import TAGS
from service.jobs.desk import Desk
from service.replies.errors import add_error_handlers
from service.routes import catalog, check, docs, grade, gradients, health, jobs, metrics, mistakes, problems, train
from service.settings import Settings
from service.telemetry.recent import Recent
from service.telemetry.requests import Watch
from service.work.kept_replies import KeptReplies
from service.work.pace import pace
from service.work.pool import Pool

DESCRIPTION = """\
Post a network, a graph of expressions or a loss; get every value and gradient back, confirmed by a second method. Have
your own gradients checked, a student's answers graded, or a few steps of an optimizer made.

**To try it**, open an operation, choose one of its examples, change what you like, and press *Execute*. The answer is
shown below, with the line of curl that asks for it. What to build a problem with is in the
[catalog](v1/catalog); a problem, its quantities and its conventions are explained in the project's README.

Errors are problem documents (RFC 9457) with a stable `type`, a sentence, and the path of what is wrong.
[All types](problems)
"""


class Service(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        """The gate is outside of everything, so that also the answer to a fault goes through it; who watches, around it."""
        return Watch(Gate(super().build_middleware_stack(), self.state.settings, self.state.keyring), row_of)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service with these settings, or those of the environment."""
    settings = settings or Settings.from_environment()
    desk, keyring = Desk(settings), Keyring(settings)
    pool = Pool(settings.processes, settings.deadline, settings.max_waiting, settings.memory)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(keyring.open)
        pool.warm()
        yield
        pool.close()
        await to_thread.run_sync(keyring.close)
        desk.close()

    app = Service(
        title="Verigrad",
        version=VERSION,
        summary="Gradients, exact and confirmed",
        description=DESCRIPTION,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        docs_url=None,
        openapi_url=None,  # and these: see routes/docs.py
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings, app.state.pool, app.state.pace = settings, pool, pace()
    app.state.jobs, app.state.keyring = desk, keyring
    app.state.solves = Recent(health.solves, age=1.0, patience=2.0)
    app.state.kept = KeptReplies(settings.kept_replies)
    groups = (gradients, check, grade, mistakes, train, jobs, catalog, health, metrics, problems, docs)
    routers = [group.router for group in groups]
    for router in routers:
        require_rows(router.routes)
        app.include_router(router)
    route_directly(app, routers)
    add_error_handlers(app)
    describe(app)
    return app
