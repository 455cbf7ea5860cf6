"""How long grading will take: what is asked as well as what is answered, once for the key and again for every submission."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from engine.grading.budget import MOST
from service.operations.allowance import OPERATION
from service.work.size import Size, shape_of

US, NS = 1e-6, 1e-9
PART = 0.3
"""The part of what a submission may take that is expected of those of a batch: few get everything wrong."""
RENDERED = {"score": 5 * US, "full": 120 * US}
HINT = 50 * US
"""To render an item with its formula."""
READINGS = 30
"""Of the answers before it, in which an answer that is wrong is computed, at most."""
WORLDS = 10
"""Readings in which the mistake behind an answer is looked for, at up to all quantities."""


def grade(size: Size, wire: dict[str, Any]) -> float:
    return key(size, wire, [wire.get("answers")]) + marking(size, wire, wire.get("answers"), 1.0)


def grade_batch(size: Size, wire: dict[str, Any]) -> float:
    sheets = submitted(wire)
    return key(size, wire, sheets) + sum(marking(size, wire, each, PART) for each in sheets)


def submitted(wire: dict[str, Any]) -> list[Any]:
    """The answers of each submission."""
    submissions = wire.get("submissions")
    return [each.get("answers") for each in submissions if type(each) is dict] if type(submissions) is list else []


def key(size: Size, wire: dict[str, Any], sheets: Iterable[Any]) -> float:
    """The policy, and every Jacobian that is asked for or answered, once."""
    policy = policy_of(wire)
    names = [*asked(policy), *texts(policy.get("aliases"))]
    names += [name for sheet in sheets if type(sheet) is dict for name in sheet]
    slashed = len({name for name in names if type(name) is str and "/" in name})
    understood = sum(len(policy[field]) for field in ("ask", "aliases", "points") if type(policy.get(field)) in (list, dict))
    return understood * naming(size) + slashed * (100 * US + jacobian(size))


def marking(size: Size, wire: dict[str, Any], answers: Any, part: float) -> float:
    """Of one submission. An upper bound where `part` is 1: as if all were wrong."""
    policy = policy_of(wire)
    names = list(answers) if type(answers) is dict else []
    items = len(names) + (len(asked(policy)) or size.nodes // 2)
    feedback = policy.get("feedback")
    shown = RENDERED.get(feedback, HINT) if type(feedback) is str else HINT
    listed = 20 * US + items * (5 * US + shown + naming(size))
    numbers = sum(prod(shape_of(value)) for value in answers.values()) if names else 0
    read = 25 * US * len(names) + 100 * NS * numbers
    played = min(MOST, len(names) * min(len(names) + 1, WORLDS) * size.nodes)
    aliases = policy.get("aliases")
    meant = [aliases.get(name) if type(aliases) is dict else name for name in names]
    slashed = sum(type(each) is str and "/" in each for each in (*meant, *names))
    wrong = len(names) * (200 * US + 25 * US * size.nodes + 30 * NS * size.elements)
    wrong += played * (80 * US + 4 * NS * size.elements) + slashed * READINGS * jacobian(size)
    return listed + read + part * wrong


def naming(size: Size) -> float:
    """To understand a name, and in which order it is computed."""
    return 5 * US + 0.3 * US * size.nodes


def jacobian(size: Size) -> float:
    """A walk backward for every entry of a node; the engine refuses the longest."""
    return size.widest * (5 * US * size.nodes + min(OPERATION * size.work, 2.0 / max(1, size.widest)))


def policy_of(wire: dict[str, Any]) -> dict[str, Any]:
    policy = wire.get("policy")
    return policy if type(policy) is dict else {}


def asked(policy: dict[str, Any]) -> list[Any]:
    ask = policy.get("ask")
    return ask if type(ask) is list else []


def texts(aliases: Any) -> list[Any]:
    return list(aliases.values()) if type(aliases) is dict else []
