"""The documentation is true: every block of code in README.md and docs/ runs, and prints what is said; what it links to
exists; and it leaves out no address of the service.
"""

import re

import pytest

from tests.contract import DOCUMENT
from tests.documents import PAGES, blocks, run
from tests.serving import ROOT

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_run_and_print_what_is_said(page, served, tmp_path):
    for block in blocks(page):
        printed = run(block, served.address, tmp_path)
        assert printed or "print(" not in block.code
        if block.prints is not None:
            assert printed == block.prints, block.code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_it_links_to_exists(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_address_is_told():
    told = re.sub(r"\{\w+\}", "{}", "\n".join(page.read_text(encoding="utf-8") for page in PAGES))
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            address = f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}"
            assert re.search(rf"{re.escape(address)}(?![\w/{{])", told), f"neither README nor docs/ tells of {address}"


def test_every_page_is_found_from_readme():
    readme, *others = PAGES
    for page in others:
        assert f"]({page.relative_to(ROOT)})" in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_goes_unrun_for_want_of_a_language(page):
    fences = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert all(fences[::2])
    assert not any(fences[1::2])
