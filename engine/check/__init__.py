"""Gradients confirmed by a second method that shares no code with the first."""

from engine.check.certificate import Certificate, Confirm, certify
from engine.check.checking import METHODS, check
from engine.check.increments import Kink
from engine.check.verdicts import CheckReport, Verdict, Worst

__all__ = ["METHODS", "Certificate", "CheckReport", "Confirm", "Kink", "Verdict", "Worst", "certify", "check"]
