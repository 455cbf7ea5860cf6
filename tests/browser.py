"""Debian's Chromium, driven by Playwright, which never downloads a browser of its own here."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import NOT_TESTED

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WITHOUT = f"{NOT_TESTED}: the page /docs in a browser: there is no Chromium here (on Debian: apt install chromium)"


@contextmanager
def started():
    """One that keeps what it loaded from page to page; where there is none, a skip that is told at the end of the run."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(WITHOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser.new_context()
        browser.close()
