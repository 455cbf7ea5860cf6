"""POST /v1/grade and POST /v1/grade/batch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel
from typing_extensions import TypeAliasType

from engine.grading.compare import MODES, Mode
from engine.grading.grade import Verdict
from engine.grading.mistakes import MISTAKES
from engine.grading.policy import FEEDBACK, MOST_POINTS
from engine.version import ENGINE_VERSION, POLICY_VERSION
from service.schemas.base import Absent, Part, Reason, Results, Wire, either, one_of, row_model
from service.schemas.gradients import CERTIFICATE, Formula, Kink
from service.schemas.mistakes import MISTAKE
from service.schemas.operation import ProblemDocument
from service.schemas.tolerances import FORMULAS

ANSWERS = {"dZ2": [["0.090"]], "dW2": [["0.087"], ["0.034"]]}
EXPLANATION = {name: MISTAKE[name] for name in ("code", "message")}
ITEM = {
    "name": "dc",
    "verdict": "wrong",
    "points": 0.0,
    "max_points": 1.0,
    "message": EXPLANATION["message"],
    "diagnosis": MISTAKE,
    "cells": False,
    "formula": {"text": "dc = du * b", "latex": r"dc = du \odot b"},
}
SHOWN = {**ITEM, "expected": 9.0, "worked": "dc = 3.0 * 3.0 = 9.0"}
MALFORMED = {
    "name": "dW1",
    "verdict": "malformed",
    "points": 0.0,
    "max_points": 1.0,
    "message": 'expected a number, not the text "six"',
    "path": "answers.dW1[0][1]",
}
UNDECIDED = {
    "name": "dZ1",
    "verdict": "wrong",
    "points": 0.0,
    "max_points": 1.0,
    "alternatives": [{"code": row.code, "message": row.message} for row in list(MISTAKES.values())[:2]],
}
GRADE: dict[str, Any] = {
    "score": 0.666667,
    "points": 2.0,
    "max_points": 3.0,
    "first_error": "dc",
    "items": [ITEM],
    "certificate": {"method": "increment", "status": "agrees"},
    "versions": {"engine": ENGINE_VERSION, "policy": POLICY_VERSION},
    "key": "sha256:8f2c…",
}
PROBLEM: dict[str, Any] = {
    "type": "/problems/bad-problem",
    "title": "The request is not one that can be understood",
    "status": 422,
    "detail": "expected an object of answers by name, not a list (at submissions[1].answers)",
    "errors": [
        {"path": "submissions[1].answers", "message": "expected an object of answers by name, not a list"},
    ],
}

AS_WRITTEN = (
    "A number, text that is a number (its zeros count: 0.50 has two decimals), null for one that is not answered, or"
)
Written = TypeAliasType(
    "Written",
    Annotated[
        "float | str | list[Written] | None",
        Field(description=f"{AS_WRITTEN} a list of these", examples=[[["0.0006", 0.0105], ["1e-3", None]]]),
    ],
)
Cells = TypeAliasType(
    "Cells",
    Annotated[
        "bool | list[Cells]",
        Field(description="Which entries are right, shaped like the quantity", examples=[[[True, False]]]),
    ],
)
Answers = Annotated[dict[str, Written], Field(description="By quantity, such as dW1 or Z1, or by an alias of the policy")]


SETTINGS = {
    "min_significant": "Digits that the largest entry must be written with; a JSON number is padded with zeros to these.",
    "floor": "For computed answers, of 7 digits or more: what counts as right anyway, as a part of max|T|.",
    "relative": "As a part of |t|.",
    "absolute": "Beside it, for what should be 0.",
    "digits": "That must be right.",
}


def described(name: str, mode: Mode) -> Any:
    limits: dict[str, Any] = {setting: {"ge": 0.0} for setting in mode.defaults}
    limits |= {setting: {"ge": 0 if name == "decimals" else 1, "le": 17} for setting in mode.whole}
    title = name.title().replace("_", "")
    return row_model(
        f"{title}Tolerance",
        f"With s the submitted entry, t the true one, T the whole of the true ones: {FORMULAS[name]}.",
        {"mode": name, **mode.defaults},
        mode=(Annotated[Literal[name], Field(description="Which mode.")], ...),
        **{
            setting: (
                Annotated[int if setting in mode.whole else float, Field(description=SETTINGS[setting], **limits[setting])],
                default,
            )
            for setting, default in mode.defaults.items()
        },
    )


TOLERANCES = {name: described(name, mode) for name, mode in MODES.items()}
AnyTolerance: Any = either(TOLERANCES.values())


class Tolerance(RootModel[AnyTolerance]):
    """What counts as right, entry by entry."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "relative", "relative": 1e-4}]})

    root: Annotated[AnyTolerance, Field(discriminator="mode")]


class Policy(
    Part,
    json_schema_extra={
        "examples": [
            {"ask": ["dZ2", "dW2"], "points": {"dW2": 2}, "follow_through": 0.5, "aliases": {"grad_w2": "dW2"}},
            {"feedback": "score", "tolerance": {"mode": "significant", "digits": 3}},
        ]
    },
):
    """How a task is graded."""

    ask: Annotated[list[str], Field(min_length=1)] | Absent = None
    """The quantities that are graded. If left out, the parameters' gradients (of a graph those of its values, of a loss
    dA), and all that was answered."""
    points: dict[str, Annotated[float, Field(ge=0, le=MOST_POINTS)]] | Absent = None
    """By quantity; 1 each if left out."""
    follow_through: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The part of the points for an answer that is right given an earlier error."""
    feedback: Annotated[str, one_of(FEEDBACK)] = "hint"
    """`score`: points, and what is missing or malformed. `hint`: verdicts, the first error, the misconception, which
    entries are right, the formula that applies. `full`: the expected values and a worked line. Below `full`, no number
    that was computed from the key is shown."""
    aliases: dict[str, str] | Absent = None
    """Other names for quantities, as an answer sheet has them."""
    tolerance: Tolerance | Absent = None
    """If left out, digits are read as they are written."""


class GradeOptions(Wire, json_schema_extra={"examples": [{"answers": ANSWERS, "policy": {"feedback": "hint"}}]}):
    """What was answered, and how it is graded."""

    answers: Answers
    policy: Policy | Absent = None
    """If left out, every default."""


class Submission(Part, json_schema_extra={"examples": [{"id": "s1", "answers": ANSWERS}]}):
    """What one student answered."""

    id: str
    """Yours; no two submissions of a batch have the same."""
    answers: Answers


class GradeBatchOptions(
    Wire,
    json_schema_extra={"examples": [{"submissions": [{"id": "s1", "answers": ANSWERS}], "policy": {"feedback": "score"}}]},
):
    """What many answered, and how it is graded."""

    submissions: list[Submission]
    """In the order in which the results come back."""
    policy: Policy | Absent = None
    """One for all of them."""


class Explanation(Wire, json_schema_extra={"examples": [EXPLANATION]}):
    """A misconception that explains the numbers."""

    code: str
    """Of the table of mistakes: see the catalog."""
    message: str
    """For the student."""


class NamedMistake(Explanation, json_schema_extra={"examples": [MISTAKE, {**MISTAKE, "at": "dZ2"}]}):
    """The misconception that explains the numbers better than any other."""

    family: str
    """Mistakes of one family explain the same numbers in more or less special words."""
    at: str | Absent = None
    """The quantity in which it was made, if that is one before this, and it can be told."""


class Item(Wire, json_schema_extra={"examples": [ITEM, SHOWN, MALFORMED, UNDECIDED]}):
    """One quantity that was asked for or answered. What of it is shown is for the policy's `feedback` to say."""

    name: str
    """The quantity."""
    verdict: Verdict | Absent = None
    """With feedback `score` only given for what is missing, malformed or ungradable."""
    points: float
    """That it is given."""
    max_points: float
    """That it could be given."""
    message: str | Absent = None
    """For the student."""
    path: str | Absent = None
    """In the body of the request, where the answer is malformed."""
    diagnosis: NamedMistake | Absent = None
    """The mistake that explains the answer."""
    alternatives: list[Explanation] | Absent = None
    """Where more than one misconception explains the numbers."""
    cells: Cells | Absent = None
    """Which entries are right."""
    formula: Formula | Absent = None
    """That applies here, or to the quantity that the diagnosis finds the mistake in."""
    expected: Results | Absent = None
    """With feedback `full`: what is right."""
    worked: str | Absent = None
    """The formula with its numbers put in."""
    reason: Reason | Absent = None
    """Why some of what is expected is null."""


class KeyCertificate(Wire, json_schema_extra={"examples": [GRADE["certificate"], CERTIFICATE]}):
    """How the key was confirmed by a second method. Below feedback `full` only the method and its status are shown."""

    method: str
    """Of the confirmation."""
    status: Literal["agrees", "kink"]
    """`kink`: some derivatives do not exist; there any subgradient earns the points, not only the one expected."""
    max_error: float | Absent = None
    """Relative to the largest entry of a gradient, or of those that it is computed from."""
    coordinates: int | Absent = None
    """How many entries were compared."""
    kinks: list[Kink] | Absent = None
    """Points without a derivative."""
    reason: Reason | Absent = None
    """What cannot be confirmed because it is infinite; it is not graded."""


class Versions(Wire, json_schema_extra={"examples": [GRADE["versions"]]}):
    """A change of either may change a grade."""

    engine: str
    """Of what computes."""
    policy: str
    """Of the rules of grading."""


class GradeResponse(Wire):
    """The same for the same request."""

    score: float
    """The part of all points, from 0 to 1."""
    points: float
    """Of all items together."""
    max_points: float
    """Of all items together."""
    first_error: str | None = None
    """The earliest quantity, in the order of computation, that is neither right nor right given an earlier error; null if
    there is none. Left out with feedback `score`."""
    items: list[Item]
    """In the order of computation; answers that name nothing come last."""
    certificate: KeyCertificate
    """How the key was confirmed."""
    versions: Versions
    """What this grade was made by."""
    key: str
    """Of the problem: the same for the same problem, however it is written."""


class Graded(Wire, json_schema_extra={"examples": [{"id": "s1", "grade": GRADE}]}):
    """A submission that was graded."""

    id: str
    """Of the submission."""
    grade: GradeResponse
    """As `POST /v1/grade` gives it."""


class NotGraded(Wire, json_schema_extra={"examples": [{"id": "s2", "error": PROBLEM}]}):
    """A submission that could not be graded; the others are."""

    id: str
    """Of the submission."""
    error: ProblemDocument
    """What is wrong with it."""


class GradeBatchResponse(Wire):
    """One result a submission, in their order."""

    results: list[Graded | NotGraded]
    """A grade or an error each."""
