"""Importing the engine makes the C library keep what large arrays leave."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS_OF_LATER_ROUNDS = """
import resource, sys
import numpy as np
if "engine" in sys.argv:
    import engine

def a_round():  # eight arrays as large as a layer's weights, and all of them left at once
    for each in [np.empty(100_000) for _ in range(8)]:
        each.fill(1.0)

for _ in range(3):
    a_round()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    a_round()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments: str) -> int:
    command = [sys.executable, "-c", FAULTS_OF_LATER_ROUNDS, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC")}
    root = Path(__file__).parent.parent
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is told")
def test_pages_are_not_taken_anew_for_every_array():
    assert faults() > 5_000
    assert faults("engine") < 500
