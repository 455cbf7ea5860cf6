"""Gradients confirmed by a second method, which moves numbers and never asks an op for its derivative.

`certificate` (of the engine's own gradients) and `checking` (of anyone's) are the entries. Numbers come from exact
increments, by the way that costs least (`ways`): the short way of dense networks (`short_way`), layer by layer (`factored`:
`suffix`, `guard`), or entry by entry (`methods`, `coordinates`; `few` for small problems). What is plain is compared at once
(`plain`).
`differences` makes derivatives of increments, and `verdicts` compares them with what is claimed, by `scales` and `noise`.
"""

from engine.check.certificate import Confirm, certify
from engine.check.checking import METHODS, check
from engine.check.increments import Kink
from engine.check.verdicts import Certificate, CheckReport, Verdict, Worst

__all__ = ["METHODS", "Certificate", "CheckReport", "Confirm", "Kink", "Verdict", "Worst", "certify", "check"]
