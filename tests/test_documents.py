"""The documentation is true: every block of code in README.md and docs/ runs, and prints what is said."""

import pytest

from tests.documents import PAGES, blocks, run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_run_and_print_what_is_said(page, served, tmp_path):
    for block in blocks(page):
        printed = run(block, served.address, tmp_path)
        assert printed or "print(" not in block.code
        if block.prints is not None:
            assert printed == block.prints, block.code
