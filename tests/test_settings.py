"""docs/settings.md tells every setting, its default and what it is, as the class has them."""

import os
import re
from pathlib import Path

from service.settings import Settings

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "settings.md").read_text()


def test_the_table_is_that_of_the_class():
    rows = re.findall(r"^\| `(VERIGRAD_\w+)` \| (.*?) \| (.*?) \|$", PAGE, flags=re.MULTILINE)
    fields = [
        (f"VERIGRAD_{name.upper()}", default(name, field.default), field.description)
        for name, field in Settings.model_fields.items()
    ]
    assert rows == fields


def default(name, value):
    """As it is written in the environment; a word for what depends on the machine."""
    if name in ("processes", "job_workers"):
        assert value == (os.cpu_count() or 1)
        return "one a core"
    if value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
