"""Steps of an optimizer that can be followed by hand."""

from __future__ import annotations

from typing import Any

from engine import read_training, train_steps
from service.replies.render import render_training
from service.work.allowance import Allowance


def train(wire: Any, allowance: Allowance) -> dict[str, Any]:
    return render_training(train_steps(read_training(wire, allowance.limits)))
