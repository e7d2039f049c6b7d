import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import pandas as pd
import pytest

from inference.report.content import FigureItem
from inference.report.drawings import Drawing
from inference.report.page import citation_link, parts_of, render
from inference.report.standard_sections import sections_in_order
from inference.report.svg import embedded_svg

ATTACK = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def values(self, attribute: str) -> list[str]:
        return [content[attribute] or "" for _, content in self.tags if attribute in content]


@pytest.fixture
def html(make_report) -> str:
    return render(make_report())


def test_ids_are_unique_and_references_within_the_page_resolve(html):
    page = Page(html)
    ids = Counter(page.values("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    internal = [link[1:] for link in page.values("href") if link.startswith("#")]
    internal += re.findall(r"url\(#([^)]+)\)", html)
    internal += [name for value in page.values("aria-labelledby") for name in value.split()]
    assert len(internal) > 20
    assert set(internal) <= set(ids)


def test_sections_stand_in_their_parts_and_in_the_contents(html, make_report):
    parts = parts_of(sections_in_order(make_report(), []))
    assert [title for title, _ in parts] == ["The answer", "Does it hold", "Can it be trusted", "Methods"]
    sections = [section for _, own in parts for section in own]
    positions = [html.index(f'<section id="{section.id}"') for section in sections]
    assert positions == sorted(positions)
    assert all(f'<a href="#{section.id}">{section.title}</a>' in html for section in sections)


def test_a_section_opens_with_its_finding_and_one_exhibit_and_folds_the_rest(html):
    part = html.split('<section id="effects"')[1].split("</section>")[0]
    shown, folded = part.split("<details>")
    assert "between 0.70 and 0.72" in shown
    assert (shown.count("<table"), shown.count("<figure")) == (1, 0)
    assert folded.count("<table") == 7  # populations, and every estimand of six fits


def test_nothing_is_fetched(html):
    page = Page(html)
    assert page.values("src") == []
    assert [tag for tag, _ in page.tags if tag in ("link", "img", "iframe", "object", "embed")] == []
    links = [link for link in page.values("href") if not link.startswith("#")]
    assert links == ["https://doi.org/10.1200/JCO.1994.12.10.2086"]
    assert "@import" not in html
    assert re.findall(r"https?://(?!doi\.org)[^\s\"'<]*", html) == []
    assert "default-src 'none'" in html


def test_labels_are_escaped(make_report, study):
    hostile = study.model_copy(
        update={
            "title": ATTACK,
            "question": ATTACK,
            "citation": ATTACK,
            "time_unit": ATTACK,
            "treatment": study.treatment.model_copy(
                update={"treated_label": ATTACK, "control_label": ATTACK}
            ),
        }
    )
    report = make_report()
    page = render(
        make_report(
            study=hostile,
            comparators=report.comparators.assign(method=ATTACK),
            checks=report.checks.assign(text=ATTACK, name=ATTACK),
            priors=report.priors.assign(reason=ATTACK),
            prior_statements=[ATTACK],
            figures=[
                FigureItem("a", ATTACK, ATTACK, Drawing(lambda: "<svg width='1pt' height='1pt'/>"), "answer")
            ],
            manifest={ATTACK: {ATTACK: ATTACK}},
        )
    )
    assert ATTACK not in page
    assert page.count("<script>") == 1
    assert "&lt;script&gt;" in page


def test_failed_checks_come_before_the_answer(make_report, html):
    assert html.index('role="alert"><a href="#failed">6 checks: 2 failed') < html.index('<section id="full"')
    assert html.index('role="alert"') < html.index('class="sentence"')
    box = html[html.index('<section id="failed"') : html.index('<section id="full"')]
    assert "2 checks failed, 1 of the main fit" in box
    assert (
        "1 check warns: shift of Age" in box
    )  # a check that warns of the main fit is named beside the failures
    passing = make_report().checks.assign(status="pass")
    assert 'role="alert"' not in render(make_report(checks=passing))
    assert "No check was made" in render(make_report(checks=passing.iloc[:0]))


def test_many_failed_checks_are_counted_and_all_in_the_table(make_report):
    checks = pd.concat([make_report().checks.assign(status="fail")] * 4, ignore_index=True)
    page = render(make_report(checks=checks))
    assert "24 checks failed" in page
    assert "16 more are" in page
    assert page.count('<tr class="fail">') >= 24


def test_what_is_absent_says_how_to_make_it(make_report):
    page = render(make_report(sensitivity=None, figures=[], manifest={}, prior_statements=[]))
    assert "rtsurv sensitivity gbsg2" in page
    main_only = make_report().sensitivity.iloc[:1]
    assert "rtsurv sensitivity gbsg2" in render(make_report(sensitivity=main_only))
    assert "rtsurv sensitivity gbsg2" not in render(make_report())
    assert "No diagnostic plot was made" in page
    assert "The manifest is empty" in page


def test_a_quick_look_says_so_beside_the_answer(make_report, html):
    assert "quick look" not in html
    assert "quick look" in render(make_report(manifest={"analysis": {"quick": True}}))


def test_the_page_is_the_same_every_time_and_small(make_report, html):
    assert html == render(make_report())
    assert len(html.encode()) < 200_000


def test_the_page_is_built_for_screen_readers(html):
    page = Page(html)
    assert ("html", {"lang": "en"}) in page.tags
    drawings = [content for tag, content in page.tags if tag == "svg"]
    assert [(drawing["role"], drawing["aria-label"]) for drawing in drawings] == [
        ("img", "Survival"),
        ("img", "Hazard"),
        ("img", "Trace"),
    ]
    tags = Counter(tag for tag, _ in page.tags)
    assert tags["h1"] == 1
    assert tags["caption"] == tags["table"]
    numbers = [int(number) for number in re.findall(r"<b>Table (\d+)\.", html)]
    assert numbers == list(range(1, tags["table"] + 1))


def test_an_svg_keeps_its_drawing_and_loses_the_rest(make_report):
    figure = make_report().figures[0]
    drawing = embedded_svg(figure.drawing.wide(), "fig", "A & B")
    root = ElementTree.fromstring(drawing)
    assert root.tag == "svg"
    assert (root.get("viewBox"), root.get("aria-label")) == ("0 0 360 180", "A & B")
    assert "2024" not in drawing
    assert "http" not in drawing
    path, use = root.find("defs/path"), root.find("g/use")
    assert path is not None
    assert use is not None
    assert path.get("d") == "M 2188 4044.12 L 10.5 -0"
    assert use.get("href") == "#fig-DejaVuSans-41" == f"#{path.get('id')}"
    assert use.get("style") == "fill: url(#fig-p1234)"
    text = root.find("g/text")
    assert text is not None
    assert text.text == 'id="not-an-id" <b>'


def test_an_svg_can_neither_run_nor_load_anything():
    drawing = embedded_svg(
        '<svg xmlns="http://www.w3.org/2000/svg" onload="run()"><script>run()</script>'
        '<a href="https://example.org/"><image href="data:image/png;base64,AA"/>\x0b</a></svg>',
        "fig",
        "A",
    )
    assert "run" not in drawing
    assert "example" not in drawing
    assert "data:image/png" in drawing


@pytest.mark.parametrize(
    ("citation", "address"),
    [
        ("doi:10.1200/JCO.1994.12.10.2086", "https://doi.org/10.1200/JCO.1994.12.10.2086"),
        (
            "Li et al. 2024, https://doi.org/10.3389/fendo.2023.1305429.",
            "https://doi.org/10.3389/fendo.2023.1305429",
        ),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_only_a_doi_becomes_a_link(citation, address):
    assert citation_link(citation) == address
