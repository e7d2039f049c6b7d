"""The section of the audit: lead from the counts, severe findings apart from the rest, one figure."""

import pytest

from data.audit import Finding, audit
from data.evidence import load_evidence
from data.study import load_study
from inference.report.audit_section import audit_section, lead


@pytest.fixture(scope="module")
def published():
    study = load_study("li2024")
    return study, load_evidence(study)


def finding(number, severity):
    return Finding(f"made-{number}", "made", severity, "of what", "1.0", "2.0", f"Sentence {number}.")


def test_the_lead_counts_what_was_found():
    made = [finding(n, severity) for n, severity in enumerate(("low", "high", "consistent", "consistent"))]
    first, second = lead(made)
    assert first.startswith("2 of 4 checks agree with what is printed; the other findings are 1 high, 1 low")
    assert "medium" not in first
    assert second == "Sentence 1."


def test_a_clean_paper_and_one_that_prints_nothing_to_check():
    assert lead([finding(1, "consistent")])[0].startswith("1 of 1 checks agree")
    assert "contradicts" in lead([finding(1, "consistent")])[0]
    assert lead([]) == ("No published number could be checked against another.",)
    assert audit_section([]).tables == ()


def test_severe_findings_stand_first_and_the_rest_is_a_long_table(published):
    study, evidence = published
    section = audit_section(audit(study, evidence), evidence, study.time_unit)
    severe, rest = section.tables
    assert section.title == "What the paper's numbers say about each other"
    assert [row.kind for row in severe.rows] == ["fail"] * 2 + ["warn"] * 14
    assert {row.kind for row in rest.rows} == {"info", "pass"}
    assert len(rest.rows) > 24  # the page folds it
    (figure,) = section.figures
    assert figure.drawing().startswith("<svg")
    assert figure.group == "section"


def test_without_evidence_there_is_no_figure():
    assert audit_section([finding(1, "high")]).figures == ()
