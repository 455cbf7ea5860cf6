"""How a task is graded: what is asked, for how many points, how much is told, and what counts as right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadNumbers, BadProblem, suggestion
from engine.grading.compare import Tolerance, read_tolerance
from engine.problems import Problem
from engine.quantities import computed_names, find, understand
from engine.reading.arrays import kind_of, read_number
from engine.reading.fields import join, read_choice, read_list, read_object

FEEDBACK = ("score", "hint", "full")
MOST_POINTS = 1e6
FIELDS = ("ask", "points", "follow_through", "feedback", "aliases", "tolerance")


@dataclass(frozen=True, slots=True)
class Policy:
    ask: tuple[str, ...] | None = None
    """None: what the problem asks for by itself."""
    points: Mapping[str, float] = field(default_factory=dict)
    follow_through: float = 1.0
    """The part of the points for what is right given an earlier error."""
    feedback: str = "hint"
    aliases: Mapping[str, str] = field(default_factory=dict)
    tolerance: Tolerance = field(default_factory=Tolerance)


def read_policy(value: Any, problem: Problem, path: str = "policy") -> Policy:
    """A policy in its wire form; every name in it must be a computed quantity of the problem."""
    if value is None:
        return Policy()
    given = read_object(value, path, optional=FIELDS)
    ask = None
    if "ask" in given:
        names = read_list(given["ask"], join(path, "ask"), "names of quantities")
        ask = tuple(dict.fromkeys(check_name(problem, name, f"{path}.ask[{place}]") for place, name in enumerate(names)))
    points = read_points(given.get("points", {}), problem, join(path, "points"))
    for name in points:
        if ask is not None and name not in ask:
            raise BadProblem(f"'{name}' has points, but 'ask' does not ask for it", path=join(join(path, "points"), name))
    credit = read_number(given.get("follow_through", 1.0), join(path, "follow_through"), least=0.0)
    if credit > 1.0:
        raise BadNumbers(f"expected a part of the points, from 0 to 1, not {credit:g}", path=join(path, "follow_through"))
    return Policy(
        ask=ask,
        points=points,
        follow_through=credit,
        feedback=read_choice(given.get("feedback", "hint"), join(path, "feedback"), "feedback", FEEDBACK),
        aliases=read_aliases(given.get("aliases", {}), problem, join(path, "aliases")),
        tolerance=read_tolerance(given["tolerance"], join(path, "tolerance")) if "tolerance" in given else Tolerance(),
    )


def check_name(problem: Problem, name: Any, path: str) -> str:
    """The name of something that is computed, and can so be asked for."""
    if not isinstance(name, str):
        raise BadProblem(f"expected the name of a quantity, not {kind_of(name)}", path=path)
    quantity = understand(problem, name, path)
    if quantity.kind == "value" and problem.graph[quantity.node].op is None:
        raise BadProblem(f"'{name}' is given, not computed{suggestion(name, computed_names(problem))}", path=path)
    return name


def read_points(value: Any, problem: Problem, path: str) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise BadProblem(f"expected an object of points by name, not {kind_of(value)}", path=path)
    return {
        check_name(problem, name, join(path, str(name))): read_number(
            each, join(path, str(name)), least=0.0, most=MOST_POINTS
        )
        for name, each in value.items()
    }


def read_aliases(value: Any, problem: Problem, path: str) -> dict[str, str]:
    """Other names for quantities; an alias may not hide a quantity's own name."""
    if not isinstance(value, Mapping):
        raise BadProblem(f"expected an object of names by alias, not {kind_of(value)}", path=path)
    aliases = {str(alias): check_name(problem, name, join(path, str(alias))) for alias, name in value.items()}
    for alias, name in aliases.items():
        if name != alias and find(problem, alias) is not None:
            raise BadProblem(f"'{alias}' is a quantity itself and cannot be an alias", path=join(path, alias))
    return aliases
