"""What is said of bad requests is what was read and approved: see tests/golden.py."""

import json

import pytest

from service.replies.problem_types import PROBLEM_TYPES
from tests.golden import FILE, answer
from tests.golden_cases import CASES

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_case_is_there():
    assert list(GOLDEN) == list(CASES)
    assert len(CASES) >= 80


@pytest.mark.parametrize("name", CASES)
def test_as_it_was_read(name):
    assert answer(*CASES[name]) == GOLDEN[name]


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_with_a_place_and_a_sentence(name):
    golden = GOLDEN[name]
    assert golden["status"] == PROBLEM_TYPES[golden["type"].rpartition("/")[2]].status == 422
    assert golden["errors"]
    path, message = next(iter(golden["errors"].items()))
    assert golden["detail"].startswith(f"{message} (at {path})" if path else message)
    assert len(golden["detail"]) < 500
