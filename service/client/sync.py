"""The client for ordinary code."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any, TypeVar, Unpack

import httpx

from service.client import calls
from service.client.base import DEADLINE, Base, http_options
from service.client.bounded import keep_deadlines
from service.client.calls import Body, CheckOptions, GradientsOptions, Submissions, TrainOptions
from service.client.catalog import Catalog
from service.client.exchange import Call, Outcome, Pause, Reply
from service.client.results import Batch, CheckReport, Grade, Health, Mistakes, Solution, Training
from service.client.retry import Deadline, Retry

T = TypeVar("T")


class Client(Base):
    """A connection to a service, kept open until it is closed. Threads may share it.

    with Client("http://127.0.0.1:8000") as client:
        solution = client.gradients(problem)

    `url` and `key` are those of VERIGRAD_URL and VERIGRAD_KEY unless given. `deadline` is in seconds, and for the whole
    of a request with all its repetitions. The lookup of a host's name alone can take longer, as nothing interrupts it.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        deadline: float = DEADLINE,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, deadline, retry)
        self._http = httpx.Client(transport=transport, **http_options(self.url, key))
        keep_deadlines(self._http)
        self._sleep = time.sleep

    def gradients(self, problem: Body, **options: Unpack[GradientsOptions]) -> Solution:
        """Every node's value and gradient."""
        return self._run(calls.gradients(problem, options))

    def check(self, problem: Body, **options: Unpack[CheckOptions]) -> CheckReport:
        """Gradients, yours or the engine's own, against a numerical method."""
        return self._run(calls.check(problem, options))

    def grade(self, problem: Body, answers: Body, policy: Body | None = None) -> Grade:
        """One student's answers."""
        return self._run(calls.grade(problem, answers, policy))

    def grade_batch(self, problem: Body, submissions: Submissions, policy: Body | None = None) -> Batch:
        """Many students' answers: by id, or as the list of objects that the service takes."""
        return self._run(calls.grade_batch(problem, submissions, policy))

    def mistakes(self, problem: Body) -> Mistakes:
        """The mistakes that this problem's numbers can tell."""
        return self._run(calls.mistakes(problem))

    def train(self, problem: Body, **options: Unpack[TrainOptions]) -> Training:
        """Steps of an optimizer."""
        return self._run(calls.train(problem, options))

    def catalog(self) -> Catalog:
        """What there is to build a problem with."""
        return self._run(calls.catalog())

    def health(self) -> Health:
        """Whether the service is up."""
        return self._run(calls.health())

    def get(self, path: str) -> Any:
        """The JSON at any address of the service."""
        return self._run(calls.get(path))

    def post(self, path: str, body: Any, *, idempotency_key: str | None = None) -> Any:
        """Any JSON to any address of the service; bytes are sent as they are. See `calls.post` for when it is repeated."""
        return self._run(calls.post(path, body, idempotency_key))

    def post_bytes(self, path: str, content: bytes) -> bytes:
        """The same, and the reply as it came."""
        return self._run(calls.post_bytes(path, content))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self, call: Call[T]) -> T:
        request, deadline, steps = self._begin(call, self._http)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return call.read(done.value)
            outcome = self._sleep(step.seconds) if isinstance(step, Pause) else self._send(request, deadline)

    def _send(self, request: httpx.Request, deadline: Deadline) -> Outcome:
        try:
            with closing(self._http.send(request, stream=True)) as reply:
                content = bytearray()
                for chunk in reply.iter_bytes():
                    content += chunk
                    if deadline.left() <= 0:
                        return TimeoutError()
                return Reply(reply.status_code, reply.headers, bytes(content))
        except httpx.RequestError as error:
            return error
