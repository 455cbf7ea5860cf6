"""How long a request will take, from its spec alone, before anything is computed or drawn.

Sums of counts times measured coefficients, in seconds of the machine where they were measured; `service.work.pace` tells how
much longer this one takes. What they are good for is the right order of magnitude: where to compute, and what to refuse.
`benchmarks/routing.py` holds them against the time that requests take.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from engine.check.ways import GENERAL_COORDINATES
from engine.errors import TooLarge
from engine.grading.distinguish import READABLE
from engine.limits import DEFAULT_LIMITS
from service.operations.allowance import OPERATION, Allowance
from service.replies.problem_documents import TooMuchWork
from service.work import grading
from service.work.grading import NS, US, jacobian
from service.work.size import NOTHING, Size, shape_of, size_of

PRODUCT = 0.1 * NS
"""One inside a product of matrices, with what is done to its result."""
HOURS = "hours"
MANY = 10**12
"""Steps, or units: a number that is counted with is no longer than that, whatever was sent."""
AS_JOBS = {"train": "train", "check": "check", "grade_batch": "grade_batch"}
"""Operations that a job can do, by what a job calls them."""
JACOBIAN_ENTRIES = DEFAULT_LIMITS.jacobian_entries


def seconds(operation: str, wire: Any) -> float:
    return seconds_of(operation, wire, size_of(wire))


def seconds_of(operation: str, wire: Any, size: Size) -> float:
    if operation == "job":
        return sum(solving(size_of(body)) for body in wire.values()) if type(wire) is dict else 0.0  # it is only read
    if size is NOTHING:
        return numbers_of(wire.get("values")) * 30 * NS if type(wire) is dict else 0.0
    return solving(size) + ESTIMATES[operation](size, wire)


def refuse_more(operation: str, wire: Any, allowance: Allowance) -> float:
    """The seconds that this is expected to take here; or a refusal, if that is more than allowed."""
    size = size_of(wire, thorough=True)
    expected = seconds_of(operation, wire, size) * allowance.pace
    if expected > allowance.seconds:
        job = AS_JOBS.get(operation)
        if operation == "check" and expected > allowance.job_seconds:  # training goes faster there; a check does not
            job = None
        advice = f'post it to /v1/jobs as {{"{job}": …}}, or ask for less' if job else "ask for less at once"
        if operation == "check" and (cheaper := cheaper_check(size, wire, allowance)):
            advice = f'take "method": "{cheaper}", {advice}'
        most, long = time_text(allowance.seconds), time_text(expected)
        about = "" if long == HOURS else "about "
        raise TooMuchWork(f"this would take {about}{long}; one request may take {most}: {advice}", path="")
    numbers = answered(operation, wire, size)
    if numbers > allowance.numbers:
        raise TooLarge(
            f"the answer could hold {numbers:,} numbers; {allowance.numbers:,} is the most: {less(operation, wire)}", path=""
        )
    return expected


def cheaper_check(size: Size, wire: dict[str, Any], allowance: Allowance) -> str:
    """The method that goes through every entry in the time that there is, or else the one along random directions."""
    method = wire.get("method")
    if method in ("central", "complex_step"):
        expected = solving(size) + check(size, {**wire, "method": "increment"})
        return "increment" if expected * allowance.pace <= allowance.seconds else "directional"
    return "" if method == "directional" else "directional"


def time_text(duration: float) -> str:
    return f"{duration:.2g} s" if duration < 90 else f"{duration / 60:.0f} minutes" if duration < 5400 else HOURS


def solving(size: Size) -> float:
    """Reading, one pass forward and back, and writing."""
    return 50 * US + 3 * US * size.nodes + 70 * NS * size.elements + 2 * OPERATION * size.work


def certifying(size: Size) -> float:
    if size.short:
        return 20 * US + 8 * US * size.nodes + 15 * NS * size.elements + PRODUCT * size.work
    if size.moves > DEFAULT_LIMITS.certificate_operations:
        return along_directions(size)
    if size.coordinates <= GENERAL_COORDINATES:
        return 250 * US + 3.5 * US * size.visits + 1.3 * US * size.coordinates + OPERATION * size.moves
    return 600 * US + 14 * US * size.visits + 15 * NS * size.elements + OPERATION * size.moves


def along_directions(size: Size) -> float:
    return 100 * US + 7 * US * size.visits + 2 * size.nodes * size.work * OPERATION


def gradients(size: Size, wire: dict[str, Any]) -> float:
    asked = listed(wire.get("jacobians"))
    include = listed(wire.get("include"))
    more = len(asked) * (100 * US + jacobian(size))
    if "local" in include:
        more += size.nodes * 50 * US + size.elements * 15 * US
    if "formulas" in include:
        more += size.nodes * 100 * US + size.nodes**2 * 3 * US
    return certifying(size) + more


def check(size: Size, wire: dict[str, Any]) -> float:
    method = wire.get("method")
    claims = wire.get("gradients")
    claimed = numbers_of(claims)
    looking = 60 * NS * claimed + (80 * US * len(claims) if type(claims) is dict else 0.0)  # at those that are wrong
    if method == "directional":
        return along_directions(size) + looking
    if method in ("central", "complex_step"):
        passes = (4 if method == "central" else 2) * (claimed or size.parameters)
        return passes * (4 * US * size.nodes + 2 * OPERATION * size.work)
    if not size.short and size.moves > DEFAULT_LIMITS.certificate_operations:  # a check goes through it all
        return OPERATION * size.moves + looking
    return certifying(size) + looking


def grade(size: Size, wire: dict[str, Any]) -> float:
    return certifying(size) + grading.grade(size, wire)


def grade_batch(size: Size, wire: dict[str, Any]) -> float:
    return certifying(size) + grading.grade_batch(size, wire)


def mistakes(size: Size, wire: dict[str, Any]) -> float:
    played = 400 * US * size.nodes + 10 * US * size.nodes**2 + 4 * US * min(size.elements, READABLE)
    return certifying(size) + played + 500 * NS * size.elements


def train(size: Size, wire: dict[str, Any]) -> float:
    steps, part = steps_of(size, wire)
    recorded = copies_of(wire) * size.parameters
    return steps * (10 * US * size.nodes + 2 * OPERATION * size.work * part + 50 * NS * recorded)


def steps_of(size: Size, wire: dict[str, Any]) -> tuple[int, float]:
    """How many steps, and the part of the examples that each uses."""
    batch = wire.get("batch_size")
    part = batch / size.examples if type(batch) is int and 0 < batch < size.examples else 1.0
    steps, epochs = wire.get("steps"), wire.get("epochs")
    if type(steps) is not int:
        steps = min(epochs, MANY) * -int(-1 // part) if type(epochs) is int else 0
    return min(max(0, steps), MANY), part


def copies_of(wire: dict[str, Any]) -> int:
    """How often every step repeats the parameters: as gradients, as they are, and as what the optimizer remembers."""
    record = wire.get("record")
    parts = record if type(record) is list else ("gradients", "parameters", "state")
    return ("gradients" in parts) + ("parameters" in parts) + 2 * ("state" in parts)


ESTIMATES: dict[str, Callable[[Size, dict[str, Any]], float]] = {
    "gradients": gradients,
    "check": check,
    "grade": grade,
    "grade_batch": grade_batch,
    "mistakes": mistakes,
    "train": train,
}
LESS = {
    "gradients": "take fewer units, examples or Jacobians; /v1/check repeats no numbers",
    "train": "record less, or make fewer steps",
}


def less(operation: str, wire: Any) -> str:
    """What to do where an answer would be too long."""
    if operation == "gradients" and "local" in listed(wire.get("include")):
        return f"leave out 'local', which has a Jacobian for every input of every node, or {LESS[operation]}"
    return LESS[operation]


def answered(operation: str, wire: Any, size: Size) -> int:
    """Numbers of the answer, at most; where it repeats no more than was sent, none."""
    if operation not in LESS or size is NOTHING:
        return 0
    if operation == "train":
        steps, part = steps_of(size, wire)
        return steps * (copies_of(wire) * size.parameters + int(part * size.examples)) + size.parameters
    jacobians = len(listed(wire.get("jacobians")))
    if "local" in listed(wire.get("include")):
        jacobians += 2 * size.nodes
    return 2 * size.elements + size.parameters + jacobians * min(size.widest**2, JACOBIAN_ENTRIES)


def listed(value: Any) -> list[Any]:
    return value if type(value) is list else []


def numbers_of(arrays: Any) -> int:
    """In an object of arrays."""
    return sum(prod(shape_of(value)) for value in arrays.values()) if type(arrays) is dict else 0
