"""What the server says without asking the application: a whole HTTP answer, after which the connection is closed."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.replies.problem_documents import MEDIA_TYPE, problem_document
from service.replies.problem_types import PROBLEM_TYPES

RETRY_AFTER = 1
"""Seconds. Connections come free all the time."""

Headers = Iterable[tuple[bytes, bytes]]


class Refused(Exception):
    """What is being received goes no further. The kind is a row of the problem types; no detail is that row's meaning."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail or kind)
        self.kind = kind
        self.detail = detail
        self.status = PROBLEM_TYPES[kind].status


def answer(refused: Refused, headers: Headers) -> bytes:
    document = problem_document(refused.kind, refused.detail)
    body = orjson.dumps(document)
    lines = [STATUS_LINE[document["status"]]]
    lines += [b"%b: %b\r\n" % header for header in headers]
    lines += [b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n" % (MEDIA_TYPE.encode(), len(body))]
    if document["status"] == 503:
        lines += [b"retry-after: %d\r\n" % RETRY_AFTER]
    return b"".join((*lines, b"\r\n", body))
