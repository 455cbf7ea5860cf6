"""Where and with what a benchmark was run: without this a number says little."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks._report import NOT_INSTALLED

ROOT = Path(__file__).resolve().parent.parent
PEERS = {"PyTorch": "torch", "JAX": "jax", "autograd": "autograd", "SciPy": "scipy"}
MEASURED = ("engine", "service", "benchmarks/*.py", "pyproject.toml")
"""What a commit must hold for its name to stand for what was measured."""


@dataclass(frozen=True)
class Run:
    """When, of what, where and with what, and how busy the machine was before."""

    date: str
    commit: str
    load: float
    machine: dict[str, str]


def run_now() -> Run:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Run(now, commit(), round(os.getloadavg()[0], 2), machine())


def machine() -> dict[str, str]:
    return {
        "CPU": processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": blas(),
        **{name: version_of(package) for name, package in PEERS.items()},
    }


def processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:  # no Linux
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def blas() -> str:
    """With the kernels that the environment forces upon it: those of another processor may take twice as long."""
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    forced = os.environ.get("OPENBLAS_CORETYPE")
    return f"{found['name']} {found['version']}" + (f" (OPENBLAS_CORETYPE={forced})" if forced else "")


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_INSTALLED


def commit() -> str:
    try:
        name = git("rev-parse", "--short=10", "HEAD")
        return f"{name} with changes" if git("status", "--porcelain", "--", *MEASURED) else name
    except (OSError, subprocess.CalledProcessError):  # no git, or no clone
        return "unknown"


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
