import pytest
from matplotlib.figure import Figure

from data.study.study import load_study
from inference.report.content import FigureItem
from inference.report.drawings import drawn_when_asked
from inference.report.figures.style import canvas, narrow
from inference.report.page import render


def test_the_page_works_in_a_browser(make_report, open_page, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render(make_report()), encoding="utf-8")
    page = open_page(file, 400, 800)

    def column(position: int) -> list[str]:
        return page.locator(f"#table-effects tbody tr > :nth-child({position})").all_inner_texts()

    # Nothing but the file itself is asked for, and nothing sticks out at the side, closed or open.
    assert page.requests == [file.as_uri()]
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400

    # On a wide screen every table fits its column.
    page.set_viewport_size({"width": 1440, "height": 900})
    sizes = page.locator(".scroll").evaluate_all(
        "all => all.map((one) => [one.scrollWidth, one.clientWidth])"
    )
    assert len(sizes) > 10
    assert all(needed <= given + 1 for needed, given in sizes)
    page.set_viewport_size({"width": 400, "height": 800})

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
    assert page.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_first_screen_holds_the_answer_and_what_speaks_against_it(
    make_report, open_page, tmp_path, width, height
):
    def curves() -> Figure:
        figure = canvas(3.7 if narrow() else 5.0)
        figure.subplots().plot([0, 60], [1, 0.4])
        return figure

    report = make_report(
        study=load_study("li2024"),
        figures=[
            FigureItem("survival", "Survival", "Read it so.", drawn_when_asked("survival", curves), "answer")
        ],
        doubts=(
            "Starts are not published: timing alone could print a hazard ratio of 0.83 (0.61 to 1.14); this cohort prints 0.43.",
            "An overlooked condition 3.6 times as common among the untreated, hazard ratio 3.6, takes P(benefit) to 0.95.",
        ),
        manifest={"analysis": {"quick": True}},
    )
    file = tmp_path / "report.html"
    file.write_text(render(report), encoding="utf-8")
    page = open_page(file, width, height)
    counts = {".numbers > div": 3, ".against li": 2}
    for one in ("#question", ".sentence", ".curves svg:visible", ".no-evidence", ".state"):
        counts[one] = 1
    for selector, count in counts.items():
        boxes = [one.bounding_box() for one in page.locator(selector).all()]
        assert len(boxes) == count, selector
        for box in boxes:
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height, selector
            assert box["x"] + box["width"] <= width, selector
    words = page.evaluate(
        "(() => { const first = document.querySelector('.first').cloneNode(true);"
        " first.querySelectorAll('svg').forEach((one) => one.remove());"
        " return first.textContent.trim().split(/\\s+/).length; })()"
    )
    assert words < 120
    assert len(page.locator(".sentence").inner_text().split()) <= 30

    # Folded parts open by keyboard, and all of them on paper.
    summary = page.locator("#effects details > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#effects details").first.get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details:not([open])").count() > 5
