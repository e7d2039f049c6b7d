"""The audit as a whole: every family, stable ids, and studies with few tables."""

import re
from collections import Counter

import pytest

from data.audit import CHECKS, SEVERITIES, Finding, audit, by_severity
from data.evidence import load_evidence
from data.study import load_study


@pytest.fixture(scope="module")
def findings(study, evidence):
    return audit(study, evidence)


def test_each_id_occurs_once_and_begins_with_its_family(findings):
    assert [name for name, times in Counter(one.id for one in findings).items() if times > 1] == []
    for one in findings:
        assert one.id.startswith(one.family.replace("_", "-") + "-")
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)


@pytest.mark.parametrize("family", CHECKS)
def test_a_family_names_itself_and_says_one_sentence(findings, family):
    own = [one for one in findings if one.family == family]
    assert own
    for one in own:
        assert one.finding.endswith(".")
        assert all((one.subject, one.printed, one.recomputed))
        assert "nan" not in f" {one.recomputed} ".split()


def test_the_most_severe_come_first(findings):
    order = [SEVERITIES.index(one.severity) for one in findings]
    assert order == sorted(order)
    assert [one.id for one in findings if one.severity == "high"] == [
        "cox-centre-univariable-text-after-rt-yes",
        "repeats-univariable-after-rt-yes",
    ]


def test_the_same_evidence_gives_the_same_findings(study, evidence, findings):
    assert audit(study, evidence) == findings


def test_an_unknown_severity_is_refused():
    with pytest.raises(ValueError, match="severity of a-b must be one of high, medium, low, consistent"):
        Finding("a-b", "a", "grave", "", "", "", "")  # ty: ignore[invalid-argument-type]


def test_sorting_keeps_the_order_within_a_severity():
    made = [
        Finding(f"a-{n}", "a", severity, "", "", "", "") for n, severity in enumerate(("low", "high", "low"))
    ]
    assert [one.id for one in by_severity(tuple(made))] == ["a-1", "a-0", "a-2"]


def test_a_study_with_two_tables_and_no_matching(tiny):
    study = load_study(tiny)
    found = {one.id: one for one in audit(study, load_evidence(study))}
    assert {one.family for one in found.values()} == {
        "counts",
        "percentages",
        "p_values",
        "survival",
        "hazards",
    }
    assert found["p-values-grade-before"].severity == "medium"  # Yates and Fisher say the opposite
    assert found["percentages-grade-before"].severity == "consistent"
    assert found["survival-median-treated-before"].recomputed.startswith("between 12 and 24 months")
    assert "all patients" in found["hazards-proportional-before"].subject
