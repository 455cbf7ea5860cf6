"""Verigrad's engine: gradients of graphs and networks, exact, and confirmed by a second method.

problem = read_problem({...})     a problem in its wire form
solve(problem)                    every node's value and gradient, with the certificate of the key
check(problem, {"dW1": ...})      claimed gradients against a numerical method
"""

from engine.check import Certificate, CheckReport, certify, check
from engine.errors import EngineError
from engine.grading import Grade, Key, Policy, distinguish, grade, read_policy, shown
from engine.limits import Limits
from engine.memory import keep_memory
from engine.problems import Problem, read_problem
from engine.quantities import compute, pin
from engine.solution import Solution, solve
from engine.training import fit, read_fit, read_training, train_steps

keep_memory()

__all__ = [
    "Certificate",
    "CheckReport",
    "EngineError",
    "Grade",
    "Key",
    "Limits",
    "Policy",
    "Problem",
    "Solution",
    "certify",
    "check",
    "compute",
    "distinguish",
    "fit",
    "grade",
    "pin",
    "read_fit",
    "read_policy",
    "read_problem",
    "read_training",
    "shown",
    "solve",
    "train_steps",
]
