"""The quick way to what computes: FastAPI describes these routes, Starlette serves them.

FastAPI prepares every request for dependencies, models and background tasks. Routes that take the request as it is need
none of that, and it takes longer than the gradients of a small network.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route


def route_directly(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put a plain route before each described one that takes nothing but the request."""
    plain = [
        Route(each.path, each.endpoint, methods=list(each.methods or ()), name=each.name)
        for router in routers
        for each in router.routes
        if isinstance(each, APIRoute) and takes_request_alone(each)
    ]
    app.router.routes[:0] = plain


def takes_request_alone(route: APIRoute) -> bool:
    return list(signature(route.endpoint).parameters) == ["request"] and not route.dependencies
