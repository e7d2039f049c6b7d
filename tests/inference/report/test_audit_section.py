"""The section of the audit: lead from the counts, severe findings apart from the rest, one figure."""

import pytest

from data.published.audit import Finding, audit
from data.published.audit.uses import concerned, uses_of
from data.published.reconstruction.targets import targets_of
from inference.report.sections.audit import audit_section, lead


@pytest.fixture(scope="module")
def published(li2024, evidence):
    return li2024, evidence


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


def test_each_kind_of_finding_has_its_table(published):
    study, evidence = published
    section = audit_section(audit(study, evidence), evidence, study.time_unit)
    tables = {table.id: [row.kind for row in table.rows] for table in section.tables}
    assert tables["audit-contradiction"] == ["fail", "warn", "warn"]
    assert tables["audit-not-reported"] == tables["audit-design"] == ["warn"] * 3 + ["info"] * 3
    assert tables["audit-citation"] == ["warn"] * 4 + ["info"] * 18
    assert set(tables["audit-consistent"]) == {"pass"}
    assert len(tables["audit-consistent"]) > 24  # the page folds it
    (figure,) = section.figures
    assert figure.drawing.wide().startswith("<svg")
    assert figure.group == "section"


def test_without_evidence_there_is_no_figure():
    assert audit_section([finding(1, "high")]).figures == ()


def test_doubtful_numbers_say_whether_they_are_aimed_at(published):
    study, evidence = published
    findings = audit(study, evidence)
    uses = uses_of(study, evidence, findings)
    by_id = {one.finding.id: one for one in uses}
    misprint = by_id["cox-centre-univariable-text-after-rt-yes"]
    assert misprint.targets == ()
    assert "0.485 (0.361–0.650)" in misprint.said
    median = by_id["survival-interval-median-os-treated-before"]
    assert len(median.targets) == 2  # the median and its standard error
    age = by_id["cutoffs-two-ways-age-ge-60"]
    assert "≥50" in age.said
    assert any("Age" in name for name in age.targets)
    assert set(misprint.targets + median.targets + age.targets) <= {
        one.name for one in targets_of(study, evidence)
    }
    section = audit_section(findings, evidence, study.time_unit, uses=uses)
    (table,) = [one for one in section.tables if one.id == "audit-uses"]
    assert len(table.rows) == 3
    assert "of 3 that are doubted, 2 are aimed at" in section.paragraphs[-1]


def test_every_target_with_a_finding_of_its_own_id_is_found(published):
    """The ids by which targets and findings meet are those that the audit gives."""
    study, evidence = published
    given = {one.id for one in audit(study, evidence)}
    wanted = {one for _, about in concerned(study, evidence) for one in about}
    met = wanted & given
    assert len(met) > 40
    assert {one.split("-")[0] for one in met} == {
        "survival",
        "cox",
        "cutoffs",
        "hazards",
        "matching",
        "repeats",
    }
