"""A checkpoint continues a run as if it had never stopped: at every step, for every optimizer, bit for bit."""

import dataclasses
import json
import subprocess
import sys
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import BadCheckpoint
from engine.optimizers import OPTIMIZERS
from engine.training import checkpoint as format
from engine.training import fit, read_fit
from engine.training.batches import indices_of
from engine.training.run import TrainingRun
from tests.problems import random_network

ROOT = Path(__file__).parent.parent
DTYPES = ("float64", "float32")


def request(kind="adam", dtype="float64", **more):
    """4 epochs of 4 batches, the last one short, in an order that changes."""
    rng = np.random.default_rng(0)
    wire = random_network(rng, [3, 5, 2], ["gelu_tanh", "softmax"], {"kind": "cross_entropy"}, examples=10, layout="columns")
    held_out = random_network(rng, [3, 5, 2], ["tanh", "softmax"], {"kind": "cross_entropy"}, examples=4, layout="columns")
    settings = {"weight_decay": 0.01, "schedule": {"kind": "step", "every": 2, "factor": 0.5}}
    asked = {
        "optimizer": {"kind": kind, "learning_rate": 0.05, **settings},
        "epochs": 4,
        "batch_size": 3,
        "shuffle": True,
        "seed": 11,
        "dtype": dtype,
        "validation": {"inputs": held_out["inputs"], "labels": held_out["labels"]},
        "early_stopping": {"patience": 3},
        "check_every": 5,
    }
    return read_fit({**wire, **asked, **more})


def after(steps):
    """A stop signal that is given after so many steps."""
    asked = count()
    return lambda: next(asked) >= steps


def assert_same(left, right):
    """Not one bit differs."""
    for each in dataclasses.fields(left):
        mine, other = getattr(left, each.name), getattr(right, each.name)
        if each.name == "parameters":
            assert list(mine) == list(other)
            for name in mine:
                assert mine[name].dtype == other[name].dtype
                assert mine[name].tobytes() == other[name].tobytes(), name
        else:
            assert mine == other, each.name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_from_every_step(kind, dtype):
    asked = request(kind, dtype)
    whole = fit(asked)
    assert whole.steps == asked.training.steps == 16
    assert len(whole.history) == 4
    assert len(whole.checks) == 3
    for steps in range(16):
        first = fit(asked, stop=after(steps))
        assert (first.stopped, first.steps) == ("interrupted", steps)
        assert_same(fit(request(kind, dtype), checkpoint=first.checkpoint), whole)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_from_step_to_step(kind):
    """Interrupted after every single step, the same bytes come out as at the same step of a run in one go."""
    asked = request(kind)
    reports = {}
    fit(asked, progress=lambda progress: reports.update({progress.step: progress.checkpoint()}), interval=0.0)
    data = None
    for steps in range(1, 16):
        data = fit(asked, checkpoint=data, stop=after(1)).checkpoint
        assert data == reports[steps]
    assert_same(fit(asked, checkpoint=data), fit(asked))


def test_the_state_is_all_there():
    """What a run holds after resuming: parameters, both in turn, optimizer, history, counters, position."""
    asked = request()
    run, resumed = TrainingRun(asked), TrainingRun(asked)
    for _ in range(7):
        run.step()
    resumed.resume(run.checkpoint())
    for name, array in run.arrays().items():
        assert array.tobytes() == resumed.arrays()[name].tobytes()
    assert set(run.arrays()) == {"even", "odd", "state.mean", "state.square_mean", "best"}
    for name in ("done", "total", "right", "history", "checks", "best", "stopped", "message"):
        assert getattr(run, name) == getattr(resumed, name), name
    assert run.done == 7
    assert run.total > 0
    assert indices_of(run.batches.at(7)[1]) == indices_of(resumed.batches.at(resumed.done)[1])


def test_divergence_is_the_same_after_resuming():
    """The step before the checkpoint made the parameters whose cost is not finite: the last good ones are in it too."""
    wild = {"kind": "momentum", "learning_rate": 1e160}
    asked = request(optimizer=wild, early_stopping=None, check_every=None, validation=None)
    whole = fit(asked)
    assert whole.stopped == "diverged"
    assert whole.steps >= 1
    for steps in range(whole.steps + 1):
        data = fit(asked, stop=after(steps)).checkpoint
        assert_same(fit(asked, checkpoint=data), whole)


def test_early_stopping_is_the_same_after_resuming():
    asked = request(optimizer={"kind": "sgd", "learning_rate": 5.0}, epochs=50, early_stopping={"patience": 2})
    whole = fit(asked)
    assert whole.stopped == "early_stopping"
    for steps in range(0, whole.steps, 3):
        assert_same(fit(asked, checkpoint=fit(asked, stop=after(steps)).checkpoint), whole)


def test_a_graph_continues_too():
    wire = {
        "graph": {"expressions": ["J = (x - 3)**2 + sum(exp(y))"]},
        "values": {"x": 0, "y": [1, 2]},
        "optimizer": {"kind": "adam", "learning_rate": 0.05},
        "steps": 6,
    }
    whole = fit(read_fit(wire))
    for steps in range(6):
        assert_same(fit(read_fit(wire), checkpoint=fit(read_fit(wire), stop=after(steps)).checkpoint), whole)


def test_another_process_continues():
    """Memory lies elsewhere there, and nothing else is different."""
    asked = request("nesterov", "float32")
    data = interrupted(asked, 6)
    code = (
        "import sys; from tests.test_training_resume import *; padding = bytearray(12345)\n"
        "result = fit(request('nesterov', 'float32'), checkpoint=bytes.fromhex(sys.stdin.read()))\n"
        "print(b''.join(each.tobytes() for each in result.parameters.values()).hex())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], input=data.hex(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    whole = fit(asked)
    assert other.stdout.strip() == b"".join(each.tobytes() for each in whole.parameters.values()).hex()


def interrupted(asked, steps):
    """The checkpoint after so many steps."""
    return fit(asked, stop=after(steps)).checkpoint


def checkpoint():
    return interrupted(request(), 3)


def resealed(data, change):
    """A checkpoint with another header, and a checksum that fits it."""
    start = len(format.MAGIC) + format.DIGEST
    length = int.from_bytes(data[start : start + format.LENGTH], "little")
    header = json.loads(data[start + format.LENGTH : start + format.LENGTH + length])
    change(header)
    text = json.dumps(header).encode()
    body = len(text).to_bytes(format.LENGTH, "little") + text + data[start + format.LENGTH + length :]
    return format.MAGIC + sha256(body).digest() + body


def test_foreign_and_damaged_bytes_are_refused_in_words():
    data: Any = checkpoint()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    broken: Any
    for broken, part in (
        (b"", "not a checkpoint"),
        (b"PK\x03\x04 a zip file", "not a checkpoint"),
        (b"\x80\x04\x95 a pickle", "not a checkpoint"),
        ("text", "a checkpoint is bytes"),
        (data[:-1], "damaged or incomplete"),
        (data[:30], "damaged or incomplete"),
        (data + b"\0", "damaged or incomplete"),
        (bytes(flipped), "damaged or incomplete"),
        (resealed(data, lambda header: header.update(version=2)), "has format 2; this engine reads format 1"),
        (resealed(data, lambda header: header.pop("state")), "does not hold what it should"),
        (resealed(data, lambda header: header["arrays"].pop()), "does not hold what it should"),
        (resealed(data, lambda header: header["arrays"][0].__setitem__(1, "object")), "does not hold what it should"),
        (resealed(data, lambda header: header["arrays"][0].__setitem__(2, [10**9])), "does not hold what it should"),
        (resealed(data, lambda header: header["arrays"][0].__setitem__(2, [3])), "does not hold what it should"),
        (resealed(data, lambda header: header["state"].pop("done")), "does not hold what it should"),
        (resealed(data, lambda header: header["state"].update(done="many")), "does not hold what it should"),
        (resealed(data, lambda header: header["state"].update(done=99)), "does not hold what it should"),
    ):
        with pytest.raises(BadCheckpoint, match=part):
            fit(request(), checkpoint=broken)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "adamw"},
        {"dtype": "float32"},
        {"seed": 12},
        {"epochs": 5},
        {"batch_size": 2},
        {"check_every": 6},
        {"early_stopping": {"patience": 4}},
        {"inputs": [[1.0] * 10] * 3},
        {"optimizer": {"kind": "adam", "learning_rate": 0.06}},
        {"stop_when": {"gradient_norm": 1e-3}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_run_is_refused(changed):
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(request(**changed), checkpoint=checkpoint())


def test_the_same_checkpoint_is_the_same_bytes():
    assert checkpoint() == checkpoint()
