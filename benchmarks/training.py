"""One epoch over 6,000 examples of a 784-128-10 network, one thread, against PyTorch eager and against BLAS alone.

    pip install -e '.[bench]'
    python benchmarks/training.py

Gates: faster than PyTorch eager, and within 1.5 times what the same matrix products take alone (`np.dot` into memory that is
already there, five a step). What is timed: relu and softmax cross-entropy, plain gradient descent, examples in order; cost
and accuracy are computed on the way, as a run does. PyTorch runs the loop people write: modules, `cross_entropy`, `SGD`.
"""

from __future__ import annotations

from _timing import timed  # first: it pins BLAS to one thread, which must happen before NumPy is imported

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from _installed import torch_on_one_thread
from _report import Reading, Wanted, number, run

from engine import Limits
from engine.training import read_fit
from engine.training.run import TrainingRun

EXAMPLES, WIDTHS, RATE = 6_000, (784, 128, 10), 0.01
MANY = 10**9
"""Steps: more than there is time for."""
PEERS = {"PyTorch eager": Wanted("<", 1), "blas": Wanted("≤", 1.5)}

reading = partial(Reading, "training")


def verigrad(X: np.ndarray, y: np.ndarray, batch: int, dtype: str) -> tuple[TrainingRun, Callable[[], None]]:
    layers = [
        {"units": 128, "bias": True, "activation": "relu", "init": {"kind": "he"}},
        {"units": 10, "bias": True, "activation": "softmax"},
    ]
    request = {
        "network": {"layers": layers, "loss": "cross_entropy"},
        "inputs": X,
        "labels": y,
        "optimizer": {"kind": "sgd", "learning_rate": RATE},
        "batch_size": batch,
        "dtype": dtype,
        "steps": MANY,
    }
    run = TrainingRun(read_fit(request, Limits(elements=10**8, epochs=MANY)))

    def epoch() -> None:
        for _ in range(run.batches.per_epoch):
            run.step()

    return run, epoch


def eager(
    torch: Any, run: TrainingRun, X: np.ndarray, y: np.ndarray, batch: int, dtype: str
) -> tuple[Any, Callable[[], None]]:
    """The same network, from the same parameters."""
    nn, cross_entropy, kind = torch.nn, torch.nn.functional.cross_entropy, getattr(torch, dtype)
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(kind)
    with torch.no_grad():
        for linear, (W, b) in zip((model[0], model[2]), run.views[0], strict=True):
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    inputs, labels = torch.tensor(X, dtype=kind), torch.tensor(y)

    def epoch() -> None:
        for start in range(0, EXAMPLES, batch):
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs[start : start + batch]), labels[start : start + batch])
            loss.backward()
            optimizer.step()

    return model, epoch


def blas(X: np.ndarray, batch: int, dtype: str) -> Callable[[], None]:
    """The matrix products of an epoch and nothing else."""
    rng = np.random.default_rng(0)
    inputs = X.astype(dtype)
    W1, W2 = (rng.standard_normal(shape).astype(dtype) for shape in (WIDTHS[:2], WIDTHS[1:]))
    dW1, dW2 = np.empty_like(W1), np.empty_like(W2)

    def buffers(size: int) -> list[np.ndarray]:
        return [np.zeros((size, units), dtype) for units in (128, 10, 128, 10)]

    memory = {size: buffers(size) for size in {batch, EXAMPLES % batch or batch}}

    def epoch() -> None:
        for start in range(0, EXAMPLES, batch):
            x = inputs[start : start + batch]
            Z1, Z2, d1, d2 = memory[len(x)]
            np.dot(x, W1, out=Z1)
            np.dot(Z1, W2, out=Z2)
            np.dot(Z1.T, d2, out=dW2)
            np.dot(d2, W2.T, out=d1)
            np.dot(x.T, d1, out=dW1)

    return epoch


def contest(batch: int, dtype: str, torch: Any, share: float) -> Iterator[Reading]:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((EXAMPLES, 784)), rng.integers(0, 10, EXAMPLES)
    run, mine = verigrad(X, y, batch, dtype)
    contestants = {"verigrad": mine, "blas": blas(X, batch, dtype)}
    if torch is not None:
        model, contestants["PyTorch eager"] = eager(torch, run, X, y, batch, dtype)
        mine()
        contestants["PyTorch eager"]()
        learned = run.model.named(run.parameters)["W1"]
        assert np.abs(learned - model[0].weight.detach().numpy().T).max() < (1e-10 if dtype == "float64" else 1e-3)
    times = timed(contestants, seconds=4.0, share=share)
    ours = times["verigrad"]
    found = reading(f"{dtype}, batches of {batch}", "an epoch", ours.median)
    for name, wanted in PEERS.items():
        if name in times:
            best = f"{number(ours.best / times[name].best)}× it by best times"
            yield found.beside(name, times[name].median, wanted=wanted, note=best)
        else:
            yield found.without(name, wanted=wanted)


def readings(share: float) -> Iterator[Reading]:
    torch = torch_on_one_thread()
    for dtype in ("float64", "float32"):
        for batch in (32, 64, 256):
            yield from contest(batch, dtype, torch, share)


if __name__ == "__main__":
    run(readings, __doc__)
