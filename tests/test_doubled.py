"""A name that an object has twice is found, wherever it is, and never where it is not."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.replies.problem_documents import BodyTooLarge, DoubledName
from service.requests.body import parse
from service.requests.doubled import colons, find_doubled
from tests.timing import quickest

NAMES = st.sampled_from(["a", "b", "a:b", ":", "é", "", '"', "\\"])
TEXTS = st.sampled_from(["", "x", "12:30", "::", '":', "\\u003a", '{"a":1,"a":2}'])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | TEXTS


class Pairs(list):
    """An object, as it is written: names may be doubled."""


VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(NAMES, inner), max_size=4).map(Pairs),
    max_leaves=12,
)


def written(value, escape):
    if isinstance(value, Pairs):
        pairs = (f"{written(name, escape)}: {written(each, escape)}" for name, each in value)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(each, escape) for each in value) + "]"
    text = json.dumps(value)
    return text.replace(":", "\\u003a") if escape and isinstance(value, str) else text


def is_doubled(value):
    if isinstance(value, Pairs):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(is_doubled(each) for _, each in value)
    return isinstance(value, list) and any(map(is_doubled, value))


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(VALUES, st.booleans())
def test_found_if_and_only_if_it_is_there(value, escape):
    body = written(value, escape).encode()
    wire = orjson.loads(body)
    assert (find_doubled(body, wire, body.count(b":")) is not None) == is_doubled(value)
    if not escape:
        assert colons(wire) <= body.count(b":")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"answers": {"dW1": 1, "dW1": 2}}', "answers.dW1"),
        (b'{"values": {"x": 1}, "values": {"y": 1}}', "values"),
        (b'{"submissions": [{"id": "1"}, {"id": "2", "answers": {"a": 1, "a": 1}}]}', "submissions[1].answers.a"),
        (b'{"x": [1, {"y": 1, "y": 2}]}', "x[1].y"),
        (b'{"x": [[1], [{"y": 1, "y": 2}]]}', "x[1][0].y"),
        (b'{"x": ":", "x": "\\u003a"}', "x"),
        (b'{"%s": 1, "%s": 2}' % (b"n" * 100, b"n" * 100), "n" * 39 + "…"),
    ],
)
def test_the_path_is_told(body, path):
    with pytest.raises(DoubledName) as refused:
        parse(body)
    assert refused.value.path == path
    assert len(refused.value.detail) < 100


@pytest.mark.parametrize("count", [300_000, 1_500_000])
def test_more_names_than_any_use_has_are_refused_soon(count):
    body = b'{"values":[' + b'{"x":1},' * count + b'{"x":1,"x":2}]}'

    def refused():
        with pytest.raises(BodyTooLarge, match="names"):
            parse(body)

    assert quickest(refused, enough=1.5) < 1.5


def test_large_numbers_of_names_are_no_trouble():
    many = b",".join(b'"n%d":":"' % number for number in range(50_000))
    assert len(parse(b"{" + many + b"}")) == 50_000
    with pytest.raises(DoubledName):
        parse(b"{" + many + b',"n7":1}')
