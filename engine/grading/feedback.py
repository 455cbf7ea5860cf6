"""What of a grade is shown at each level of feedback.

`score`: names, points, and what is missing or malformed. `hint`: verdicts, the first error, diagnoses, which entries are
right, the formula that applies. `full`: expected values and a worked line. Below `full`, no number computed from the key
appears.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.formulas import formula
from engine.grading.candidates import Explanation
from engine.grading.explain import worked_line
from engine.grading.grade import Grade, Item, Key
from engine.quantities import Quantity, find

SAID_AT_SCORE = ("missing", "malformed", "ungradable")


def shown(key: Key, grade: Grade, feedback: str) -> dict[str, Any]:
    """A grade as an object of the wire form, with no more in it than the level allows."""
    certificate: dict[str, Any] = {"method": grade.certificate.method, "status": grade.certificate.status}
    if feedback == "full":
        certificate = {**grade.certificate._asdict(), "kinks": [asdict(kink) for kink in grade.certificate.kinks]}
    first_error = {} if feedback == "score" else {"first_error": grade.first_error}
    return {
        "score": grade.score,
        "points": grade.points,
        "max_points": grade.max_points,
        **first_error,
        "items": [shown_item(key, item, feedback) for item in grade.items],
        "certificate": certificate,
        "versions": dict(grade.versions),
        "key": grade.key,
    }


def shown_item(key: Key, item: Item, feedback: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": item.name}
    says = feedback != "score" or item.verdict in SAID_AT_SCORE
    if says:
        shown["verdict"] = item.verdict
    shown |= {"points": item.points, "max_points": item.max_points}
    if says and item.message:
        shown["message"] = item.message
    if item.path:
        shown["path"] = item.path
    if feedback == "score":
        return shown
    if item.named is not None:
        place = {"at": item.at.name} if item.at else {}
        shown["diagnosis"] = {**named(item.named), "family": item.named.mistake.family, **place}
    if item.alternatives:
        shown["alternatives"] = [named(each) for each in item.alternatives]
    if item.cells is not None:
        shown["cells"] = item.cells.tolist()
    quantity = quantity_of(key, item)
    if quantity is None:
        return shown
    if item.verdict != "correct" or feedback == "full":
        applies = formula(key.problem, item.at or quantity)
        if applies is not None:
            shown["formula"] = asdict(applies)
    if feedback == "full" and item.verdict != "ungradable":
        expected = key.truth(quantity)
        shown["expected"] = expected.tolist()
        shown["worked"] = worked_line(key.problem, quantity, key.run, expected)
    return shown


def named(explanation: Explanation) -> dict[str, str]:
    mistake = explanation.mistake
    return {"code": mistake.code, "message": mistake.message}


def quantity_of(key: Key, item: Item) -> Quantity | None:
    """None for an item that names nothing that is computed."""
    quantity = find(key.problem, item.name)
    if quantity is None:
        return None
    given = quantity.kind == "value" and key.problem.graph[quantity.node].op is None
    return None if given else quantity
