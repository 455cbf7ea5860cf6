"""docs/numbers.md holds what it says, line by line; and what does not fit into a line of it."""

import ast
import re
from pathlib import Path

import orjson
import pytest

from service.operations.allowance import Allowance
from service.work.perform import perform

DOCUMENT = (Path(__file__).parent.parent / "docs" / "numbers.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(.+?)` \| (.+) \|$", re.MULTILINE)
PROBLEM, ANSWER, BODY = (ROW.findall(section) for section in DOCUMENT.split("\n## ")[1:])


def posted(operation, body):
    reply = perform(operation, body, Allowance())
    return reply.status, orjson.loads(reply.content)


def with_value(written):
    return b'{"graph": {"expressions": ["y = sum(x)"]}, "values": {"x": %s}}' % written.encode()


def test_the_tables_are_found():
    assert [len(PROBLEM) > 40, len(ANSWER) > 20, len(BODY) > 15] == [True, True, True]


@pytest.mark.parametrize(("written", "told"), PROBLEM)
def test_in_a_problem(written, told):
    status, answered = posted("gradients", with_value(written))
    if told.startswith("refused: "):
        assert status == 422
        assert told.removeprefix("refused: ") in answered["detail"]
    else:
        assert status == 200, answered
        (value,) = [node["value"] for node in answered["nodes"] if node["name"] == "x"]
        assert value == orjson.loads(told.strip("`"))


@pytest.mark.parametrize(("written", "told"), ANSWER)
def test_in_answers(written, told):
    """What is right shows what was read: the answer to y = x is x."""
    right = told.strip("`") if told.startswith("`") else "0.5"
    body = '{"graph": {"expressions": ["y = x * 1"]}, "values": {"x": %s}, "answers": {"y": %s}, "policy": {"ask": ["y"]}}'
    status, answered = posted("grade", (body % (right, written)).encode())
    assert status == 200, answered
    (item,) = answered["items"]
    if told.startswith("malformed: "):
        assert (item["verdict"], item["message"]) == ("malformed", told.removeprefix("malformed: "))
    elif told == "not answered":
        assert item["verdict"] == "missing"
    else:
        assert item["verdict"] == "correct"


@pytest.mark.parametrize(("written", "told"), BODY)
def test_of_bodies(written, told):
    status, answered = posted("gradients", ast.literal_eval(written))
    assert status == 422
    assert told in answered["detail"]


@pytest.mark.parametrize("operation", ["gradients", "check", "grade", "grade_batch", "mistakes", "train"])
@pytest.mark.parametrize("body", [b"", b"[]", b"3", b'""', b"null", b"true", b"{}", b"[{}]", b"-0.0"])
def test_what_is_no_request_is_refused_everywhere(operation, body):
    status, answered = posted(operation, body)
    assert status == 422
    assert answered["errors"]


@pytest.mark.parametrize("sign", ["", "-"])
def test_whole_numbers_of_any_length(sign):
    status, answered = posted("gradients", with_value(sign + "1" * 400))
    assert (status, answered["type"]) == (422, "/problems/malformed-json")
    status, answered = posted("gradients", with_value(sign + "1" * 300))
    assert answered["value"] == float(sign + "1" * 300)
    status, answered = posted("gradients", with_value("0." + "1" * 5000))
    assert answered["value"] == 1 / 9


@pytest.mark.parametrize("opening", [b"[", b'{"x":', b'[{"x":'])
@pytest.mark.parametrize("depth", [100, 500, 900, 1_000, 1_023, 1_024, 1_025, 10_000])
@pytest.mark.parametrize("core", [b"1", b'{"y": 1, "y": 2}', b'":"', b""])
def test_depth_never_breaks_anything(opening, depth, core):
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), b'"x:')[::-1]
    for body in (opening * depth + core + closing * depth, opening * depth):
        for wrapped in (body, b'{"answers": {"y": %s}}' % body, with_value(body.decode())):
            for operation in ("gradients", "grade"):
                status, answered = posted(operation, wrapped)
                assert status == 422
                assert answered["type"] != "/problems/internal-error"


def test_answers_may_be_nested_too_deep_too():
    deep = b"[" * 900 + b"1" + b"]" * 900
    body = b'{"graph": {"expressions": ["y = x * 1"]}, "values": {"x": 1}, "answers": {"y": %s}}' % deep
    status, answered = posted("grade", body)
    assert status == 200
    assert answered["items"][0]["message"] == "lists are nested more than 8 deep"
