"""What a training run is asked to do: the fields of /v1/train, and those that long runs have beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np

from engine.errors import BadNumbers, BadProblem, ShapeMismatch, TooLarge
from engine.limits import DEFAULT_LIMITS, Limits
from engine.ops.row import Array
from engine.optimizers import Optimizer
from engine.problems import Problem, read_problem
from engine.problems.cost import by_example, read_labels, read_matrix
from engine.problems.problem import FIELDS
from engine.reading.arrays import read_number, read_whole
from engine.reading.fields import read_choice, read_flag, read_list, read_object
from engine.training.batches import Batches

PARTS = ("cost", "gradients", "parameters", "state")
DTYPES = ("float64", "float32")
STEP_FIELDS = ("steps", "epochs", "batch_size", "shuffle", "seed", "stop_when")
TRAIN_FIELDS = (*FIELDS, *STEP_FIELDS, "record")
"""Of /v1/train."""
FIT_FIELDS = (*TRAIN_FIELDS, "dtype", "validation", "early_stopping", "check_every")
"""Of a long run, which keeps a history instead of what `record` names."""
MOST_STEPS, MOST_PASSES = 2**53, 2**40
"""Beyond these, numbers of steps and of epochs are not even looked at."""
OVERHEAD = 10_000
"""Elementary operations in whose time a step gets from one node to the next, however small both are."""
MOST_CHECKS = 10_000
"""Of the gradients during one run."""


@dataclass(frozen=True, slots=True)
class Training:
    """A problem, and the steps to make from its parameters."""

    problem: Problem
    optimizer: Optimizer
    batches: Batches
    steps: int
    gradient_norm: float | None = None
    """Stop before a step whose gradient, over all parameters and of its batch, is no longer than this."""
    record: tuple[str, ...] = PARTS

    @property
    def epochs(self) -> int:
        return ceil(self.steps / self.batches.per_epoch)


@dataclass(frozen=True, slots=True)
class LongTraining:
    training: Training
    dtype: str = "float64"
    validation: tuple[Array, Array] | None = None
    """Inputs and labels, one example a row."""
    patience: int | None = None
    """Epochs to wait for a lower cost before the run stops early."""
    check_every: int | None = None
    """Steps from one check of the gradients to the next."""


def read_training(wire: Any, limits: Limits = DEFAULT_LIMITS) -> Training:
    """The body of /v1/train, whose every step is recorded."""
    given = read_body(wire, TRAIN_FIELDS)
    training = read_steps(given, limits)
    refuse_excess(training, limits, how_long(given))
    return training


def how_long(given: Mapping[str, Any]) -> str:
    return "steps" if "steps" in given else "epochs"


def refuse_excess(training: Training, limits: Limits, path: str) -> None:
    """More than can be recorded and computed while somebody waits."""
    steps, graph = training.steps, training.problem.graph
    if steps > limits.recorded_steps:
        raise TooLarge(f"{steps:,} steps; {limits.recorded_steps:,} is the most that is recorded at once", path=path)
    operations = 3 * steps * sum(graph.work) // training.batches.per_epoch + OVERHEAD * steps * len(graph.nodes)
    if operations > limits.training_operations:
        most = f"{limits.training_operations:.1e}"
        raise TooLarge(f"these steps would take about {operations:.1e} operations; {most} is the most at once", path=path)
    record = training.record
    copies = ("gradients" in record) + ("parameters" in record) + ("state" in record) * len(training.optimizer.row.state)
    numbers = steps * copies * sum(prod(graph[name].shape) for name in graph.parameters)
    indices = ceil(steps * training.batches.examples / training.batches.per_epoch) if training.problem.network else 0
    if indices + numbers > limits.elements:
        raise TooLarge(
            f"the recorded steps would hold {numbers:,} numbers and {indices:,} indices of examples; {limits.elements:,} is"
            " the most: record less, or make fewer steps",
            path="record" if indices <= limits.elements else path,
        )


def read_fit(wire: Any, limits: Limits = DEFAULT_LIMITS) -> LongTraining:
    """The same and what long runs have beside it."""
    given = read_body(wire, FIT_FIELDS)
    training = read_steps(given, limits)
    if training.epochs > limits.epochs:
        raise TooLarge(f"{training.epochs:,} epochs; {limits.epochs:,} is the most", path=how_long(given))
    network = training.problem.network
    dtype = read_choice(given.get("dtype", "float64"), "dtype", "number type", DTYPES)
    if network is None:
        for name in ("validation", "early_stopping"):
            if name in given:
                raise BadProblem(f"'{name}' belongs to a network: a graph has no examples", path=name)
        if dtype != "float64":
            raise BadProblem("float32 belongs to a network: a graph is computed in float64", path="dtype")
    patience = None
    if "early_stopping" in given:
        early = read_object(given["early_stopping"], "early_stopping", required=["patience"])
        patience = read_whole(early["patience"], "early_stopping.patience", least=1, most=limits.epochs)
    check_every = None
    if "check_every" in given:
        check_every = read_whole(given["check_every"], "check_every", least=1, most=2**53)
        checks = training.steps // check_every
        if checks > MOST_CHECKS:
            raise TooLarge(f"{checks:,} checks of the gradients; {MOST_CHECKS:,} is the most", path="check_every")
    validation = read_validation(given["validation"], training.problem, limits) if "validation" in given else None
    if dtype == "float32":
        held_out = dict(zip(("validation.inputs", "validation.labels"), validation or (), strict=False))
        settings = {f"optimizer.{name}": np.array(value) for name, value in training.optimizer.settings.items()}
        for name, value in {**training.problem.leaves, **held_out, **settings}.items():
            refuse_beyond_float32(name, value)
        refuse_vanishing_epsilon(training.optimizer)
    return LongTraining(training, dtype, validation, patience, check_every)


def read_body(wire: Any, fields: tuple[str, ...]) -> Mapping[str, Any]:
    return read_object(wire, "", required=["optimizer"], optional=fields, called="the request")


def read_steps(given: Mapping[str, Any], limits: Limits) -> Training:
    if "loss" in given and "network" in given:
        raise BadProblem("the loss of a network belongs inside it: give it as network.loss", path="loss")
    if "loss" in given:
        raise BadProblem("a loss alone has no parameters: train a network or a graph", path="loss")
    problem = read_problem({name: given[name] for name in FIELDS if name in given}, limits)
    assert problem.optimizer is not None
    refuse_untrainable(problem)
    batches = read_batches(given, problem)
    if ("steps" in given) == ("epochs" in given):
        raise BadProblem("say how long to train: give 'steps' or 'epochs', one of the two", path="steps")
    if "steps" in given:
        steps = read_whole(given["steps"], "steps", least=1, most=MOST_STEPS)
    else:
        steps = read_whole(given["epochs"], "epochs", least=1, most=MOST_PASSES) * batches.per_epoch
    problem.optimizer.refuse_overflow(ceil(steps / batches.per_epoch))
    gradient_norm = None
    if "stop_when" in given:
        stop_when = read_object(given["stop_when"], "stop_when", required=["gradient_norm"])
        gradient_norm = read_number(stop_when["gradient_norm"], "stop_when.gradient_norm", least=0.0)
    record = tuple(
        read_choice(part, f"record[{place}]", "part of a step", PARTS)
        for place, part in enumerate(read_list(given.get("record", PARTS), "record", "parts", empty=True))
    )
    return Training(problem, problem.optimizer, batches, steps, gradient_norm, record)


def read_batches(given: Mapping[str, Any], problem: Problem) -> Batches:
    shuffle = read_flag(given.get("shuffle", False), "shuffle")
    seed = read_whole(given.get("seed", 0), "seed", least=0, most=2**63 - 1)
    if problem.network is None:
        if "batch_size" in given:
            raise BadProblem("a graph has no examples to make batches of: leave out batch_size", path="batch_size")
        if shuffle:
            raise BadProblem("a graph has no examples to shuffle", path="shuffle")
        return Batches(1, 1)
    examples = problem.network.examples
    size = examples
    if "batch_size" in given:
        size = read_whole(given["batch_size"], "batch_size", least=1, most=MOST_STEPS)
        if size > examples:
            raise BadNumbers(f"a batch of {size} is larger than all {examples} examples", path="batch_size")
    return Batches(examples, size, shuffle, seed)


def refuse_untrainable(problem: Problem) -> None:
    if not problem.graph.parameters:
        path = "constants" if problem.network is None else "network"
        raise BadProblem("there is nothing to train: this problem has no parameters", path=path)
    for place, layer in enumerate(problem.network.layers if problem.network else ()):
        if layer.activation == "sign":
            raise BadProblem(
                f"layer {place + 1} is a sign: its gradient is 0 everywhere, so nothing before it can learn;"
                " train with tanh or another activation with a slope",
                path=f"network.layers[{place}].activation",
            )


def read_validation(value: Any, problem: Problem, limits: Limits) -> tuple[Array, Array]:
    """Further examples of the same network, which are measured and never learned from."""
    assert problem.network is not None
    layout, cost = problem.network.layout, problem.network.cost
    given = read_object(value, "validation", required=["inputs", "labels"])
    X = read_matrix(given["inputs"], "validation.inputs", layout)
    features = by_example(problem.leaves["X"], layout).shape[1]
    rows = by_example(X, layout)
    if rows.shape[1] != features:
        raise ShapeMismatch(
            f"the validation inputs have {rows.shape[1]} features, but the network takes {features}",
            path="validation.inputs",
        )
    units = by_example(problem.leaves["Y"], layout).shape[1]
    numbers = len(rows) * (features + units)
    if numbers > limits.elements:
        raise TooLarge(
            f"the validation data hold {numbers:,} numbers; {limits.elements:,} is the most", path="validation.inputs"
        )
    shape = (len(rows), units) if layout == "rows" else (units, len(rows))
    Y = read_labels(given["labels"], cost.rule, shape, layout, path="validation.labels")
    return rows, by_example(Y, layout)


def refuse_beyond_float32(name: str, value: Array) -> None:
    largest = float(np.abs(value).max(initial=0.0))
    if largest > float(np.finfo(np.float32).max):
        raise BadNumbers(f"'{name}' holds {largest:.1e}, which float32 cannot: use float64", path="dtype")


def refuse_vanishing_epsilon(optimizer: Optimizer) -> None:
    epsilon = optimizer.settings.get("epsilon", 1.0)
    if epsilon < float(np.finfo(np.float32).tiny):
        raise BadNumbers(f"{epsilon:g} is 0 in float32: take a larger epsilon, or float64", path="optimizer.epsilon")
