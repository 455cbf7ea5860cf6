"""Steps of an optimizer that can be followed by hand."""

from __future__ import annotations

from typing import Any

from engine import read_training, train_steps
from service.operations.allowance import Allowance
from service.replies.render import render_training


def train(wire: Any, allowance: Allowance) -> dict[str, Any]:
    return render_training(train_steps(read_training(wire, allowance.limits)))
