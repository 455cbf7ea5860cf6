"""Every request that the clients can make: one function each, from Python's arguments to a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import orjson

from service.client.catalog import Catalog
from service.client.encoding import encode
from service.client.errors import UnexpectedReply
from service.client.exchange import Call
from service.client.results import Batch, CheckReport, Grade, Health, Mistakes, Solution, Training
from service.client.view import View

V = TypeVar("V", bound=View)

Body = Mapping[str, Any]
"""A JSON object; arrays may stand where numbers may."""
Submissions = Mapping[str, Body] | Iterable[Body]

OPERATIONS = frozenset(f"/v1/{name}" for name in ("gradients", "check", "grade", "grade/batch", "mistakes", "train"))
JSON = {"content-type": "application/json"}


class GradientsOptions(TypedDict, total=False):
    include: Sequence[str]
    """`local`, `formulas`."""
    jacobians: Sequence[str]


class CheckOptions(TypedDict, total=False):
    gradients: Body
    method: str
    step: float
    tolerance: float
    seed: int


class TrainOptions(TypedDict, total=False):
    optimizer: Body
    """Unless it stands in the problem."""
    steps: int
    epochs: int
    batch_size: int
    shuffle: bool
    seed: int
    stop_when: Body
    record: Sequence[str]


def gradients(problem: Body, options: GradientsOptions) -> Call[Solution]:
    return ask("/v1/gradients", {**problem, **options}, Solution)


def check(problem: Body, options: CheckOptions) -> Call[CheckReport]:
    return ask("/v1/check", {**problem, **options}, CheckReport)


def grade(problem: Body, answers: Body, policy: Body | None) -> Call[Grade]:
    return ask("/v1/grade", {**problem, "answers": answers, **given(policy)}, Grade)


def grade_batch(problem: Body, submissions: Submissions, policy: Body | None) -> Call[Batch]:
    if isinstance(submissions, Mapping):
        submissions = [{"id": name, "answers": answers} for name, answers in submissions.items()]
    return ask("/v1/grade/batch", {**problem, "submissions": list(submissions), **given(policy)}, Batch)


def mistakes(problem: Body) -> Call[Mistakes]:
    return ask("/v1/mistakes", problem, Mistakes)


def train(problem: Body, options: TrainOptions) -> Call[Training]:
    return ask("/v1/train", {**problem, **options}, Training)


def catalog() -> Call[Catalog]:
    return Call("GET", "/v1/catalog", viewed(Catalog))


def health() -> Call[Health]:
    return Call("GET", "/healthz", viewed(Health))


def get(path: str) -> Call[Any]:
    return Call("GET", path, parse)


def post(path: str, body: Any, idempotency_key: str | None) -> Call[Any]:
    """Repeated if it is one of the operations, or has a key by which the service knows it again."""
    content = body if isinstance(body, bytes) else encode(body)
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    return Call("POST", path, parse, content, {**JSON, **headers}, repeatable(path) or bool(idempotency_key))


def post_bytes(path: str, content: bytes) -> Call[bytes]:
    return Call("POST", path, bytes, content, JSON, repeatable(path))


def ask(path: str, body: Body, result: type[V]) -> Call[V]:
    return Call("POST", path, viewed(result), encode(body), JSON)


def repeatable(path: str) -> bool:
    return path in OPERATIONS


def given(policy: Body | None) -> dict[str, Body]:
    return {} if policy is None else {"policy": policy}


def viewed(result: type[V]) -> Callable[[bytes], V]:
    def read(content: bytes) -> V:
        raw = parse(content)
        if not isinstance(raw, dict):
            raise UnexpectedReply("the reply is not a JSON object: is this the address of the service?")
        return result(raw)

    return read


def parse(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise UnexpectedReply(f"the reply is not JSON ({error}): is this the address of the service?") from None
