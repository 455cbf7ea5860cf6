"""/docs in a browser, as a lecturer meets it: everything is there and can be tried, and nothing comes from elsewhere."""

import json
import re

import httpx
import pytest
from playwright.sync_api import expect

from service.contract.examples import GRADIENTS
from service.replies.problem_types import PROBLEM_TYPES
from tests.browser import started

WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 390, "height": 800}
SECONDS = 1000
COMPLAINTS = ("error", "warning")


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


@pytest.fixture
def opened(served, browser):
    """Opens a page of the service; in the end, all it asked for came from there, and nothing was complained of."""
    requests, complaints = [], []

    def opener(address, size=WIDE):
        page = browser.new_page()
        page.set_viewport_size(size)
        page.set_default_timeout(20 * SECONDS)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.extend([message.text] if message.type in COMPLAINTS else []))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served.address + address)
        return page

    yield opener
    for page in browser.pages:
        page.close()
    assert requests
    assert [url for url in requests if not url.startswith((f"{served.address}/", "data:", "blob:"))] == []
    assert [text for text in complaints if "status of 422" not in text] == []


def operation(page, address):
    """The block of POST on this address, opened."""
    block = page.locator(".opblock-post").filter(has=page.locator(f"[data-path='{address}']"))
    block.locator(".opblock-summary-control").click()
    expect(block.locator("textarea")).to_be_visible()
    return block


def execute(page, block):
    """The response, once the page shows it."""
    with page.expect_response(lambda response: "/v1/" in response.url) as answered:
        block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text(str(answered.value.status))
    return answered.value


def shown(block):
    return block.locator(".live-responses-table .response-col_description .highlight-code").first


def test_all_operations_are_listed_and_models_are_folded(opened, served):
    page = opened("/docs")
    expect(page).to_have_title("Verigrad: read and try")
    expect(page.locator(".opblock").first).to_be_visible()
    listed = {
        (block.locator(".opblock-summary-method").inner_text(), block.locator("[data-path]").get_attribute("data-path"))
        for block in page.locator(".opblock").all()
    }
    paths = httpx.get(f"{served.address}/openapi.json", trust_env=False).json()["paths"]
    assert listed == {(method.upper(), path) for path, methods in paths.items() for method in methods}

    expect(page.locator("section.models")).to_be_visible()
    expect(page.get_by_text("GradeResponse", exact=True)).to_have_count(0)
    page.locator("section.models button").first.click()
    expect(page.get_by_text("GradeResponse", exact=True)).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_example_is_graded(opened, size):
    page = opened("/docs", size)
    block = operation(page, "/v1/grade")
    text = block.locator("textarea").input_value()
    assert "[0.1, 0.2],\n" in text  # a row of a matrix is a line
    assert '["0.0006", "0.0105"],\n' in text
    response = execute(page, block)
    assert response.status == 200
    score = response.json()["score"]
    assert 0 < score < 1
    assert f'"score": {score}' in shown(block).inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_every_example_of_gradients_is_answered(opened):
    page = opened("/docs")
    block = operation(page, "/v1/gradients")
    choice = block.locator(".opblock-section-request-body select").last
    for name, example in GRADIENTS.items():
        choice.select_option(name)
        expect(block.locator("textarea")).to_have_value(re.compile(re.escape(json.dumps(next(iter(example.body))))))
        assert json.loads(block.locator("textarea").input_value()) == example.body
        response = execute(page, block)
        assert response.status == 200
        assert response.json()["certificate"]["status"] == "agrees"


def test_a_long_answer_is_shown_at_once(opened):
    page = opened("/docs")
    block = operation(page, "/v1/gradients")
    rows = [[(row * column) % 7 for column in range(100)] for row in range(100)]
    graph = {"expressions": ["J = sum(w * x)"]}
    problem = {"graph": graph, "values": {"w": 2, "x": rows}, "constants": ["x"]}
    block.locator("textarea").fill(json.dumps(problem))
    execute(page, block)
    expect(shown(block)).to_contain_text('"certificate"', timeout=5 * SECONDS)
    expect(shown(block).locator("span")).to_have_count(0)  # each colour would be one, and they take seconds


def test_a_mistake_is_answered_with_a_page_that_explains_it(opened):
    page = opened("/docs")
    block = operation(page, "/v1/gradients")
    block.locator("textarea").fill('{"graph": 3}')
    with page.expect_response(lambda response: "/v1/" in response.url) as answered:
        block.get_by_role("button", name="Execute").click()
    kind = answered.value.json()["type"]
    explained = opened(kind, NARROW)
    expect(explained.get_by_role("heading")).to_have_text(PROBLEM_TYPES[kind.rpartition("/")[2]].title)
    explained.get_by_role("link", name="All types").click()
    expect(explained.get_by_role("listitem")).to_have_count(len(PROBLEM_TYPES))
    assert explained.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
