"""The client for code that awaits."""

from __future__ import annotations

from typing import Any, TypeVar, Unpack

import anyio
import httpx

from service.client import calls
from service.client.base import DEADLINE, Base, http_options
from service.client.calls import Body, CheckOptions, GradientsOptions, Submissions, TrainOptions
from service.client.catalog import Catalog
from service.client.exchange import Call, Outcome, Pause, Reply
from service.client.results import Batch, CheckReport, Grade, Health, Mistakes, Solution, Training
from service.client.retry import Deadline, Retry

T = TypeVar("T")


class AsyncClient(Base):
    """As Client, for asyncio and trio.

    async with AsyncClient("http://127.0.0.1:8000") as client:
        solution = await client.gradients(problem)
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        deadline: float = DEADLINE,
        retry: Retry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, deadline, retry)
        self._http = httpx.AsyncClient(transport=transport, **http_options(self.url, key))
        self._sleep = anyio.sleep

    async def gradients(self, problem: Body, **options: Unpack[GradientsOptions]) -> Solution:
        """Every node's value and gradient."""
        return await self._run(calls.gradients(problem, options))

    async def check(self, problem: Body, **options: Unpack[CheckOptions]) -> CheckReport:
        """Gradients, yours or the engine's own, against a numerical method."""
        return await self._run(calls.check(problem, options))

    async def grade(self, problem: Body, answers: Body, policy: Body | None = None) -> Grade:
        """One student's answers."""
        return await self._run(calls.grade(problem, answers, policy))

    async def grade_batch(self, problem: Body, submissions: Submissions, policy: Body | None = None) -> Batch:
        """Many students' answers: by id, or as the list of objects that the service takes."""
        return await self._run(calls.grade_batch(problem, submissions, policy))

    async def mistakes(self, problem: Body) -> Mistakes:
        """The mistakes that this problem's numbers can tell."""
        return await self._run(calls.mistakes(problem))

    async def train(self, problem: Body, **options: Unpack[TrainOptions]) -> Training:
        """Steps of an optimizer."""
        return await self._run(calls.train(problem, options))

    async def catalog(self) -> Catalog:
        """What there is to build a problem with."""
        return await self._run(calls.catalog())

    async def health(self) -> Health:
        """Whether the service is up."""
        return await self._run(calls.health())

    async def get(self, path: str) -> Any:
        """The JSON at any address of the service."""
        return await self._run(calls.get(path))

    async def post(self, path: str, body: Any, *, idempotency_key: str | None = None) -> Any:
        """Any JSON to any address of the service; bytes are sent as they are. See `calls.post` for when it is repeated."""
        return await self._run(calls.post(path, body, idempotency_key))

    async def post_bytes(self, path: str, content: bytes) -> bytes:
        """The same, and the reply as it came."""
        return await self._run(calls.post_bytes(path, content))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _run(self, call: Call[T]) -> T:
        request, deadline, steps = self._begin(call, self._http)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return call.read(done.value)
            outcome = await (self._sleep(step.seconds) if isinstance(step, Pause) else self._send(request, deadline))

    async def _send(self, request: httpx.Request, deadline: Deadline) -> Outcome:
        try:
            with anyio.fail_after(max(deadline.left(), 0.0)):
                reply = await self._http.send(request)
                return Reply(reply.status_code, reply.headers, reply.content)
        except (httpx.RequestError, TimeoutError) as error:
            return error
