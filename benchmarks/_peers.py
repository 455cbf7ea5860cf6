"""What the service is held against: a bare FastAPI echo, and FastAPI's default models around the same computation.

python benchmarks/_peers.py PORT
"""

from __future__ import annotations

import _timing  # noqa: F401  (first: it pins BLAS to one thread)

import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from engine import read_problem, solve
from service.replies.render import render_solution

app = FastAPI()


@app.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/json")


class Layer(BaseModel):
    weights: list[list[float]]
    bias: list[float]
    activation: str


class Network(BaseModel):
    layers: list[Layer]
    loss: str


class Asked(BaseModel):
    network: Network
    inputs: list[list[float]]
    labels: list[int] | list[list[float]]


class Certificate(BaseModel):
    method: str
    status: str
    max_error: float
    coordinates: int
    kinks: list[dict[str, object]]


class Node(BaseModel):
    name: str
    kind: str
    op: str = ""
    inputs: list[str]
    shape: list[int]
    value: float | list[float] | list[list[float]]
    gradient: float | list[float] | list[list[float]] | None
    reason: str = ""


class Answer(BaseModel):
    output: str
    value: float
    nodes: list[Node]
    certificate: Certificate


@app.post("/models", response_model=Answer)
def models(asked: Asked) -> dict[str, object]:
    """As people write it: models in and out, and the same computation between."""
    solution = render_solution(solve(read_problem(asked.model_dump())))
    for node in solution["nodes"]:
        for field in ("value", "gradient"):
            if hasattr(node[field], "tolist"):
                node[field] = node[field].tolist()
    return solution


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
