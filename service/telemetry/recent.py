"""An answer that may be a moment old, so that however many ask, what is slow is asked now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

Answer = TypeVar("Answer")


class Recent(Generic[Answer]):
    """`ask` runs in a thread, one at a time, and must not raise. Who has waited for `patience` seconds hears a TimeoutError;
    the question stays, and who asks later hears its answer."""

    def __init__(self, ask: Callable[[], Answer], *, age: float, patience: float) -> None:
        self.ask, self.age, self.patience = ask, age, patience
        self.asking: asyncio.Task[Answer] | None = None
        self.limiter = CapacityLimiter(1)
        self.last: tuple[float, Answer] | None = None

    async def get(self) -> Answer:
        if self.last is not None and monotonic() - self.last[0] < self.age:
            return self.last[1]
        if self.asking is None or self.asking.done():
            self.asking = asyncio.create_task(self.inquire())
        return await asyncio.wait_for(asyncio.shield(self.asking), self.patience)

    async def inquire(self) -> Answer:
        found = await to_thread.run_sync(self.ask, limiter=self.limiter)
        self.last = monotonic(), found
        return found
