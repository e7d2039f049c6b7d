"""The audit as a whole: every family, stable ids, and studies with few tables."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from data.published.audit import CHECKS, Finding, audit, by_severity, one_for_each_cause
from data.published.audit.finding import KINDS, SEVERITIES
from data.published.evidence import load_evidence
from data.published.evidence_rows import Mean
from data.published.printed import printed
from data.study.study import load_study


@pytest.fixture(scope="module")
def findings(study, evidence):
    return audit(study, evidence)


def test_each_id_occurs_once_and_begins_with_its_family(findings):
    assert [name for name, times in Counter(one.id for one in findings).items() if times > 1] == []
    at_fault = [one.cause or one.id for one in findings if one.severity != "consistent"]
    assert len(at_fault) == len(set(at_fault)) > 0
    for one in findings:
        assert one.id.startswith(one.family.replace("_", "-") + "-")
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)


@pytest.fixture(scope="module")
def with_curves():
    """Findings of a publication with curves, a mean, and a row that cannot be read."""
    study = load_study("gbsg2_published")
    evidence = load_evidence(study)
    age = Mean("Age", "treated", "before", 246, printed("56.613"), 1, "Table 1")
    unread = (f"{evidence.folder}/cox.csv, row 3: hr must be a number, but found 'x'; correct it.",)
    return audit(study, replace(evidence, means=(age,), unread=unread))


@pytest.mark.parametrize("family", CHECKS)
def test_a_family_names_itself_and_says_one_sentence(findings, with_curves, family):
    own = [one for one in (*findings, *with_curves) if one.family == family]
    assert own
    for one in own:
        assert one.finding.endswith(".")
        assert all((one.subject, one.printed, one.recomputed))
        assert "nan" not in f" {one.recomputed} ".split()


def test_the_most_severe_come_first(findings):
    order = [SEVERITIES.index(one.severity) for one in findings]
    assert order == sorted(order)
    assert [one.id for one in findings if one.severity == "high"] == [
        "cox-centre-univariable-text-after-rt-yes"
    ]


def test_the_same_evidence_gives_the_same_findings(study, evidence, findings):
    assert audit(study, evidence) == findings


@pytest.mark.parametrize(
    ("severity", "kind", "message"),
    [
        ("grave", "contradiction", "severity of a-b must be one of high, medium, low, consistent"),
        ("low", "other", "kind of a-b must be one of contradiction, not_reported, design, citation"),
    ],
)
def test_an_unknown_severity_or_kind_is_refused(severity, kind, message):
    with pytest.raises(ValueError, match=message):
        Finding("a-b", "a", severity, "", "", "", "", kind)


def test_sorting_keeps_the_order_within_a_severity():
    given = enumerate(("low", "high", "low"))
    made = [Finding(f"a-{n}", "a", severity, "", "", "", "") for n, severity in given]
    assert [one.id for one in by_severity(tuple(made))] == ["a-1", "a-0", "a-2"]


def test_a_study_with_two_tables_and_no_matching(tiny):
    study = load_study(tiny)
    found = {one.id: one for one in audit(study, load_evidence(study))}
    families = {"counts", "percentages", "p_values", "survival", "hazards"}
    assert {one.family for one in found.values()} == families
    assert found["p-values-column-before"].severity == "medium"  # no test gives the only P value
    assert found["percentages-grade-before"].severity == "consistent"
    assert found["survival-median-treated-before"].recomputed.startswith("between 12 and 24 months")
    assert "all patients" in found["hazards-proportional-before"].subject


def test_a_misprint_that_two_checks_meet_is_one_finding(findings):
    of_the_ratio = [one for one in findings if one.severity != "consistent" and "0.361" in one.printed]
    assert [one.id for one in of_the_ratio] == ["cox-centre-univariable-text-after-rt-yes"]
    assert "univariable hazard ratio of RT (yes)" in of_the_ratio[0].recomputed


def planted(study, evidence, findings):
    """What else is found in a changed publication than in the printed one."""
    before = {one.id for one in findings if one.severity != "consistent"}
    return [one for one in audit(study, evidence) if one.severity != "consistent" and one.id not in before]


def test_a_miscounted_cell_is_one_finding(study, findings, recounted, with_rows):
    """Its sum, its percentage, its P value and the counts after matching are all off, for one reason."""
    changed = recounted("T Stage", "T2", "treated", "before", count=50)
    (one,) = planted(study, changed, findings)
    assert one.id == "counts-t-stage-before"
    assert "T Stage: T2, Radiotherapy, before matching" in one.recomputed
    assert "T Stage, after matching against before" in one.recomputed
    of = {"variable": "Ki-67", "level": "<14", "arm": "control", "phase": "after"}
    two = with_rows(changed, "counts", lambda row: {"count": row.count + 9}, **of)
    found = sorted(one.id for one in planted(study, two, findings))
    assert found == ["counts-ki-67-after", "counts-t-stage-before"]


def test_a_wrong_number_of_deaths_is_one_finding(study, findings, reprinted):
    """Eleven standard errors, an overall P value, the percentage and the unmatched all deny it."""
    (one,) = planted(study, reprinted("", "after", "deaths", "120"), findings)
    assert one.recomputed.count("expected with") > 9
    assert (one.id, one.severity) == ("matching-deaths", "high")
    assert "120/270 = 44.44 %" in one.recomputed


def test_a_wrong_number_of_patients_is_one_finding(study, findings, reprinted):
    (one,) = planted(study, reprinted("treated", "before", "n", "206"), findings)
    assert (one.id, one.severity) == ("counts-size-treated-before", "high")
    assert "206 + 281 = 487" in one.recomputed


def test_a_misprinted_row_is_one_finding_though_p_value_and_precision_are_off_too(study, findings, recoxed):
    ratio = printed("1.146", "0.858", "3.532")  # the upper end has a digit too many
    (one,) = planted(study, recoxed("univariable", "Lung metastasis", "yes", hazard_ratio=ratio), findings)
    assert one.id.startswith(("cox-centre", "cutoffs-standard-error"))
    assert "standard error of Lung metastasis" in f"{one.subject} {one.recomputed}"


def test_findings_are_of_four_kinds(findings):
    kinds = {one.id: one.kind for one in findings}
    assert set(kinds.values()) == set(KINDS)
    assert {kinds[name] for name in kinds if name.startswith(("review-", "citations-"))} == {"citation"}
    assert {kinds[name] for name in kinds if name.startswith("balance-")} == {"design"}
    assert kinds["subgroups-sizes-metastatic-site"] == kinds["claims-c2-liver-metastasis"] == "not_reported"
    assert kinds["survival-interval-median-os-treated-before"] == "contradiction"


def test_of_one_cause_the_most_severe_finding_stays_at_its_place():
    made = [
        Finding("a-1", "a", "low", "first", "", "1", "", cause="x"),
        Finding("a-2", "a", "high", "second", "", "2", "", cause="x"),
        Finding("a-3", "a", "consistent", "third", "", "3", "", cause="x"),
        Finding("a-4", "a", "low", "fourth", "", "4", ""),
    ]
    assert [one.id for one in one_for_each_cause(made)] == ["a-2", "a-3", "a-4"]
    assert one_for_each_cause(made)[0].recomputed == "2. It shows again in: first (1)"
