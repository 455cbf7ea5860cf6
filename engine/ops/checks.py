"""Attributes outside their range, refused in a sentence. Expressions give any literal, so its kind is checked too."""

from __future__ import annotations

from engine.errors import EngineError, shorten


def number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EngineError(f"{name} must be a number, not {shorten(value, 25)}")
    return value


def positive(*_: object, axis: object = None, **attributes: object) -> None:
    """All attributes but an axis, which has its own check."""
    for name, value in attributes.items():
        if not number(name, value) > 0:
            raise EngineError(f"{name} must be greater than 0, not {value}")


def gentle_slope(*_: object, slope: object) -> None:
    if not 0 <= number("slope", slope) < 1:
        raise EngineError(f"slope must be at least 0 and less than 1, not {slope}")


def ordered_bounds(*_: object, low: object, high: object) -> None:
    if not number("low", low) < number("high", high):
        raise EngineError(f"clip needs low < high, not low={low} and high={high}")
