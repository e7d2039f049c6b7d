from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.report.page import render

CHROMIUM = Path("/usr/bin/chromium")

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}: install chromium to run this test"
)


@pytest.fixture
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


def test_the_page_works_in_a_browser(make_report, browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render(make_report()), encoding="utf-8")
    context = browser.new_context(viewport={"width": 400, "height": 800}, offline=True)
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())

    def column(position: int) -> list[str]:
        return page.locator(f"#table-effects tbody tr > :nth-child({position})").all_inner_texts()

    # Nothing but the file itself is asked for, and nothing sticks out at the side, closed or open.
    assert requests == [file.as_uri()]
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400

    # Numbers sort by their value, first upwards, then downwards; the heading says so.
    before = column(3)
    heading = page.locator("#table-effects thead th").nth(2)
    heading.locator("button").click()
    assert column(3) == sorted(before)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").click()
    assert column(3) == sorted(before, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"

    # Each drawing is drawn: its references lead to its own parts.
    assert page.locator("svg").first.bounding_box()["width"] > 100

    # A link into a closed part opens it.
    page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = false; })")
    page.evaluate("location.hash = '#figure-trace'")
    page.locator("#figure-trace svg").wait_for(state="visible", timeout=5000)
    assert complaints == []
    context.close()
