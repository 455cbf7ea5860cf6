"""What each address asks for: no key, or one with at least this scope.

An address without a row does not exist: the gate lets nobody through to it. All methods of an address ask for the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, compile_path

NO_KEY = ""
"""What reveals nothing: documentation, tables, and whether the service is well."""

LEAST_SCOPE: dict[str, str] = {
    "/": NO_KEY,
    "/docs": NO_KEY,
    "/docs/{name}": NO_KEY,
    "/openapi.json": NO_KEY,
    "/problems": NO_KEY,
    "/problems/{kind}": NO_KEY,
    "/healthz": NO_KEY,
    "/readyz": NO_KEY,
    "/metrics": "admin",
    "/v1/catalog": NO_KEY,
    "/v1/grade": "grade",
    "/v1/grade/batch": "grade",
    "/v1/gradients": "compute",
    "/v1/check": "compute",
    "/v1/mistakes": "compute",
    "/v1/train": "compute",
    "/v1/jobs": "compute",
    "/v1/jobs/{id}": "compute",
    "/v1/jobs/{id}/events": "compute",
    "/v1/jobs/{id}/result": "compute",
}
ANY_RATE = frozenset({"/healthz", "/readyz"})
"""Answered however often they are asked: who watches over the service may share its address with everybody else, and would
end a service that turns it away. The answer costs about as much as a refusal, or is a second old."""

ADDRESSES = [path for path in LEAST_SCOPE if "{" not in path]
"""Those that somebody may have meant."""
PATTERNS = [(compile_path(path)[0], path) for path in LEAST_SCOPE if "{" in path]


def row_of(path: str) -> str | None:
    """The row of an address, as `/v1/jobs/{id}`. None for what does not exist. The router finds it by the same patterns."""
    if path in LEAST_SCOPE and "{" not in path:
        return path
    return next((row for pattern, row in PATTERNS if pattern.match(path)), None)


def least_scope(path: str) -> str | None:
    """None for what does not exist."""
    row = row_of(path)
    return None if row is None else LEAST_SCOPE[row]


def require_rows(routes: Iterable[BaseRoute]) -> None:
    """Tell who adds a route without a row, rather than have them wonder why it is not found."""
    for route in routes:
        path = getattr(route, "path", None)
        if path is not None and path not in LEAST_SCOPE:
            raise LookupError(f"service/access/scopes.py has no row for {path}: which keys may use it?")
