"""Verigrad for Python programs: `Client`, and `AsyncClient` for those that await.

    from service.client import Client

    with Client("http://127.0.0.1:8000") as client:
        grade = client.grade(problem, {"dW1": dW1})

It needs httpx, orjson and NumPy, and nothing of the engine or of the service around it.
"""

from service.client.asynchronous import AsyncClient
from service.client.errors import Fault, Refused, TimedOut, UnexpectedReply, Unreachable, VerigradError
from service.client.results import Batch, CheckReport, Grade, Mistakes, Solution, Training
from service.client.retry import Retry
from service.client.sync import Client

__all__ = [
    "AsyncClient",
    "Batch",
    "CheckReport",
    "Client",
    "Fault",
    "Grade",
    "Mistakes",
    "Refused",
    "Retry",
    "Solution",
    "TimedOut",
    "Training",
    "UnexpectedReply",
    "Unreachable",
    "VerigradError",
]
