"""From the wire form of a problem to its graph. A problem is a network, a graph of expressions, or a loss alone."""

from engine.problems.problem import Problem, read_problem

__all__ = ["Problem", "read_problem"]
