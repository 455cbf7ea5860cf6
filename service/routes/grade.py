"""POST /v1/grade and POST /v1/grade/batch: answers, marked as a good teaching assistant would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from engine import Key, Policy, read_policy, read_problem
from engine.errors import BadProblem, TooLarge
from engine.reading.arrays import kind_of
from engine.reading.fields import read_list, read_object
from service.answer import answer
from service.body import divide
from service.errors import item_problem
from service.examples import GRADE, GRADE_BATCH
from service.openapi import posted
from service.render import render_grade
from service.settings import Settings

router = APIRouter(tags=["grading"])


@dataclass(frozen=True, slots=True)
class Submission:
    """One of a batch, with no more of it read than whose it is."""

    id: str
    wire: dict[str, Any]
    path: str


def grade(wire: Any) -> dict[str, Any]:
    given, options = divide(wire, ("policy",), required=("answers",))
    problem = read_problem(given)
    policy = read_policy(options.get("policy"), problem)
    key = Key(problem)
    return render_grade(key, key.grade(options["answers"], policy), policy.feedback)


def grade_batch(wire: Any, most: int = Settings().max_submissions) -> dict[str, Any]:
    given, options = divide(wire, ("policy",), required=("submissions",))
    submissions = list(read_submissions(options["submissions"], most))
    problem = read_problem(given)
    policy = read_policy(options.get("policy"), problem)
    key = Key(problem)
    return {"results": [{"id": each.id, **grade_one(key, each, policy)} for each in submissions]}


def grade_one(key: Key, submission: Submission, policy: Policy) -> dict[str, Any]:
    """A grade, or an error: whatever is wrong with one submission, it never fails the rest."""
    path = submission.path
    try:
        given = read_object(submission.wire, path, required=("id", "answers"))
        return {"grade": render_grade(key, key.grade(given["answers"], policy, f"{path}.answers"), policy.feedback)}
    except Exception as error:
        return {"error": item_problem(error, path)}


def read_submissions(value: Any, most: int) -> Iterator[Submission]:
    """What cannot be reported on, because it is nobody's or two people's, is refused with the whole batch."""
    submissions = read_list(value, "submissions", "submissions", empty=True)
    if len(submissions) > most:
        raise TooLarge(f"{len(submissions):,} submissions; {most:,} is the most at once", path="submissions")
    first: dict[str, str] = {}
    for place, wire in enumerate(submissions):
        path = f"submissions[{place}]"
        if not isinstance(wire, dict):
            raise BadProblem(f"expected a submission: an object, not {kind_of(wire)}", path=path)
        name = wire.get("id")
        if not isinstance(name, str):
            raise BadProblem(f"expected the id of a submission: text, not {kind_of(name)}", path=f"{path}.id")
        if name in first:
            raise BadProblem(f"{first[name]} has the same id", path=f"{path}.id")
        first[name] = path
        yield Submission(name, wire, path)


@router.post("/v1/grade", summary="Grade answers", **posted("GradeRequest", "GradeResponse", GRADE, grade))
async def post_grade(request: Request) -> Response:
    """One student's answers: points, the first error, the misconception that explains it, and what follows from it.

    An answer is `correct`, `follow_through` (right given an earlier error), `wrong`, `missing`, `malformed` or
    `ungradable` (a derivative that is not finite). Digits are read as they are written: send text to keep the zeros of
    `"0.50"`. The key is confirmed by a second method first; nobody is graded by one that is not.
    """
    return await answer(request, grade)


@router.post(
    "/v1/grade/batch",
    summary="Grade many students",
    **posted("GradeBatchRequest", "GradeBatchResponse", GRADE_BATCH, grade_batch),
)
async def post_grade_batch(request: Request) -> Response:
    """Many students' answers by one key, confirmed once. The results come in the order of the submissions; what is wrong
    with one is told in its place, and never fails the rest.
    """
    return await answer(request, partial(grade_batch, most=request.app.state.settings.max_submissions))
