"""The head of a request, its line and headers: what is refused of it, before there is a body to be misread.

That a length is told twice, or in two ways, is found by the parser.
"""

from __future__ import annotations

import httptools

from service.http.refusal import Refused

MOST_HEADERS = 128

Headers = list[tuple[bytes, bytes]]


def check_head(parser: httptools.HttpRequestParser, headers: Headers) -> str:
    """The version of HTTP, if nothing is wrong."""
    version = parser.get_http_version()
    if version not in ("1.1", "1.0"):
        raise Refused("unsupported-http-version")
    if parser.should_upgrade() and parser.get_method() == b"CONNECT":
        raise Refused("unsupported-http", "CONNECT asks for a proxy, and this is none")
    if len(headers) > MOST_HEADERS:
        raise Refused("header-too-large", f"the request has more than {MOST_HEADERS} headers")
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise Refused("unsupported-http", "the only Transfer-Encoding that is read here is chunked")
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refused("malformed-http", "a request in HTTP/1.1 has one Host header")
    return version


def with_path(url: bytes) -> bytes:
    """An address in full may lack a path, which uvicorn takes for granted."""
    if url.startswith(b"/"):
        return url
    parsed = httptools.parse_url(url)
    return url if parsed.path else b"/?%b" % (parsed.query or b"")


def size_of_head(url: bytes, headers: Headers) -> int:
    return len(url) + sum(len(name) + len(value) + len(": \r\n") for name, value in headers)


def without_upgrade(parser: httptools.HttpRequestParser, url: bytes, headers: Headers) -> bytes:
    lines = [b"%b %b HTTP/%b" % (parser.get_method(), url, parser.get_http_version().encode())]
    for name, value in headers:
        if name == b"connection":
            value = b", ".join(token for token in value.split(b",") if token.strip().lower() != b"upgrade")
        if name != b"upgrade":
            lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join((*lines, b"", b""))
