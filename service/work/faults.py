"""What else is wrong with a request that the engine has refused: after its first error, all other faults of form.

Whoever writes a client by hand then mends them all at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from engine.errors import EngineError
from service.jobs.kinds import join
from service.jobs.reading import read_kind
from service.replies.problem_documents import Document
from service.requests.forms import form_of
from service.requests.walker import Walker

MOST = 20
"""Faults that are reported, the engine's own among them."""
REFUSED = 422
log = logging.getLogger("verigrad")


def add_faults(document: Document, error: Exception, operation: str, wire: Any) -> Document:
    """The document of this error, with what else is wrong. Nothing is added where the form is not what is at fault."""
    if not isinstance(error, EngineError) or document["status"] != REFUSED:
        return document
    try:
        kind, form, body = looked_at(operation, wire)
    except EngineError:  # it is no job at all, and that is what was said
        return document
    try:
        walker = Walker(form_of(form))
        others = list(islice(others_than(error, beneath(kind, walker.request(body))), MOST))
    except Exception:  # the request is refused as it should be; only the rest of its faults cannot be told
        log.exception("a fault in looking for faults at %s", operation)
        return document
    told = others[: MOST - 1]
    if not told:
        return document
    least = "at least " if len(others) > len(told) or walker.exhausted else ""
    detail = f"{document['detail']}; and {least}{len(told)} other fault{'s' * (len(told) > 1)}: see `errors`"
    errors = [*document["errors"], *({"path": each.path, "message": each.message} for each in told)]
    return {**document, "detail": detail, "errors": errors}


def looked_at(operation: str, wire: Any) -> tuple[str, str, Any]:
    """The kind of a job, what its body is a request of, and that body; or the request itself."""
    if operation != "job":
        return "", operation, wire
    kind, body = read_kind(wire)
    return kind, "train_job" if kind == "train" else kind, body


def beneath(kind: str, found: Iterable[EngineError]) -> Iterator[EngineError]:
    for fault in found:
        fault.path = join(kind, fault.path)
        yield fault


def others_than(first: EngineError, found: Iterable[EngineError]) -> Iterator[EngineError]:
    """One for each path; none for a list that holds the first error, which says more."""
    seen = {first.path}
    for fault in found:
        if fault.path not in seen and not first.path.startswith(f"{fault.path}["):
            seen.add(fault.path)
            yield fault


def warm() -> None:
    """Prepare what the first refused request would have to wait for."""
    form_of("gradients")
