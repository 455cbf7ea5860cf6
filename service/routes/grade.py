"""POST /v1/grade and POST /v1/grade/batch: answers, marked as a good teaching assistant would."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.contract.examples import GRADE, GRADE_BATCH
from service.contract.openapi import posted
from service.work.answer import answer

router = APIRouter(tags=["grading"])


@router.post("/v1/grade", summary="Grade answers", **posted("GradeRequest", "GradeResponse", GRADE, "grade"))
async def post_grade(request: Request) -> Response:
    """One student's answers: points, the first error, the misconception that explains it, and what follows from it.

    An answer is `correct`, `follow_through` (right given an earlier error), `wrong`, `missing`, `malformed` or
    `ungradable` (a derivative that is not finite). Digits are read as they are written: send text to keep the zeros of
    `"0.50"`. The key is confirmed by a second method first; nobody is graded by one that is not.
    """
    return await answer(request, "grade")


@router.post(
    "/v1/grade/batch",
    summary="Grade many students",
    **posted("GradeBatchRequest", "GradeBatchResponse", GRADE_BATCH, "grade_batch"),
)
async def post_grade_batch(request: Request) -> Response:
    """Many students' answers by one key, confirmed once. The results come in the order of the submissions; what is wrong
    with one's answers is told in its place, and never fails the rest. Ids are texts, each given once.
    """
    return await answer(request, "grade_batch")
