"""What many tests share; and what could not be tested here is said at the end, in words that nobody overlooks."""

import os

import pytest

from tests.databases import database_url, postgresql_server, shared_database_url
from tests.serving import DATA, Served

__all__ = ["database_url", "postgresql_server", "shared_database_url"]

# Not the folder of whoever runs the tests, who may have created keys there.
os.environ["VERIGRAD_DATA_DIR"] = DATA.name

NOT_TESTED = "NOT TESTED"


@pytest.fixture(scope="session")
def served():
    """A running service, for tests that only ask it."""
    with Served("--port", "0") as running:
        yield running


def pytest_terminal_summary(terminalreporter):
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])}
    for reason in sorted(reasons):
        if NOT_TESTED in reason:
            terminalreporter.write_line(reason.removeprefix("Skipped: "), red=True, bold=True)
