"""Certificates that were given before: a class sends one problem a hundred times, and it is confirmed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple
from weakref import ref

from engine import Certificate, certify
from engine.errors import KeyRefuted
from engine.graph.graph import UNCHANGED, Graph
from engine.graph.run import Run
from engine.limits import Limits
from engine.ops.row import Array
from engine.problems import Problem
from service.telemetry.facts import note

MOST_KEPT = 1_000
MOST_NUMBERS = 50_000
"""Of larger problems the digest takes a good part of the time that it is to save."""


class Digest(NamedTuple):
    """All that a certificate depends on: which graph, by what limits, all numbers given, and all gradients confirmed."""

    graph: int
    limits: Limits
    confirmed: tuple[str, ...]
    numbers: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    graph: ref[Graph]
    """Graphs never change and are shared by problems of one structure, so that their identity tells them apart: while
    they live."""
    certificate: Certificate


class Certificates:
    """The last ones, by the digest of what they confirm. KeyRefuted is never kept: every time is an alarm."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.most = most
        self.kept: OrderedDict[Digest, Kept] = OrderedDict()
        self.lock = Lock()
        self.hits = 0

    def certify(
        self, problem: Problem, run: Run | None = None, *, gradients: Mapping[str, Array] | None = None
    ) -> Certificate:
        """As the engine's, and noted."""
        try:
            found = self.confirm(problem, run, gradients)
        except KeyRefuted:
            note("certificates", ["disagrees"])
            raise
        note("certificates", [found.status])
        return found

    def confirm(self, problem: Problem, run: Run | None, gradients: Mapping[str, Array] | None) -> Certificate:
        run = run or problem.run()
        gradients = run.gradients if gradients is None else gradients
        digest = digest_of(problem, run, gradients)
        if digest is None:
            return certify(problem, run, gradients=gradients)
        found = self.find(digest, problem.graph)
        if found is None:
            found = certify(problem, run, gradients=gradients)
            self.keep(digest, Kept(ref(problem.graph), found))
        return found

    def find(self, digest: Digest, graph: Graph) -> Certificate | None:
        with self.lock:
            kept = self.kept.get(digest)
            if kept is None or kept.graph() is not graph:
                return None
            self.kept.move_to_end(digest)
            self.hits += 1
            return kept.certificate

    def keep(self, digest: Digest, kept: Kept) -> None:
        with self.lock:
            self.kept[digest] = kept
            if len(self.kept) > self.most:
                self.kept.popitem(last=False)


def digest_of(problem: Problem, run: Run, gradients: Mapping[str, Array]) -> Digest | None:
    """None where it is not worth its time. Shapes and names are the graph's."""
    given = problem.leaves.values()
    if run.changes is not UNCHANGED or sum(value.size for value in given) > MOST_NUMBERS:
        return None
    numbers = [value.tobytes() for value in (*given, *gradients.values())]
    return Digest(id(problem.graph), problem.limits, tuple(gradients), blake2b(b"".join(numbers), digest_size=32).digest())


CERTIFICATES = Certificates()
"""Of this process."""
