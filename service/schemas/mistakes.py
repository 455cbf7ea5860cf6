"""POST /v1/mistakes."""

from __future__ import annotations

from engine.grading.mistakes import MISTAKES
from service.schemas.base import Wire

ROW = next(iter(MISTAKES.values()))
MISTAKE = {"code": ROW.code, "family": ROW.family, "message": ROW.message}
POSSIBLE = {**MISTAKE, "at": ["dZ1", "dW1"], "tells_apart": True, "same_as": []}


class PossibleMistake(Wire, json_schema_extra={"examples": [POSSIBLE]}):
    """A mistake that can be made on this problem, and whether the numbers tell it."""

    code: str
    """Stable, for programs."""
    family: str
    """Mistakes of one family explain the same numbers in more or less special words."""
    message: str
    """For the student."""
    at: list[str]
    """The quantities where it can be made."""
    tells_apart: bool
    """Whether nothing else leads to the same answers everywhere."""
    same_as: list[str]
    """`truth` if it changes no answer, and the codes of the mistakes that lead to the same answers."""


class MistakesResponse(Wire):
    """For a task's author: choose numbers on which the mistakes that matter are told apart."""

    mistakes: list[PossibleMistake]
    """Each with what it can be told from."""
