"""Reporting checklists: statuses follow from the results, and every item that is done has its place on the page."""

import re

import pandas as pd
import pytest

from data.study.study import load_study
from inference.report.checklist_items import GUIDELINES, ITEMS, Item
from inference.report.checklists_section import (
    DONE,
    FACTS,
    NOT,
    PART,
    checklists_section,
    place_of,
    status_of,
)
from inference.report.content import FigureItem, ReportSection
from inference.report.page import render
from inference.report.standard_sections import sections_in_order

OWN = ("adjustments", "missing", "exposures", "effect-shapes", "feedback", "timing", "confounding", "audit")


@pytest.fixture
def full(make_report):
    """A report with every section and figure that an item may point to, from a clean commit."""
    report = make_report()
    figures, drawing = [*report.figures], report.figures[0].drawing
    for name in ("prior-survival", "loo"):
        figures.append(FigureItem(name, name, "Read it so.", drawing, "checks"))
    sections = [ReportSection(name, name.title(), ("Text.",)) for name in OWN]
    manifest = {**report.manifest, "fits": {"main": ["a"]}}
    return make_report(figures=figures, sections=sections, manifest=manifest)


def contents(report):
    return [("answer", "The answer"), *((one.id, one.title) for one in sections_in_order(report, []))]


def rows_of(report):
    section = checklists_section(report, contents(report))
    return {
        (table.id.removeprefix("checklist-").upper(), row.cells[0].text): row
        for table in section.tables
        for row in table.rows
    }


def test_every_guideline_has_its_items_once():
    codes = [(item.guideline, item.code) for item in ITEMS]
    assert len(set(codes)) == len(codes)
    counts = {name: sum(item.guideline == name for item in ITEMS) for name in GUIDELINES}
    assert counts == {"BARG": 23, "STROBE": 26, "TARGET": 22}
    numbers = {int(re.match(r"\d+", item.code)[0]) for item in ITEMS if item.guideline == "STROBE"}
    assert numbers == set(range(1, 23))


def test_items_need_facts_that_can_be_known_and_places_that_there_can_be(full):
    known = {anchor for anchor, _ in contents(full)}
    for item in ITEMS:
        assert {*item.done, *item.part} <= set(FACTS), item.code
        assert set(item.places) <= known, item.code
        assert item.lacking or (item.done and not item.part), item.code
        assert item.places or not (item.done or item.part), f"{item.code} is done nowhere"
    assert {name for item in ITEMS for name in (*item.done, *item.part)} == set(FACTS)


@pytest.mark.parametrize("complete", [False, True])
def test_every_item_that_is_done_has_its_place_on_the_built_page(make_report, full, complete):
    report = full if complete else make_report()
    page = render(report)
    anchors = set(re.findall(r'<section id="([^"]+)"', page))
    part = page.split('<section id="checklists"')[1].split("</section>")[0]
    links = re.findall(r'<a href="#([^"]+)">', part)
    rows = rows_of(report)
    assert len(rows) == len(ITEMS)
    assert set(links) <= anchors
    assert len(links) == sum(row.cells[2].text != NOT for row in rows.values())
    for row in rows.values():
        assert (row.cells[3].link in anchors) == (row.cells[2].text != NOT)
        assert (row.cells[4].text == "") == (row.cells[2].text == DONE)


def test_a_fuller_analysis_does_more(make_report, full):
    def done(report):
        return {code for code, row in rows_of(report).items() if row.cells[2].text == DONE}

    assert done(make_report()) < done(full)
    assert {("BARG", "1E"), ("STROBE", "9"), ("STROBE", "12b"), ("TARGET", "Sensitivity")} <= done(
        full
    ) - done(make_report())


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"sensitivity": None}, ("BARG", "5A-C"), NOT),
        ({"manifest": {}}, ("BARG", "6D"), NOT),
        ({"manifest": {}}, ("BARG", "2A"), NOT),
        ({"manifest": {"command": ["x"], "clean": False}}, ("BARG", "6B"), PART),
        ({}, ("BARG", "6B"), DONE),
        ({}, ("BARG", "5A-C"), DONE),
        ({}, ("BARG", "1E"), NOT),
        ({}, ("STROBE", "22"), NOT),
        ({}, ("TARGET", "Protocol"), NOT),
    ],
)
def test_statuses_follow_from_the_results(make_report, changes, code, status):
    assert rows_of(make_report(**changes))[code].cells[2].text == status


def test_priors_without_reasons_are_reported_in_part(make_report):
    report = make_report()
    bare = make_report(priors=pd.DataFrame(report.priors.assign(reason=["", "per year"])))
    assert rows_of(report)["BARG", "1C"].cells[2].text == DONE
    assert rows_of(bare)["BARG", "1C"].cells[2].text == PART


def test_a_quick_look_does_not_claim_all_sensitivity_analyses(make_report):
    quick = make_report(
        manifest={"command": ["rtsurv", "analyse", "gbsg2", "--quick"], "analysis": {"quick": True}}
    )
    assert rows_of(quick)["STROBE", "12e"].cells[2].text == PART


def test_known_starts_make_time_zero_done(make_report):
    report = make_report()
    split = make_report(
        study=load_study("stanford_heart"),
        main={**report.main, "exposure": "time_split"},
        estimands=report.estimands.assign(exposure="time_split"),
        sections=[ReportSection("exposures", "When", ("Text.",))],
    )
    assert rows_of(split)["TARGET", "Time zero"].cells[2].text == DONE
    assert rows_of(report)["TARGET", "Time zero"].cells[2].text == NOT


def test_status_and_place_of_an_item():
    item = Item("BARG", "x", "y", ("timing", "limits"), ("a", "b"), ("a",), "z")
    assert status_of(item, {"a": True, "b": True}) == DONE
    assert status_of(item, {"a": True, "b": False}) == PART
    assert status_of(item, {"a": False, "b": True}) == NOT
    assert place_of(item, ["answer", "limits"]) == "limits"
    assert place_of(item, ["answer"]) == ""
