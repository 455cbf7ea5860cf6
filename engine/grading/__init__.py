"""Graded comparison: verdicts, the first error, follow-through, misconceptions."""

from engine.grading.distinguish import Distinction, distinguish
from engine.grading.feedback import shown
from engine.grading.grade import Grade, Item, Key, grade
from engine.grading.policy import Policy, read_policy

__all__ = ["Distinction", "Grade", "Item", "Key", "Policy", "distinguish", "grade", "read_policy", "shown"]
