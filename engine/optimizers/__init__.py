"""Optimizers: a table of recurrences, one row each, and one row with its settings."""

from engine.optimizers.optimizer import Optimizer, read_optimizer
from engine.optimizers.schedules import Schedule
from engine.optimizers.table import OPTIMIZERS, OptimizerRow
from engine.optimizers.updates import State

__all__ = ["OPTIMIZERS", "Optimizer", "OptimizerRow", "Schedule", "State", "read_optimizer"]
