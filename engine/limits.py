"""How much this engine takes on at once. Every limit refuses with a sentence before the work begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults suit a course; a service may set its own."""

    expressions: int = 200
    expression_length: int = 1_000
    expression_depth: int = 40
    nodes: int = 1_000
    layers: int = 64
    elements: int = 10_000_000
    """Numbers held by all nodes of a graph together."""
    jacobian_entries: int = 1_000_000
    check_operations: float = 4e9
    """Elementary operations that one check may cost."""
    certificate_operations: float = 4e9
    """Those that a certificate may cost entry by entry; beyond, gradients are confirmed along random directions."""
    answers: int = 1_000
    """Quantities that one submission may answer."""
    played_numbers: int = 50_000_000
    """Numbers that are held while the mistakes of a problem are told apart."""
    recorded_steps: int = 10_000
    """Optimizer steps that are made and recorded at once; long runs are for more."""
    training_operations: int = 20_000_000_000
    """Elementary operations that these may cost."""
    epochs: int = 100_000
    """Of a long run, each with a line in its history."""


DEFAULT_LIMITS = Limits()
