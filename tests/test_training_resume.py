"""A checkpoint continues a run as if it had never stopped: at every step, for every optimizer, bit for bit."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
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
    settings = {"weight_decay": 0.01, "schedule": SCHEDULE}
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


SCHEDULE = {"kind": "step", "every": 2, "factor": 0.5}


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


def sealed(rest, *, headed=False):
    """Any bytes as the header of a checkpoint, or behind its checksum, which fits."""
    body = rest if headed else len(rest).to_bytes(format.LENGTH, "little") + rest
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
        (resealed(data, lambda header: header.update(version="x" * 1_000_000)), "has format x{19}…; this engine"),
        (resealed(data, lambda header: header.update(version=True)), "has format True"),
        (resealed(data, lambda header: header.update(version={})), "has format {}"),
        (sealed(b"[" * 200_000), "does not hold what it should"),
        (sealed(b"1" * 10_000), "does not hold what it should"),
        (sealed(b"\xff\xfe"), "does not hold what it should"),
        (sealed(b"[1]"), "does not hold what it should"),
        (sealed(b"1"), "does not hold what it should"),
        (sealed(data[len(format.MAGIC) + format.DIGEST :], headed=True), None),
        (sealed(data[len(format.MAGIC) + format.DIGEST :] + b"more", headed=True), "does not hold what it should"),
        (sealed(data[len(format.MAGIC) + format.DIGEST : -8], headed=True), "does not hold what it should"),
        (resealed(data, lambda header: header.update(more=1)), "does not hold what it should"),
        (resealed(data, lambda header: header.update(state=[1])), "does not hold what it should"),
        (resealed(data, lambda header: header.update(state=None)), "does not hold what it should"),
    ):
        if part is None:
            fit(request(), checkpoint=broken)
            continue
        with pytest.raises(BadCheckpoint, match=part) as refused:
            fit(request(), checkpoint=broken)
        assert len(refused.value.message) < 100


LINE = {"epoch": 1, "cost": 0.5, "accuracy": 0.5, "validation_cost": 0.5, "validation_accuracy": 0.5}
CHECK = {"step": 5, "epoch": 2, "status": "agrees", "max_error": 0.0, "reason": ""}


def each(done: int, change: Callable[[Any], dict[str, Any]], values: tuple[Any, ...]) -> list[tuple[int, dict[str, Any]]]:
    """The same change with one value after another, after so many steps."""
    return [(done, change(value)) for value in values]


IMPOSSIBLE: list[tuple[int, dict[str, Any]]] = [
    *each(3, lambda value: {"done": value}, (-1, 2.5, True, None, "3", 7, 4, 16)),
    *each(3, lambda value: {"total": value}, (float("nan"), float("inf"), 10**400, None, "1", [1.0], True)),
    *each(3, lambda value: {"right": value}, (-5, 1.0, float("inf"), True, 11)),
    *each(3, lambda value: {"stopped": value}, ("banana", None, 0, "steps", "interrupted", ["steps"])),
    *each(3, lambda value: {"message": value}, (None, 1, "x" * 20_000)),
    *each(3, lambda value: {"history": value}, (None, {"a": 1}, [LINE], "no", 3)),
    *each(4, lambda value: {"history": value}, ([], [LINE, LINE], [[]], [{}], [None])),
    *each(4, lambda value: {"history": [{**LINE, "epoch": value}]}, ("x", 2, 0, 1.0, True)),
    *each(4, lambda value: {"history": [{**LINE, "cost": value}]}, (None, float("nan"), float("inf"), 10**400, "1")),
    *each(4, lambda value: {"history": [{**LINE, "accuracy": value}]}, (None, 1.5, -0.1, "1")),
    *each(4, lambda value: {"history": [{**LINE, "validation_cost": value}]}, (None, float("nan"))),
    *each(4, lambda value: {"history": [{**LINE, "validation_accuracy": value}]}, (None, 2.0)),
    (4, {"history": [{**LINE, "more": 1}]}),
    (4, {"total": 1.0}),
    (4, {"right": 1}),
    (15, {"done": 16}),
    (15, {"done": 16, "total": 0.0, "right": 0, "history": [{**LINE, "epoch": epoch} for epoch in (1, 2, 3, 4)]}),
    (3, {"back": 1}),
    *each(6, lambda value: {"checks": value}, ([], None, [CHECK, CHECK], [{"step": 1}], [[]])),
    *each(6, lambda value: {"checks": [{**CHECK, "step": value}]}, (4, 5.0, "5")),
    *each(6, lambda value: {"checks": [{**CHECK, "max_error": value}]}, (float("nan"), -1.0, "0", None)),
    *each(6, lambda value: {"checks": [{**CHECK, "status": value}]}, ("fine", None)),
    (6, {"checks": [{**CHECK, "epoch": 3}]}),
    *each(6, lambda value: {"checks": [{**CHECK, "reason": value}]}, (1, "x" * 20_000)),
    *each(4, lambda value: {"best": value}, ({"epoch": "a", "cost": "b"}, [1], LINE)),
]


@pytest.mark.parametrize(
    ("done", "change"),
    IMPOSSIBLE,
    ids=str,
)
def test_an_impossible_state_is_refused(done, change):
    """Header and checksum are as they should be: only what they say cannot be."""
    data = INTERRUPTED[done] if done in INTERRUPTED else INTERRUPTED.setdefault(done, interrupted(request(), done))
    with pytest.raises(BadCheckpoint, match="does not hold what it should"):
        fit(request(), checkpoint=resealed(data, lambda header: header["state"].update(change)))


INTERRUPTED: dict[int, bytes] = {}


@pytest.mark.parametrize("name", ["even", "odd", "best", "state.mean", "state.square_mean"])
def test_parameters_that_are_not_finite_are_refused(name):
    run = TrainingRun(request())
    for _ in range(5):
        run.step()
    run.arrays()[name][1] = np.nan
    with pytest.raises(BadCheckpoint, match="does not hold what it should"):
        fit(request(), checkpoint=run.checkpoint())


def test_an_overflow_that_an_optimizer_remembers_is_not_a_fault():
    """Adam's mean of squares is infinite after a gradient of 10²⁰⁰, and the run goes on."""
    wire = {
        "graph": {"expressions": ["J = 1e200 * x"]},
        "values": {"x": 1.0},
        "optimizer": {"kind": "adam", "learning_rate": 0.1},
        "steps": 4,
    }
    whole = fit(read_fit(wire))
    assert whole.stopped == "steps"
    assert_same(fit(read_fit(wire), checkpoint=fit(read_fit(wire), stop=after(2)).checkpoint), whole)


def test_a_run_that_was_not_a_number_is_taken_up_where_it_ended():
    """At 0 the slope of √x·√x is 0·∞; what Adam remembers of it is not a number either, and is never used."""
    wire = {
        "graph": {"expressions": ["J = sqrt(x) * sqrt(x)"]},
        "values": {"x": 0.0},
        "optimizer": {"kind": "adam", "learning_rate": 0.1},
        "steps": 4,
    }
    seen: list[bytes] = []
    whole = fit(read_fit(wire), progress=lambda progress: seen.append(progress.checkpoint()), interval=0.0)
    assert whole.stopped == "diverged"
    assert_same(fit(read_fit(wire), checkpoint=seen[-1]), whole)


def wild(**more):
    """Each ends in another way."""
    plain = {
        "early_stopping": None,
        "check_every": None,
        "validation": None,
        "optimizer": {"kind": "sgd", "learning_rate": 1.0},
    }
    return {**plain, **more}


ENDS = {
    "steps": ("steps", {"check_every": 4, "early_stopping": {"patience": 20}}),
    "early": ("early_stopping", {"optimizer": {"kind": "sgd", "learning_rate": 5.0}, "early_stopping": {"patience": 1}}),
    "converged": ("converged", wild(stop_when={"gradient_norm": 0.2}, epochs=30)),
    "cost": ("diverged", wild(optimizer={"kind": "sgd", "learning_rate": 1e200})),
    "update": ("diverged", wild(optimizer={"kind": "sgd", "learning_rate": 1e308, "weight_decay": 10.0}, check_every=1)),
    "momentum": ("diverged", wild(optimizer={"kind": "momentum", "learning_rate": 1e160}, early_stopping={"patience": 9})),
    "later": (
        "diverged",
        wild(
            optimizer={"kind": "sgd", "learning_rate": 1e-3, "schedule": {"kind": "step", "every": 2, "factor": 1e6}},
            early_stopping={"patience": 40},
            check_every=1,
            epochs=90,
        ),
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_checkpoint_of_every_end_is_taken_up(end):
    """Also the one that the last report of progress gives, of a run that has stopped."""
    stopped, more = ENDS[end]
    asked, seen = request(**more), []
    whole = fit(asked, progress=lambda progress: seen.append(progress.checkpoint()), interval=0.0)
    assert whole.stopped == stopped
    for data in seen[:3] + seen[3:-3:5] + seen[-3:]:
        assert_same(fit(request(**more), checkpoint=data), whole)


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
        {"shuffle": False},
        {"optimizer": {"kind": "adam", "learning_rate": 0.05, "weight_decay": 0.01}},
        {"optimizer": {"kind": "adam", "learning_rate": 0.05, "weight_decay": 0.01, "schedule": SCHEDULE | {"every": 3}}},
        {"optimizer": {"kind": "adam", "learning_rate": 0.05, "weight_decay": 0.01, "schedule": SCHEDULE | {"factor": 0.4}}},
        {"validation": None},
        {"validation": {"inputs": [[1.0] * 5] * 3, "labels": [0, 1, 1, 0, 1]}},
        {"validation": {"inputs": [[1.0] * 4] * 3, "labels": [0, 1, 1, 0]}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_run_is_refused(changed):
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(request(**changed), checkpoint=checkpoint())


def test_other_conventions_are_another_run():
    """Where the 1/m enters changes no shape, no number and no op."""
    runs = [asked_of_network(average_in=place, outputs="sum") for place in ("loss", "parameters")]
    assert runs[0].training.problem.graph.names == runs[1].training.problem.graph.names
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(runs[1], checkpoint=interrupted(runs[0], 2))


def test_other_validation_data_of_the_same_shape_are_another_run():
    data = {"inputs": [[1.0, 2.0]], "labels": [[1.0]]}
    runs = [asked_of_network({**data, "labels": [[label]]}) for label in (1.0, 2.0)]
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(runs[1], checkpoint=interrupted(runs[0], 2))


def asked_of_network(validation=None, **loss):
    layer = {"weights": [[0.5], [-0.25]], "bias": [0.1], "activation": "identity"}
    return read_fit(
        {
            "network": {"layers": [layer], "loss": {"kind": "squared_error", **loss}},
            "inputs": [[1.0, 2.0], [0.5, -1.0]],
            "labels": [[1.0], [0.0]],
            "optimizer": {"kind": "sgd", "learning_rate": 0.01},
            "steps": 4,
            "validation": validation,
        }
    )


def test_the_output_of_a_graph_is_part_of_the_problem():
    base: dict[str, Any] = {
        "graph": {"expressions": ["u = x**2", "J = x**4 + 0*u"], "output": "u"},
        "values": {"x": 1.0},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        "steps": 4,
    }
    other = {**base, "graph": {**base["graph"], "output": "J"}}
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(read_fit(other), checkpoint=interrupted(read_fit(base), 2))


def test_a_number_inside_an_expression_is_part_of_the_problem():
    graphs = [{"expressions": [f"J = {number} * x**2"]} for number in (3, 4)]
    more = {"values": {"x": 1.0}, "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "steps": 4}
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(read_fit({"graph": graphs[1], **more}), checkpoint=interrupted(read_fit({"graph": graphs[0], **more}), 2))


def test_the_order_of_fields_means_nothing():
    values = {"x": 1.0, "y": [2.0, 3.0], "c": 0.5}
    base = {
        "graph": {"expressions": ["u = x * 2 + 1", "J = u**2 + c * sum(exp(0.1 * y)) + 3"], "output": "J"},
        "values": values,
        "constants": ["c"],
        "optimizer": {"kind": "adam", "learning_rate": 0.1, "beta1": 0.8},
        "steps": 4,
        "stop_when": {"gradient_norm": 1e-9},
    }
    turned = {name: base[name] for name in reversed(base)}
    turned["values"] = {name: values[name] for name in reversed(values)}
    turned["optimizer"] = {"beta1": 0.8, "learning_rate": 0.1, "kind": "adam"}
    whole = fit(read_fit(base))
    result = fit(read_fit(turned), checkpoint=interrupted(read_fit(base), 2))
    assert set(result.parameters) == {"x", "y"}
    for name, value in whole.parameters.items():
        assert value.tobytes() == result.parameters[name].tobytes()
    with pytest.raises(BadCheckpoint, match="belongs to another run"):
        fit(read_fit({**base, "values": {"x": 1.0, "y": [0.5, 3.0], "c": 2.0}}), checkpoint=interrupted(read_fit(base), 2))


def test_the_same_checkpoint_is_the_same_bytes():
    assert checkpoint() == checkpoint()
