"""What many tests share."""

import pytest

from tests.serving import Served


@pytest.fixture(scope="session")
def served():
    """A running service, for tests that only ask it."""
    with Served("--port", "0") as running:
        yield running
