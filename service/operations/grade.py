"""Answers, marked as a good teaching assistant would: one student's, or those of many by one key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine import Key, Policy, read_policy, read_problem
from engine.errors import BadProblem, TooLarge
from engine.problems import Problem
from engine.reading.arrays import kind_of
from engine.reading.fields import read_list, read_object
from service.operations.allowance import Allowance
from service.operations.certificates import CERTIFICATES
from service.operations.held import refuse_held
from service.replies.problem_documents import Forbidden, item_problem
from service.replies.render import render_grade
from service.requests.body import divide
from service.telemetry.facts import note

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Submission:
    """One of a batch, with no more of it read than whose it is."""

    id: str
    wire: dict[str, Any]
    path: str


def grade(wire: Any, allowance: Allowance) -> dict[str, Any]:
    given, options = divide(wire, ("policy",), required=("answers",))
    problem = read_problem(given, allowance.limits)
    policy = allowed(read_policy(options.get("policy"), problem), allowance)
    refuse_held(problem, policy, [options["answers"]], allowance)
    key = Key(problem, CERTIFICATES.certify)
    return marked(key, options["answers"], policy, "answers")


def grade_batch(wire: Any, allowance: Allowance, tell: Tell | None = None) -> dict[str, Any]:
    """`tell` hears after each submission how many are graded, and of how many."""
    problem, policy, submissions = read_batch(wire, allowance)
    key = Key(problem, CERTIFICATES.certify)
    results = []
    for each in submissions:
        results.append({"id": each.id, **grade_one(key, each, policy)})
        if tell is not None:
            tell(len(results), len(submissions))
    return {"results": results}


def read_batch(wire: Any, allowance: Allowance) -> tuple[Problem, Policy, list[Submission]]:
    """What is refused with the whole batch is refused here."""
    given, options = divide(wire, ("policy",), required=("submissions",))
    submissions = list(read_submissions(options["submissions"], allowance.submissions))
    problem = read_problem(given, allowance.limits)
    policy = allowed(read_policy(options.get("policy"), problem), allowance)
    refuse_held(problem, policy, (each.wire.get("answers") for each in submissions), allowance)
    return problem, policy, submissions


def grade_one(key: Key, submission: Submission, policy: Policy) -> dict[str, Any]:
    """A grade, or an error: whatever is wrong with one submission, it never fails the rest."""
    path = submission.path
    try:
        given = read_object(submission.wire, path, required=("id", "answers"))
        return {"grade": marked(key, given["answers"], policy, f"{path}.answers")}
    except Exception as error:
        return {"error": item_problem(error, path)}


def marked(key: Key, answers: Any, policy: Policy, path: str) -> dict[str, Any]:
    grade = key.grade(answers, policy, path)
    note("verdicts", (item.verdict for item in grade.items))
    return render_grade(key, grade, policy.feedback)


def allowed(policy: Policy, allowance: Allowance) -> Policy:
    """A grader's key never reveals an answer."""
    if policy.feedback == "full" and not allowance.answers_shown:
        raise Forbidden("feedback 'full' shows the answers, which this key may not see: ask for 'hint' or 'score'")
    return policy


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
        if name is None:
            raise BadProblem(f"{path} needs the field 'id'", path=f"{path}.id")
        if not isinstance(name, str):
            raise BadProblem(f"expected the id of a submission: text, not {kind_of(name)}", path=f"{path}.id")
        if name in first:
            raise BadProblem(f"{first[name]} has the same id", path=f"{path}.id")
        first[name] = path
        yield Submission(name, wire, path)
