"""The formulas of the modes of tolerance, in the engine's own words."""

from __future__ import annotations

import re
from inspect import getdoc

from engine.grading import compare

ROW = re.compile(r"^- `(\w+)`[:,] (.+?)(?=^- `|\n\n|\Z)", re.MULTILINE | re.DOTALL)


def formulas() -> dict[str, str]:
    """By mode, from the list in the docstring of the module that compares."""
    found = {name: " ".join(text.split()).rstrip(".") for name, text in ROW.findall(getdoc(compare) or "")}
    return {name: found.get(name, "") for name in compare.MODES}


FORMULAS = formulas()
