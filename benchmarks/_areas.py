"""What `scripts/bench` measures: a file beside this one each, in the order of the table."""

from __future__ import annotations

from dataclasses import dataclass

ALONE = "one thread"
SERVED = "one thread of BLAS a process; service and load in processes of their own"


@dataclass(frozen=True)
class Area:
    title: str
    threads: str
    limit: int
    """Seconds after which it is stopped: several times what it takes on a quiet machine."""
    arguments: tuple[str, ...] = ()


AREAS = {
    "check": Area("A full check of all parameters' gradients, and its certificate", ALONE, 180),
    "check_accuracy": Area("How right checks are", "all cores; nothing is timed", 900),
    "value_and_gradient": Area("One pass of value and gradient", ALONE, 60),
    "training": Area("An epoch over 6,000 examples of 784-128-10", ALONE, 120),
    "grading": Area("Grading a full answer set", ALONE, 60),
    "worked_examples": Area("The worked examples, from the wire form to all gradients", ALONE, 60),
    "over_http": Area("Over HTTP", SERVED, 400, ("0.4",)),
    "jobs": Area("Jobs", SERVED, 240),
    "gate": Area("What keys and rates cost a request", SERVED, 90),
    "routing": Area("What requests are estimated to take", ALONE, 150),
}
