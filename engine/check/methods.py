"""The methods of a check that work on any graph. Each gives estimates of the gradients of some nodes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from engine.check.coordinates import BATCH_ELEMENTS, Part, by_coordinates, coordinate_moves
from engine.check.differences import (
    COLUMNS,
    MULTIPLES,
    Moves,
    difference,
    natural_step,
    steps_for,
)
from engine.check.estimates import EPSILON, Estimate, Estimates
from engine.check.increments import Kink, Kinks, kinks_between, propagate
from engine.check.work import CENTRAL_PASSES, COMPLEX_PASSES, DIRECTIONS, WORK
from engine.graph.graph import Changes
from engine.graph.run import Run
from engine.ops.row import Array, Side
from engine.problems import Problem


def increment(problem: Problem, run: Run, names: Sequence[str], step: float | None, seed: int) -> Estimates:
    """Exact increments, every coordinate."""
    sizes = {name: prod(problem.graph[name].shape) for name in names}
    WORK["increment"].refuse(problem, sizes)
    parts = by_coordinates(problem, run, names, step)
    estimates = {}
    for name, found in parts.items():
        columns = found[0].columns
        if len(found) > 1:
            columns = {column: np.concatenate([each.columns[column] for each in found]) for column in COLUMNS}
        shape = problem.graph[name].shape
        shaped = {column: values.reshape(shape) for column, values in columns.items()}
        estimates[name] = Estimate(**shaped, kinks=set().union(*(each.kinks for each in found)))
    return Estimates(estimates, sum(sizes.values()), sum(each.evaluations for found in parts.values() for each in found))


def directional(problem: Problem, run: Run, names: Sequence[str], step: float | None, seed: int) -> Estimates:
    """Exact increments along a few random directions of each tensor: cheap, and hard to fool without the seed."""
    WORK["directional"].refuse(problem, dict.fromkeys(names, 0))
    natural = step or natural_step(run)
    estimates = {}
    evaluations = 0
    for order, name in enumerate(names):
        shape = problem.graph[name].shape
        directions = np.random.default_rng([seed, order]).standard_normal((DIRECTIONS, *shape))
        directions[0] = 1.0  # one along which entries that tie stay tied
        together = 1 if directions.size > BATCH_ELEMENTS else DIRECTIONS
        parts = [
            difference(
                direction_moves(problem, run, name, directions[first : first + together]),
                np.full(together, natural),
                adapt=step is None,
            )
            for first in range(0, DIRECTIONS, together)
        ]
        evaluations += sum(part.evaluations for part in parts)
        columns = {column: np.concatenate([part.columns[column] for part in parts]) for column in COLUMNS}
        kinks = set().union(*(part.kinks for part in parts))
        estimates[name] = Estimate(**columns, kinks=kinks, directions=directions)
    return Estimates(estimates, DIRECTIONS * len(names), evaluations)


def direction_moves(problem: Problem, run: Run, name: str, directions: Array) -> Moves:
    """All entries of one node, moved together along each direction."""
    position, shape = problem.graph.position(name), problem.graph[name].shape

    def moves(steps: Array, side: Side | None, kinks: Kinks | None) -> Array:
        seeds = (steps.reshape(*steps.shape, *(1,) * len(shape)) * directions).reshape(-1, *shape)
        moved = propagate(problem.graph, run.values, {position: seeds}, side=side, kinks=kinks)
        return moved.reshape(steps.shape)

    return moves


def forward_at(problem: Problem, name: str, value: Array) -> Run:
    """The problem with one node's value given."""
    return problem.run(Changes(values={name: value}))


def central(problem: Problem, run: Run, names: Sequence[str], step: float | None, seed: int) -> Estimates:
    """Classical central differences of the forward pass: the textbook's method, and as inexact as it."""
    return by_forward_passes(problem, run, names, step or 1e-6, complex_step=False)


def complex_step(problem: Problem, run: Run, names: Sequence[str], step: float | None, seed: int) -> Estimates:
    """Im J(x + ih)/h: exact to rounding, because nothing is subtracted."""
    return by_forward_passes(problem, run, names, step or 1e-30, complex_step=True)


def by_forward_passes(problem: Problem, run: Run, names: Sequence[str], step: float, *, complex_step: bool) -> Estimates:
    """Every coordinate by forward passes of its own."""
    sizes = {name: prod(problem.graph[name].shape) for name in names}
    coordinates = sum(sizes.values())
    passes = COMPLEX_PASSES if complex_step else CENTRAL_PASSES
    WORK["complex_step" if complex_step else "central"].refuse(problem, sizes)
    output = problem.graph.nodes[problem.graph.output].name
    estimates = {}
    for name in names:
        value = run[name]
        flat = value.ravel()
        small = steps_for(run, name, step).ravel()
        columns = {column: np.zeros(flat.size) for column in ("numeric", "spread", "low", "high")}
        kinked = np.zeros(flat.size, dtype=bool)
        kinks: set[Kink] = set()
        for entry in range(flat.size):
            h = float(small[entry]) if complex_step else step * max(1.0, abs(float(flat[entry])))
            shifts = (1j * h, 2j * h) if complex_step else tuple(each * h for each in MULTIPLES)
            runs = []
            for shift in shifts:
                moved = flat.astype(complex) if complex_step else flat.copy()
                moved[entry] += shift
                runs.append(forward_at(problem, name, moved.reshape(value.shape)))
            costs = [each[output] for each in runs]
            if complex_step:
                numeric, rough, noise = costs[0].imag / h, costs[1].imag / (2.0 * h), 0.0
            else:
                numeric, rough = (costs[0] - costs[1]) / (2.0 * h), (costs[2] - costs[3]) / (4.0 * h)
                noise = 8.0 * EPSILON * float(np.abs(run[output])) / h
            near = set().union(*(kinks_between(run, each, complex_step) for each in runs))
            kinks |= near
            kinked[entry] = bool(near)
            columns["numeric"][entry] = numeric
            columns["spread"][entry] = np.abs(numeric - rough) + noise
        if kinked.any():  # these methods see one slope or a mixture; what lies between the slopes takes increments
            at = np.flatnonzero(kinked)
            steps = steps_for(run, name, natural_step(run)).ravel()[at]
            hull = difference(coordinate_moves(problem, run, [Part(name, at)]), steps, adapt=True).columns
            for column in ("low", "high", "spread"):
                columns[column][at] = hull[column]
        if not complex_step:  # where its leading term vanishes by chance, one entry's spread says too little
            columns["spread"] = np.where(kinked, columns["spread"], columns["spread"].max(where=~kinked, initial=0.0))
        shaped = {column: values.reshape(value.shape) for column, values in columns.items()}
        estimates[name] = Estimate(**shaped, kinked=kinked.reshape(value.shape), kinks=kinks)
    return Estimates(estimates, coordinates, passes * coordinates)
