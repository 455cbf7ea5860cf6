"""Why a text is not JSON, in words for whoever wrote it by hand or printed it with another tool."""

from __future__ import annotations

import re

import orjson

TOKEN = re.compile(r"[\w.+-]*\Z")
COMMENT = (r"(//|/\*|#)", "JSON has no comments")
REASONS = (
    COMMENT,
    (r"[+-]?(nan|inf|infinity)\b", 'NaN and infinities are not JSON; among answers, write "NaN"'),
    (r"(None|True|False|undefined)\b", "JSON writes true, false and null"),
    (r"'", "JSON writes text in double quotes: \"x\", not 'x'"),
    (r"[\u2010-\u2015\u2212]", "a minus sign is written as -, the hyphen of the keyboard"),
    (r"\+", "a number has no + before it"),
    (r"-?\.", "a number has a digit before its point: 0.5, not .5"),
    (r"-?\d+\.(?!\d)", "a number has a digit after its point: 5.0, not 5."),
    (r"-?0[xXbBoO]", "a number is written in decimal digits"),
    (r"-?0\d", "a number has no zero before its digits: 1, not 01"),
    (r"-?\d+_", "a number has no _ between its digits"),
    (r"[\]},]", "a comma too many, or a value too few"),
)
"""By what stands where the parser stumbled."""
SAID = (
    ("infinity", "this number is too large for a 64-bit float"),
    ("UTF-8 byte order", "there is a byte order mark before it: send UTF-8 without one"),
    ("not valid UTF-8", "it is not UTF-8"),
    ("surrogate", "half of a surrogate pair is not a character"),
    ("depth", "it is nested too deep"),
    ("string key", "expected a name in double quotes"),
    ("after document", "there is more after its end"),
    ("end of data", "it ends too early"),
)
"""By what the parser says. What is in neither table is told in its words."""


def explain(error: orjson.JSONDecodeError) -> str:
    where = f"line {error.lineno}, column {error.colno}"
    return f"the body is not JSON: {where}: {reason(error)}"


def reason(error: orjson.JSONDecodeError) -> str:
    begun = TOKEN.search(error.doc, max(error.pos - 30, 0), error.pos)  # what stands here may have begun before
    for place in (begun.start() if begun else error.pos, error.pos):
        here = error.doc[place : place + 40].lstrip()
        for pattern, told in (COMMENT,) if "after document" in error.msg else REASONS:
            if re.match(pattern, here, re.IGNORECASE):
                return told
    return next((told for words, told in SAID if words in error.msg), error.msg)
