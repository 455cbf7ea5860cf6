"""Training: steps that can be followed by hand, and long runs at the speed of the machine."""

from engine.training.fit import fit
from engine.training.request import LongTraining, Training, read_fit, read_training
from engine.training.results import EpochRecord, FitResult, GradientCheck, Progress
from engine.training.steps import TrainedSteps, TrainingStep, train_steps

__all__ = [
    "EpochRecord",
    "FitResult",
    "GradientCheck",
    "LongTraining",
    "Progress",
    "TrainedSteps",
    "Training",
    "TrainingStep",
    "fit",
    "read_fit",
    "read_training",
    "train_steps",
]
