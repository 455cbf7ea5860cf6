"""What a long run reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.ops.row import Array


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of the history. Cost and accuracy are of the batches as they were learned from, each before its step."""

    epoch: int
    cost: float
    accuracy: float | None = None
    """Of all outputs, for a loss with answers; for cross-entropy of all examples."""
    validation_cost: float | None = None
    """After the epoch."""
    validation_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The gradients of a live batch, confirmed by exact increments during the run."""

    step: int
    epoch: int
    status: str
    max_error: float
    """The largest difference, relative to the largest gradient."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    epoch: int
    """Epochs that are finished."""
    epochs: int
    step: int
    steps: int
    cost: float | None
    """Of the last epoch; of this one so far during the first."""
    checkpoint: Callable[[], bytes]
    """From which the run continues at this very point."""

    @property
    def fraction(self) -> float:
        return self.step / self.steps


@dataclass(frozen=True, slots=True)
class FitResult:
    parameters: dict[str, Array]
    """After the last step; with early stopping those of the best epoch; the last good ones if the run diverged. Always
    finite, as is their cost."""
    cost: float
    """Of all training examples, with these parameters."""
    accuracy: float | None
    validation_cost: float | None
    validation_accuracy: float | None
    steps: int
    """That were made."""
    parameters_step: int
    """The step that made these parameters: the last one, or the one they were taken back to; 0 for those of the request."""
    stopped: str
    """"steps" when all are done, "converged", "diverged", "early_stopping", "gradient_check" or "interrupted"."""
    message: str
    """Why, where that needs words."""
    history: tuple[EpochRecord, ...]
    checks: tuple[GradientCheck, ...]
    best_epoch: int | None
    """With early stopping, the epoch whose cost was lowest."""
    iterations_per_epoch: int
    checkpoint: bytes | None
    """Of an interrupted run."""
