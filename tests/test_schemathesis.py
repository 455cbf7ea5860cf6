"""A short look for answers that are not as the OpenAPI document says: `scripts/fuzz` takes the long one.

No fault, no status, type or field that is not documented, nothing accepted that the schema forbids.
"""

import pytest

from tests.fuzzing import fuzz, fuzzed

SEED = "--seed=1"


@pytest.fixture(scope="module")
def served():
    with fuzzed() as service:
        yield service


def finds_nothing(served, *options):
    done = fuzz(served.address, SEED, "--no-color", *options, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_examples_and_drawn_requests(served):
    finds_nothing(served, "--phases=examples,fuzzing", "--max-examples=15")


def test_every_field_at_its_limits_and_beyond(served):
    """Some 2,000 requests an address; that of batches has the most kinds of field."""
    finds_nothing(served, "--phases=coverage", "--include-path=/v1/grade/batch")
