"""What else is wrong with a request that the engine has refused: after its first error, all other faults of form.

Whoever writes a client by hand then mends them all at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from engine.errors import EngineError
from service.forms import form_of
from service.problem_documents import Document
from service.walker import Walker

MOST = 20
"""Faults that are reported, the engine's own among them."""
REFUSED = 422
log = logging.getLogger("verigrad")


def add_faults(document: Document, error: Exception, operation: str, wire: Any) -> Document:
    """The document of this error, with what else is wrong. Nothing is added where the form is not what is at fault."""
    if not isinstance(error, EngineError) or document["status"] != REFUSED:
        return document
    try:
        walker = Walker(form_of(operation))
        others = list(islice(others_than(error, walker.request(wire)), MOST))
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
