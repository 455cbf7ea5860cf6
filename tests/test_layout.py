"""Who may import whom, and scripts that start: engine/ stands on NumPy and the standard library alone."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGINE = sorted((ROOT / "engine").rglob("*.py"))
SCRIPTS = sorted(path for folder in ("scripts", ".ci") for path in (ROOT / folder).iterdir() if path.is_file())

NETWORK = {"http", "urllib", "socket", "socketserver", "ssl", "wsgiref", "xmlrpc"}  # standard, but service's business
ALLOWED = (set(sys.stdlib_module_names) - NETWORK) | {"numpy", "engine"}

# A module without a spec was not imported but made in memory, as the compiled parts of NumPy do for themselves.
LOAD_ENGINE = """
import importlib, pkgutil, sys
before = set(sys.modules)
import engine
def stop(name): raise
for module in pkgutil.walk_packages(engine.__path__, "engine.", onerror=stop):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
new = set(sys.modules) - before
print(*sorted(name for name in new if getattr(sys.modules[name], "__spec__", None)))
"""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every import in a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "engine" if node.level else (node.module or "").split(".")[0]


def test_engine_loads_only_numpy_and_the_standard_library():
    run = subprocess.run([sys.executable, "-c", LOAD_ENGINE], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "engine" in loaded
    assert loaded - {"engine", "numpy"} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", ENGINE, ids=relative)
def test_engine_imports_neither_service_nor_network(path):
    assert [f"line {line}: {name}" for line, name in imports(path) if name not in ALLOWED] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_script_can_be_run(path):
    sourced = path.name.startswith("_")
    assert os.access(path, os.X_OK) != sourced
    first_line = path.read_text(encoding="utf-8").partition("\n")[0]
    if sourced or "bash" in first_line:
        run = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
