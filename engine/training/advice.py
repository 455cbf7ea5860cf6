"""What is said of a run that went wrong."""

from __future__ import annotations

from engine.optimizers import Optimizer


def divergence(optimizer: Optimizer, step: int, epoch: int) -> str:
    rate = optimizer.settings["learning_rate"] * optimizer.schedule.at(epoch)
    return (
        f"diverged at step {step} (epoch {epoch}): the cost or a gradient is no longer finite; lower the learning rate"
        f" ({rate:g} now), for example to {rate / 10:g}"
    )
