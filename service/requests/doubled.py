"""Names that an object of the body has twice. Parsers keep one of the two and say nothing: an answer would be lost.

Every name is followed by a colon, so a body with a name doubled has more colons than the names that are left in what was
parsed. Counting both is quick. A text may hold colons too; only what cannot be counted is parsed again, slowly.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from engine.reading.fields import join
from service.replies.problem_documents import BodyTooLarge

MOST_NAMES = 1_000_000
"""Of a body: a thousand submissions of a thousand answers."""
MOST_LOOKED_AT = 200_000
"""Names that are looked at one by one for the one that is there twice, which takes some µs each."""


class Doubled(NamedTuple):
    name: str
    path: str
    """Of it, not of the object."""


def find_doubled(body: bytes, wire: Any, there: int) -> Doubled | None:
    """One of the names that are there twice; `there` are the body's colons."""
    escaped = b"\\" in body and b"\\u003" in body  # \u003a is a colon that is not in the body
    if there == colons(wire) and not escaped:
        return None
    refuse_more(there, MOST_LOOKED_AT, "where one may be given twice")
    return find_slowly(body)


def refuse_more(there: int, most: int, where: str = "") -> None:
    """What has no names may have colons, but no body of use has so many."""
    if there > most:
        raise BodyTooLarge(f"the body has more than {most:,} names{where and ', '}{where}", path="")


def colons(wire: Any) -> int:
    """No more than the colons of the text this was parsed from, and all of them where there is none in lists of others.

    Lists that begin with a number or a text are not looked at: what they hold is not counted, and the slow way decides.
    """
    found = 0
    left = [wire]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            found += len(value)
            for name, each in value.items():
                found += name.count(":")
                if isinstance(each, str):
                    found += each.count(":")
                elif isinstance(each, dict) or (isinstance(each, list) and holds_objects(each)):
                    left.append(each)
        elif isinstance(value, list):
            left.extend(each for each in value if isinstance(each, dict | list))
    return found


def holds_objects(value: Any) -> bool:
    """Whether the first entry, however deep, is an object."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, dict)


def find_slowly(body: bytes) -> Doubled | None:
    """With the parser of the standard library, which shows every pair of a name and a value; RecursionError if deep."""
    doubled: dict[int, str] = {}
    kept: list[Any] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            doubled[id(built)] = Counter(name for name, _ in pairs).most_common(1)[0][0]
            kept.append(built)  # so that no other object gets its id
        return built

    wire = json.loads(body, object_pairs_hook=collect, parse_int=float)
    return locate(wire, doubled) if doubled else None


def locate(wire: Any, doubled: dict[int, str]) -> Doubled | None:
    left = [(wire, "")]
    while left:
        value, path = left.pop()
        if id(value) in doubled:
            return Doubled(doubled[id(value)], join(path, doubled[id(value)]))
        if isinstance(value, dict):
            left.extend((each, join(path, name)) for name, each in value.items())
        elif isinstance(value, list):
            left.extend((each, f"{path}[{place}]") for place, each in enumerate(value))
    return None
