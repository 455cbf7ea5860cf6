"""docs/wire.md names the fields that requests and responses have."""

import re

import pytest

from tests.contract import DOCUMENT, SCHEMAS, model, success
from tests.serving import ROOT

PAGE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `POST (\S+)` \| (.+?) \| (.+?) \|$", PAGE, flags=re.MULTILINE)


def fields(name):
    """Of a model, and of the models that it is put together from."""
    schema = SCHEMAS[name]
    parts = [part["$ref"].rpartition("/")[2] for part in schema.get("allOf", [])]
    return set(schema.get("properties", ())).union(*map(fields, parts))


def test_no_address_is_left_out():
    assert [path for path, _, _ in ROWS] == [path for path, methods in DOCUMENT["paths"].items() if "post" in methods]


@pytest.mark.parametrize(("path", "takes", "gives"), ROWS)
def test_the_fields_are_those_of_the_document(path, takes, gives):
    taken = set(re.findall(r"`(\w+)`", takes))
    assert taken <= fields(model(path, "request"))
    assert taken or "," not in takes
    given = re.findall(r"`(\w+)`", gives)
    assert given[0] in fields(model(path, success(path)))
    known = {field for schema in SCHEMAS.values() for field in schema.get("properties", ())}
    assert set(given) <= known
