"""What can be asked for: from a parsed request to what is answered, without HTTP. One row each.

The service, the command line, the processes beside the service and the jobs all go through this table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.operations.allowance import Allowance
from service.operations.check import check
from service.operations.grade import grade, grade_batch
from service.operations.gradients import gradients
from service.operations.mistakes import mistakes
from service.operations.train import train

Operation = Callable[[Any, Allowance], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "gradients": gradients,
    "check": check,
    "grade": grade,
    "grade_batch": grade_batch,
    "mistakes": mistakes,
    "train": train,
}
