"""Requests drawn from the OpenAPI document, allowed and forbidden ones, against a running service: `scripts/fuzz`.

What is looked for, and what counts as found, is in schemathesis.toml.
"""

import argparse
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.serving import ROOT, Served, environment

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
KEY = "schemathesis-is-let-in-by-this-key"
KEYS = f"schemathesis:compute:{sha256(KEY.encode()).hexdigest()}"


def fuzzed():
    """A service to ask, which asks for a key, and never says that it was asked too often."""
    return Served("--port", "0", VERIGRAD_KEYS=KEYS, VERIGRAD_RATE="0")


def fuzz(address, *options, **how):
    """What it finds is in its output, each with a line of curl that shows it again."""
    command = [SCHEMATHESIS, "run", f"{address}/openapi.json", f"--header=Authorization: Bearer {KEY}", *options]
    return subprocess.run(command, cwd=ROOT, env=environment(NO_PROXY="*"), **how)


def main():
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Look for answers that are not as documented.")
    parser.add_argument("--minutes", type=float, default=10, help="how long to look (default: %(default)g)")
    parser.add_argument("--seed", type=int, help="of what is sent, to repeat a run; drawn and told unless given")
    given = parser.parse_args()
    options = [f"--max-time={max(1, round(60 * given.minutes))}", "--phases=examples,coverage,fuzzing"]
    options += [] if given.seed is None else [f"--seed={given.seed}"]
    with fuzzed() as served:
        sys.exit(fuzz(served.address, *options).returncode)


if __name__ == "__main__":
    main()
