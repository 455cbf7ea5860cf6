"""Steps that can be followed by hand: every one is recorded, and computed by the graph engine itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from engine.ops.row import Array
from engine.problems import Problem
from engine.training.advice import COST, GRADIENT, UPDATE, divergence
from engine.training.batches import Examples, indices_of
from engine.training.request import Training
from engine.training.subset import with_examples, with_parameters

Named = dict[str, Array]


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One step. Its cost and gradients are before it, its parameters and state after it."""

    step: int
    epoch: int
    batch: tuple[int, ...]
    """The examples it used, counted from 0; none for a graph."""
    cost: float
    """Of these examples."""
    gradients: Named
    """By quantity: dW1, db1, … Empty if not asked for, as are the following."""
    parameters: Named
    state: Mapping[str, Named]
    """What the optimizer remembers: velocity, square_mean, …, each by parameter."""


@dataclass(frozen=True, slots=True)
class TrainedSteps:
    steps: tuple[TrainingStep, ...]
    parameters: Named
    """After the last step; the last good ones if the run diverged."""
    cost: float
    """Of all examples, with these parameters."""
    stopped: str
    """"steps" when all are done, "converged" or "diverged"."""
    iterations_per_epoch: int
    message: str = ""
    """Why the run stopped, where that needs words."""


def train_steps(training: Training) -> TrainedSteps:
    """Make the steps that a training asks for, one after another."""
    optimizer, record = training.optimizer, training.record
    parts = Parts(training)
    first = parameters = {name: training.problem.leaves[name] for name in training.problem.graph.parameters}
    state = {name: optimizer.start(value) for name, value in parameters.items()}
    good = parameters
    steps: list[TrainingStep] = []
    stopped, message = "steps", ""
    for done in range(training.steps):
        epoch, examples = training.batches.at(done)
        cost, gradients = parts.learn(examples, parameters)
        if not isfinite(cost) or not all_finite(gradients):
            begun, slopes = parts.learn(examples, first)
            blameless = not isfinite(begun) or not all_finite(slopes)
            what = GRADIENT if isfinite(cost) else COST
            rate = optimizer.rate(training.batches.epoch_of(done))
            stopped, message = "diverged", divergence(what, done + 1, epoch, rate, from_the_start=blameless)
            break
        good = parameters
        if training.gradient_norm is not None and length(gradients) <= training.gradient_norm:
            stopped, message = "converged", f"before step {done + 1} the gradient is no longer than stop_when allows"
            break
        following = {}
        for name, value in parameters.items():
            new, work, gradient = np.empty_like(value), np.empty_like(value), np.array(gradients[name])
            with np.errstate(all="ignore"):
                optimizer.update(value, gradient, new, state[name], work, count=done + 1, epoch=epoch)
            following[name] = new
        if not all_finite(following):
            stopped, message = "diverged", divergence(UPDATE, done + 1, epoch, optimizer.rate(epoch))
            break
        parameters = following
        steps.append(
            TrainingStep(
                step=done + 1,
                epoch=epoch,
                batch=parts.indices(examples),
                cost=cost,
                gradients={f"d{name}": each for name, each in gradients.items()} if "gradients" in record else {},
                parameters=parameters if "parameters" in record else {},
                state=by_quantity(state) if "state" in record else {},
            )
        )
    final = parts.cost(parameters)
    if not isfinite(final):
        if stopped != "diverged":
            epoch, rate = training.batches.at(len(steps))[0], optimizer.rate(training.batches.epoch_of(len(steps)))
            stopped, message = "diverged", divergence(COST, len(steps) + 1, epoch, rate)
        for parameters in (good, first):
            final = parts.cost(parameters)
            if isfinite(final):
                break
    return TrainedSteps(tuple(steps), parameters, final, stopped, training.batches.per_epoch, message)


class Parts:
    """The problem on any batch of its examples. Batches of one size share one graph."""

    def __init__(self, training: Training) -> None:
        self.problem = training.problem
        self.known: dict[int, Problem] = {}
        self.named: dict[int, tuple[int, ...]] = {}

    def on(self, examples: Examples) -> Problem:
        network = self.problem.network
        if network is None:
            return self.problem
        X, Y = (network.rows(self.problem.leaves[name])[examples] for name in ("X", "Y"))
        if len(X) not in self.known:
            self.known[len(X)] = with_examples(self.problem, X, Y)
        part = self.known[len(X)]
        return with_parameters(part, {"X": network.rows(X), "Y": network.rows(Y)})

    def indices(self, examples: Examples) -> tuple[int, ...]:
        """Of these examples; batches of neighbours come again every epoch, and are written down once."""
        if self.problem.network is None:
            return ()
        if not isinstance(examples, slice):
            return indices_of(examples)
        return self.named.setdefault(examples.start, indices_of(examples))

    def learn(self, examples: Examples, parameters: Named) -> tuple[float, Named]:
        """The cost of a batch and its gradients."""
        part = with_parameters(self.on(examples), parameters)
        run = part.run()
        gradients = {name: np.asarray(each) for name, each in run.gradients_of(parameters).items()}
        return float(run.values[part.graph.output]), gradients

    def cost(self, parameters: Named) -> float:
        """Of all examples."""
        whole = with_parameters(self.problem, parameters)
        return float(whole.run().values[whole.graph.output])


def all_finite(arrays: Named) -> bool:
    return all(bool(np.isfinite(each).all()) for each in arrays.values())


def length(gradients: Named) -> float:
    """√Σ g² over all parameters."""
    return sqrt(sum(float(np.vdot(each, each)) for each in gradients.values()))


def by_quantity(state: dict[str, dict[str, Array]]) -> dict[str, Named]:
    """From {W1: {velocity: …}} to {velocity: {W1: …}}, copied, since updates work in place."""
    names = next(iter(state.values()))
    return {name: {parameter: each[name].copy() for parameter, each in state.items()} for name in names}
