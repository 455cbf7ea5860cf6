"""What a student computed so far, read in two ways.

Each answered quantity has two readings: *as written*, and *exact*, which is the truth where it is correct, what follows
where it follows, and the mistaken value where a mistake is known. Both are needed: some carry on with the rounded numbers
that they wrote down, others keep full precision and round in writing; either rule alone does thousands of them wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.grading.mistakes.scene import Scene
from engine.ops.row import Array
from engine.problems import Problem
from engine.quantities import Quantity, pin


@dataclass(slots=True)
class Worlds:
    """The pinned quantities of both readings, in the order in which they were answered."""

    problem: Problem
    as_written: dict[str, Array] = field(default_factory=dict)
    exact: dict[str, Array] = field(default_factory=dict)
    erred: bool = False
    """Whether an earlier answer was wrong."""
    _scenes: dict[tuple[str, bool], Scene] = field(default_factory=dict)

    def pin(self, quantity: Quantity, written: Array, exact: Array) -> None:
        """From here on, what follows from this quantity follows from the given numbers."""
        if quantity.kind in ("value", "gradient", "local"):
            self.as_written[quantity.name] = written
            self.exact[quantity.name] = exact
            self._scenes.clear()

    def pin_hidden(self, name: str, value: Array) -> None:
        """A quantity that was not answered, but whose mistaken value explains one that was."""
        self.as_written[name] = self.exact[name] = value
        self._scenes.clear()

    def scenes(self) -> list[Scene]:
        """The runs in which an answer may be right, or wrong by one mistake.

        dZ of a fused head has two right rules, from A and through dA: where dA was answered, both are tried.
        """
        readings = [("as_written", self.as_written), ("exact", self.exact)]
        if not self.as_written:
            readings = readings[1:]
        found = []
        for reading, pins in readings:
            found.append(self._scene(reading, pins, through_head=True))
            shortcut = self.problem.graph.shortcut
            if shortcut and f"d{self.problem.graph.nodes[shortcut.head].name}" in pins:
                found.append(self._scene(reading, pins, through_head=False))
        return found

    def _scene(self, reading: str, pins: Mapping[str, Array], *, through_head: bool) -> Scene:
        key = (reading, through_head)
        if key not in self._scenes:
            shortcut = self.problem.graph.shortcut
            if shortcut and not through_head:
                head = f"d{self.problem.graph.nodes[shortcut.head].name}"
                pins = {name: value for name, value in pins.items() if name != head}
            self._scenes[key] = Scene(self.problem, self.problem.run(pin(self.problem, pins)))
        return self._scenes[key]
