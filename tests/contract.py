"""The OpenAPI document, and what holds requests and responses against it."""

import copy

from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings

client = TestClient(create_app(Settings()), raise_server_exceptions=False)
DOCUMENT = client.get("/openapi.json").json()
SCHEMAS = DOCUMENT["components"]["schemas"]


def closed(schemas):
    """The schemas with no room for fields that they do not name."""
    schemas = copy.deepcopy(schemas)
    for each in schemas.values():
        if "properties" in each and "additionalProperties" not in each:
            each["additionalProperties"] = False
    return schemas


CLOSED = closed(SCHEMAS)


def validate(value, name, schemas=SCHEMAS):
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    Draft202012Validator(schema).validate(value)


def content(path, part, method="post"):
    operation = DOCUMENT["paths"][path][method]
    described = operation["requestBody"] if part == "request" else operation["responses"][part]
    return described["content"]["application/json"]


def model(path, part, method="post"):
    return content(path, part, method)["schema"]["$ref"].rpartition("/")[2]


def success(path, method="post"):
    """The one status that tells of it."""
    (status,) = (status for status in DOCUMENT["paths"][path][method]["responses"] if status.startswith("2"))
    return status


EXAMPLES = {
    f"{path} {name}": (path, example["value"])
    for path, methods in DOCUMENT["paths"].items()
    if "post" in methods and "requestBody" in methods["post"]
    for name, example in content(path, "request")["examples"].items()
}
"""Of every request, by name."""
READ = [path for path, methods in DOCUMENT["paths"].items() if "get" in methods and "{" not in path]
