"""From the bytes of a request to those of its answer: computed here, or by a service elsewhere. Both give the same."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass

import orjson

from service.cli.exits import BAD_INPUT, DONE, exit_of


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes
    exit: int = DONE
    """Anything else than DONE comes with a problem document."""


def answer(operation: str, body: bytes, url: str | None, key: str | None) -> Answer:
    url = os.environ.get("VERIGRAD_URL", "") if url is None else url
    return there(operation, body, url, key) if url else here(operation, body)


def here(operation: str, body: bytes) -> Answer:
    from service.operations.allowance import Allowance
    from service.work.perform import perform

    # Nobody else waits for this machine, so work takes as long as it takes; what would not fit in memory is refused.
    reply = perform(operation, body, Allowance(submissions=sys.maxsize, seconds=math.inf))
    return Answer(reply.content) if reply.status < 400 else refused(reply.content)


def there(operation: str, body: bytes, url: str, key: str | None) -> Answer:
    from service.client import Client, Refused, VerigradError

    try:
        client = Client(url, key)
    except ValueError as error:
        return failure("The address or the key cannot be one", str(error), BAD_INPUT)
    with client:
        try:
            return Answer(client.post_bytes(f"/v1/{operation.replace('_', '/')}", body))
        except Refused as error:
            return refused(error.content, orjson.dumps(error.document))
        except VerigradError as error:
            return failure("The service did not answer", str(error))


def refused(content: bytes, otherwise: bytes = b"") -> Answer:
    """As it came, if it is a problem document."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        content, document = otherwise, orjson.loads(otherwise)
    return Answer(content, exit_of(document))


def failure(title: str, detail: str, exit: int | None = None) -> Answer:
    """A problem document for what no service said. It has no status: there was no reply."""
    document = {"type": "about:blank", "title": title, "detail": detail, "errors": []}
    return Answer(orjson.dumps(document), exit_of(document) if exit is None else exit)
