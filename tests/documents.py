"""The code blocks of README.md and docs/, run as a reader would run them: in their order, against a running service.

All that is fenced is run; what is indented is only shown. A ```text block after a ```bash or ```terminal block is what it
prints; the latter prints on a terminal of 80 columns.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise

from tests.serving import PATIENCE, ROOT, environment, pasted
from tests.terminal import on_a_terminal

ADDRESS = "http://127.0.0.1:8000"
"""Where `scripts/serve` listens unless told otherwise, and where all blocks ask."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    prints: str | None
    page: str


def blocks(page):
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for (language, code), (following, text) in pairwise([*found, ("", "")]):
        if language != "text":
            yield Block(language, code, text if following == "text" else None, page.name)


def run(block, address, folder):
    """What it prints. `folder` is the working directory, and has `verigrad` in it."""
    code = block.code.replace(ADDRESS, address).replace(".venv/bin/python", sys.executable)
    if code.startswith("curl "):
        return str(pasted(code))  # also where there is no curl
    if block.language == "python":
        command = [sys.executable, "-c", code]
    elif block.language == "bash":
        command = ["bash", "-euo", "pipefail", "-c", code]
    else:
        assert block.language == "terminal", f"{block.page}: nothing runs '{block.language}'"
        status, drawn = on_a_terminal(*code.split()[1:], folder=folder, NO_COLOR="1", TERM="dumb")
        assert status == 0
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())
    path = f"{with_verigrad(folder)}{os.pathsep}{os.environ['PATH']}"
    # Data of its own for the page that makes keys, for these would close the service that all pages ask.
    own = {"VERIGRAD_DATA_DIR": str(folder / "data")} if block.page == "keys.md" else {}
    variables = environment(PATH=path, NO_PROXY="127.0.0.1", **own)
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_verigrad(folder):
    """A folder whose `verigrad` is this project's, whichever is installed."""
    program = folder / ".bin" / "verigrad"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service "$@"\n')
    program.chmod(0o755)
    return program.parent
