"""A graded comparison: the first error, what follows from it, and which misconception explains it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Literal

import numpy as np

from engine.check import Certificate, Confirm, certify
from engine.errors import BadProblem, EngineError, KeyUnconfirmed, TooLarge, shape_text, suggestion
from engine.grading.answers import Answer, read_answer
from engine.grading.budget import NOT_LOOKED_INTO, Budget
from engine.grading.candidates import Explanation
from engine.grading.compare import alike
from engine.grading.diagnose import Diagnosis, diagnose
from engine.grading.digest import digest
from engine.grading.policy import Policy
from engine.grading.remarks import unexplained
from engine.grading.subgradients import Subgradients
from engine.grading.worlds import Worlds
from engine.graph.run import Run
from engine.ops.row import Array
from engine.problems import Problem
from engine.quantities import Quantity, compute, computed_names, find, in_order, known_names, shape_of
from engine.reading.arrays import kind_of
from engine.reading.fields import join
from engine.version import ENGINE_VERSION, POLICY_VERSION

INPUTS = "X"
FEW_ENTRIES = 1_000
MOST_SUGGESTIONS = 20
"""The nearest name is looked for among all others, so it is not for a thousand that do not exist."""
Verdict = Literal["correct", "follow_through", "wrong", "missing", "malformed", "ungradable"]


@dataclass(frozen=True, slots=True)
class Item:
    """One asked or answered quantity."""

    name: str
    verdict: Verdict
    points: float
    max_points: float
    message: str = ""
    path: str = ""
    """Of the offending entry, where the answer is malformed."""
    named: Explanation | None = None
    at: Quantity | None = None
    """Where the named mistake was made, if that was before this quantity."""
    alternatives: tuple[Explanation, ...] = ()
    cells: Array | None = None
    """Which entries are right."""


@dataclass(frozen=True, slots=True)
class Grade:
    score: float
    points: float
    max_points: float
    first_error: str | None
    items: tuple[Item, ...]
    certificate: Certificate
    key: str
    versions: Mapping[str, str] = field(default_factory=lambda: {"engine": ENGINE_VERSION, "policy": POLICY_VERSION})


class Key:
    """The right answers of a problem, certified once; grades any number of submissions."""

    def __init__(self, problem: Problem, confirm: Confirm = certify) -> None:
        """`confirm` may give a certificate that it has given before."""
        self.problem = problem
        self.certify = confirm
        self.run: Run = problem.run()
        # The inputs' gradient takes as long to confirm as all others of the first layer, and is seldom asked for.
        self.gradients = self.run.gradients_of(name for name in problem.graph.differentiable if name != INPUTS)
        self.certificate = self.confirm(self.gradients)
        self.complete: Certificate | None = None
        """Of the inputs' gradient too, once that is asked for."""
        self.digest = digest(problem)
        self.computed = set(computed_names(problem))
        self.truths: dict[str, Array] = {}
        self.subgradients = Subgradients(problem, self.run)

    def confirm(self, gradients: Mapping[str, Array]) -> Certificate:
        certificate = self.certify(self.problem, self.run, gradients=gradients)
        if certificate.status == "inconclusive":
            raise KeyUnconfirmed(f"nobody is graded by a key that could not be confirmed: {certificate.reason}")
        return certificate

    def truth(self, quantity: Quantity) -> Array:
        if quantity.name not in self.truths:
            if quantity.kind == "gradient":
                self.truths[quantity.name] = self.gradient(quantity.node)
            else:
                self.truths[quantity.name] = compute(self.problem, [quantity.name], self.run)[quantity.name]
        return self.truths[quantity.name]

    def gradient(self, name: str) -> Array:
        if name in self.gradients:
            return self.gradients[name]
        if self.complete is None:
            self.complete = self.confirm(self.run.gradients)
        return self.run.gradients[name]

    def grade(self, answers: Any, policy: Policy, path: str = "answers") -> Grade:
        """Read, order, mark one by one, and add up."""
        submitted, unreadable = self.read(answers, policy, path)
        given = [name for name, answer in submitted.items() if not answer.blank]  # null is as if it were left out
        asked = policy.ask or tuple(dict.fromkeys([*self.problem.asked, *given]))
        worlds, budget = Worlds(self.problem), Budget()
        items: list[Item] = []
        known = [name for name in unreadable if name in self.computed]
        for quantity in in_order(self.problem, dict.fromkeys([*asked, *submitted, *known])):
            if not np.isfinite(self.truth(quantity)).all():
                unreadable.pop(quantity.name, None)
                items.append(self.ungradable(quantity))
            elif quantity.name in unreadable:
                items.append(unreadable.pop(quantity.name))
            elif quantity.name not in submitted or submitted[quantity.name].blank:
                items.append(self.missing(quantity, policy))
            else:
                items.append(self.mark(quantity, submitted[quantity.name], worlds, policy, budget))
        return self.add_up([*items, *unreadable.values()], set(asked))

    def read(self, answers: Any, policy: Policy, path: str) -> tuple[dict[str, Answer], dict[str, Item]]:
        """Answers by the quantity's own name, and items for those that cannot be read."""
        if not isinstance(answers, Mapping):
            raise BadProblem(f"expected an object of answers by name, not {kind_of(answers)}", path=path)
        if len(answers) > (most := self.problem.limits.answers):
            raise TooLarge(f"{len(answers):,} quantities are answered; {most:,} is the most", path=path)
        submitted: dict[str, Answer] = {}
        unreadable: dict[str, Item] = {}
        called: dict[str, str] = {}
        unknown = 0
        for alias, value in answers.items():
            name = self.as_asked(policy.aliases.get(alias, str(alias)), answers, policy)
            here = join(path, str(alias))
            if name in submitted or name in unreadable:
                message = f"'{name}' is answered twice: as '{called[name]}' and as '{alias}'"
                submitted.pop(name, None)
                unreadable[name] = self.malformed(name, message, here, policy)
                continue
            called[name] = str(alias)
            quantity = find(self.problem, name)
            if quantity is None:
                near = suggestion(name, known_names(self.problem)) if unknown < MOST_SUGGESTIONS else ""
                unknown += 1
                unreadable[name] = Item(name, "malformed", 0.0, 0.0, f"there is no quantity '{name[:60]}'{near}", here)
                continue
            if quantity.kind == "value" and name not in self.computed:
                unreadable[name] = Item(name, "malformed", 0.0, 0.0, f"'{name}' is given, not computed", here)
                continue
            try:
                submitted[name] = read_answer(value, here, self.most_entries(quantity))
            except EngineError as error:
                unreadable[name] = self.malformed(name, error.message, error.path, policy)
        return submitted, unreadable

    def as_asked(self, name: str, answers: Mapping[str, Any], policy: Policy) -> str:
        """`df/dx` of the output f is `dx`: either counts as the other where that is asked for and not answered itself."""
        start = f"d{self.problem.graph.nodes[self.problem.graph.output].name}/"
        twin = name.removeprefix(start) if name.startswith(start) else f"{start}{name}"
        asked = policy.ask or self.problem.asked
        answered = {policy.aliases.get(each, str(each)) for each, value in answers.items() if value is not None}
        taken = twin in answered
        if taken or name in asked or twin not in asked or self.problem.graph.factors:
            return name
        return twin

    def most_entries(self, quantity: Quantity) -> int:
        """Of an answer that may be meant for this quantity: one that is not summed, or not reduced, is larger than it."""
        return max(FEW_ENTRIES, 2 * prod(shape_of(self.problem, quantity)), 4 * self.problem.graph.widest)

    def mark(self, quantity: Quantity, answer: Answer, worlds: Worlds, policy: Policy, budget: Budget) -> Item:
        """Shape, then value: correct, or right given what came before, or a known mistake, or wrong."""
        truth = self.truth(quantity)
        most = policy.points.get(quantity.name, 1.0)
        if not alike(answer.shape, truth.shape):
            return self.misshapen(quantity, answer, worlds, policy, budget)
        cells, right = policy.tolerance.right(answer, truth), truth
        if quantity.kind == "gradient" and not cells.all() and self.certificate_of([quantity.name]).status == "kink":
            cells, right = self.subgradients.read(quantity.node, answer, truth, cells, policy.tolerance)
        if answer.answered is not None:
            return self.incomplete(quantity, answer, cells, policy)
        if cells.all():
            worlds.take_correct(quantity, answer, right, policy.tolerance)
            message = "" if right is truth else "Right: there is no derivative here, and this is a subgradient."
            return Item(quantity.name, "correct", most, most, message)
        match = worlds.match(quantity, answer, truth, policy.tolerance)
        if match.follows:
            return self.followed(quantity, worlds, policy)
        if match.cells is not None and match.cells.sum() > cells.sum():
            cells = match.cells
        diagnosis = self.look_into(quantity, answer, worlds, policy, budget)
        worlds.take_wrong(quantity, answer, truth, diagnosis.possible)
        told = self.told(diagnosis, budget)
        if not (diagnosis.named or diagnosis.alternatives or budget.exhausted):
            undecided = bool(diagnosis.possible)
            told["message"] = unexplained(
                quantity.name, answer, truth, policy.tolerance, cells, trivial=match.trivial, undecided=undecided
            )
        return Item(quantity.name, "wrong", 0.0, most, cells=cells, **told)

    def followed(self, quantity: Quantity, worlds: Worlds, policy: Policy) -> Item:
        """Right given what came before: if that was right too, the student only carried on with rounded numbers."""
        most = policy.points.get(quantity.name, 1.0)
        if not worlds.erred:
            return Item(quantity.name, "correct", most, most, "Right, computed from the rounded numbers before it.")
        message = "Right, given the earlier error."
        return Item(quantity.name, "follow_through", most * policy.follow_through, most, message)

    def look_into(self, quantity: Quantity, answer: Answer, worlds: Worlds, policy: Policy, budget: Budget) -> Diagnosis:
        if budget.exhausted:
            return Diagnosis()
        return diagnose(answer, quantity, self.truth(quantity), worlds.scenes(), policy.tolerance, budget)

    def misshapen(self, quantity: Quantity, answer: Answer, worlds: Worlds, policy: Policy, budget: Budget) -> Item:
        """Never broadcast; but a transposed or unsummed answer can be told for what it is."""
        truth = self.truth(quantity)
        message = f"expected {shape_text(truth.shape)}, not {shape_text(answer.shape)}"
        worlds.erred = True
        diagnosis = Diagnosis()
        if answer.answered is None:
            diagnosis = self.look_into(quantity, answer, worlds, policy, budget)
        most = policy.points.get(quantity.name, 1.0)
        if budget.exhausted:
            message = f"{message}; {NOT_LOOKED_INTO}"
        told = {**self.told(diagnosis, budget), "message": message}
        return Item(quantity.name, "malformed", 0.0, most, path=answer.path, **told)

    def incomplete(self, quantity: Quantity, answer: Answer, cells: Array, policy: Policy) -> Item:
        assert answer.answered is not None
        given = int(answer.answered.sum())
        message = f"{given} of {answer.answered.size} entries are answered"
        most = policy.points.get(quantity.name, 1.0)
        return Item(quantity.name, "missing", 0.0, most, message, cells=cells)

    def missing(self, quantity: Quantity, policy: Policy) -> Item:
        most = policy.points.get(quantity.name, 1.0)
        return Item(quantity.name, "missing", 0.0, most, "not answered")

    def malformed(self, name: str, message: str, path: str, policy: Policy) -> Item:
        return Item(name, "malformed", 0.0, policy.points.get(name, 1.0), message, path)

    def certificate_of(self, names: Iterable[str]) -> Certificate:
        """What their grade rests on, whatever else the key has been asked for."""
        return self.complete if self.complete and f"d{INPUTS}" in names else self.certificate

    @staticmethod
    def told(diagnosis: Diagnosis, budget: Budget) -> dict[str, Any]:
        message = diagnosis.named.mistake.message if diagnosis.named else NOT_LOOKED_INTO if budget.exhausted else ""
        if diagnosis.at:
            message = f"In {diagnosis.at.name}: {message}"
        return {"message": message, "named": diagnosis.named, "at": diagnosis.at, "alternatives": diagnosis.alternatives}

    @staticmethod
    def ungradable(quantity: Quantity) -> Item:
        return Item(quantity.name, "ungradable", 0.0, 0.0, "this derivative is not finite here, so it is not graded")

    def add_up(self, items: list[Item], asked: set[str]) -> Grade:
        """Only what is asked for earns points; what else is answered still shows where an error comes from."""
        items = [item if item.name in asked else replace(item, points=0.0, max_points=0.0) for item in items]
        points = sum(item.points for item in items)
        most = sum(item.max_points for item in items)
        erred = [item for item in items if item.verdict in ("wrong", "malformed") and item.name in self.computed]
        return Grade(
            score=round(points / most, 6) if most else 0.0,
            points=round(points, 6),
            max_points=round(most, 6),
            first_error=erred[0].name if erred else None,
            items=tuple(items),
            certificate=self.certificate_of([item.name for item in items]),
            key=self.digest,
        )


def grade(problem: Problem, answers: Any, policy: Policy | None = None) -> Grade:
    """Grade one submission."""
    return Key(problem).grade(answers, policy or Policy())
