"""What the operations give, as service/schemas describes it: a test holds the two together, field by field."""

from __future__ import annotations

from service.client.errors import Fault
from service.client.view import Array, Truths, View


class Health(View):
    status: str
    reasons: list[str] | None
    """What is missing, where it is not ready."""


class Formula(View):
    text: str
    latex: str


class Kink(View):
    """A point without a derivative, such as relu at 0."""

    node: str
    index: list[int]


class Jacobian(View):
    shape: list[int]
    value: Array
    reason: str | None


class Local(Jacobian):
    """The derivative of a node by one of its direct inputs."""

    input: str


class Certificate(View):
    """How all gradients were confirmed by a second method."""

    method: str
    status: str
    max_error: float | None
    coordinates: int
    kinks: list[Kink]
    reason: str | None


class KeyCertificate(View):
    """The same of an answer key. Below feedback `full` only the method and its status are shown."""

    method: str
    status: str
    max_error: float | None
    coordinates: int | None
    kinks: list[Kink] | None
    reason: str | None


class Node(View):
    name: str
    kind: str
    op: str | None
    inputs: list[str]
    shape: list[int]
    value: Array
    gradient: Array | None
    """None for a constant."""
    formula: Formula | None
    value_formula: Formula | None
    local: list[Local] | None
    reason: str | None


class Solution(View):
    """Every node, and how the gradients were confirmed. `solution["dW1"]` is a quantity by its name."""

    output: str
    value: float | None
    nodes: list[Node]
    updates: dict[str, Array] | None
    jacobians: dict[str, Jacobian] | None
    warnings: list[str] | None
    certificate: Certificate
    reason: str | None

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"there is no node {name}")

    def __getitem__(self, quantity: str) -> Array:
        """A value (W1), a gradient (dW1), an update (W1_new), a Jacobian (dA1/dW1) or a local derivative (Z1/W1)."""
        if quantity in (self.updates or {}):
            return (self.updates or {})[quantity]
        if quantity in (self.jacobians or {}):
            return (self.jacobians or {})[quantity].value
        for node in self.nodes:
            if node.name == quantity:
                return node.value
            if f"d{node.name}" == quantity and node.gradient is not None:
                return node.gradient
            for local in node.local or []:
                if f"{node.name}/{local.input}" == quantity:
                    return local.value
        raise KeyError(f"{quantity} is not in this answer; updates, Jacobians and local derivatives must be asked for")


class Worst(View):
    """The entry that is furthest beyond its bound."""

    index: list[int]
    submitted: float | None
    numeric: float | None


class Verdict(View):
    name: str
    status: str
    max_error: float | None
    error_bound: float | None
    worst: Worst | None
    disagreeing: int | None
    kinks: list[Kink]
    reason: str | None


class CheckReport(View):
    """`report["dW1"]` is the verdict of one gradient."""

    status: str
    method: str
    gradients: list[Verdict]
    coordinates: int
    evaluations: int
    step: float | None
    seed: int | None
    seconds: float

    def __getitem__(self, gradient: str) -> Verdict:
        for verdict in self.gradients:
            if verdict.name == gradient:
                return verdict
        raise KeyError(f"{gradient} was not checked")


class Explanation(View):
    """A misconception that explains the numbers."""

    code: str
    message: str


class NamedMistake(Explanation):
    family: str
    at: str | None


class Item(View):
    """One quantity that was asked for or answered; the policy's `feedback` says what of it is shown."""

    name: str
    verdict: str | None
    points: float
    max_points: float
    message: str | None
    path: str | None
    diagnosis: NamedMistake | None
    alternatives: list[Explanation] | None
    cells: Truths | None
    formula: Formula | None
    expected: Array | None
    worked: str | None
    reason: str | None


class Versions(View):
    engine: str
    policy: str


class Grade(View):
    """`grade["dW1"]` is the item of one quantity."""

    score: float
    points: float
    max_points: float
    first_error: str | None
    items: list[Item]
    certificate: KeyCertificate
    versions: Versions
    key: str

    def __getitem__(self, quantity: str) -> Item:
        for item in self.items:
            if item.name == quantity:
                return item
        raise KeyError(f"{quantity} was neither asked for nor answered")


class Problem(View):
    """Why one submission of a batch could not be graded."""

    type: str
    title: str
    status: int
    detail: str

    @property
    def errors(self) -> list[Fault]:
        return [Fault(each["path"], each["message"]) for each in self.raw["errors"]]


class Result(View):
    """Either a grade or an error."""

    id: str
    grade: Grade | None
    error: Problem | None


class Batch(View):
    """In the order of the submissions; `batch["s1"]` is one by its id."""

    results: list[Result]

    def __getitem__(self, id: str) -> Result:
        for result in self.results:
            if result.id == id:
                return result
        raise KeyError(f"no submission has the id {id}")


class PossibleMistake(Explanation):
    family: str
    at: list[str]
    tells_apart: bool
    same_as: list[str]


class Mistakes(View):
    mistakes: list[PossibleMistake]


class TrainingStep(View):
    """Cost and gradients are before the step, parameters and state after it."""

    step: int
    epoch: int
    batch: list[int]
    cost: float | None
    gradients: dict[str, Array] | None
    parameters: dict[str, Array] | None
    state: dict[str, dict[str, Array]] | None
    reason: str | None


class Training(View):
    steps: list[TrainingStep]
    parameters: dict[str, Array]
    stopped: str
    cost: float | None
    iterations_per_epoch: int
    message: str | None
    reason: str | None
