"""Table 1: what li2024's holds, and errors planted in it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import hypergeom

from data.published.audit import audit
from data.published.audit.balance import (
    chance_limit,
    differences,
    largest_by_chance,
    standardised_differences,
)
from data.published.audit.margins import margins, patients_of
from data.published.printed import printed


def severities(findings):
    return {one.severity for one in findings.values()}


@pytest.mark.parametrize("family", ["counts", "percentages", "matching"])
def test_the_table_as_printed_is_consistent(found, family):
    assert len(found(family)) > 15
    assert severities(found(family)) == {"consistent"}


def test_a_level_that_does_not_add_up(found, recounted):
    planted = found("counts", recounted("T Stage", "T2", "treated", "before", count=87))
    assert planted["counts-t-stage-before"].severity == "medium"
    assert planted["counts-t-stage-before"].recomputed == "Radiotherapy: 206 of 207"
    assert planted["counts-t-stage-after"].severity == "consistent"


def test_text_and_table_with_other_numbers_of_patients(found, reprinted):
    planted = found("counts", reprinted("treated", "before", "n", "206"))
    assert planted["counts-size-treated-before"].severity == "high"
    assert planted["counts-size-all-before"].recomputed == "206 + 281 = 487"
    assert planted["counts-size-all-before"].severity == "high"


def test_more_on_hormone_therapy_than_are_receptor_positive(found, recounted):
    planted = found("counts", recounted("Hormone Therapy", "Positive", "control", "after", count=89))
    assert planted["counts-hormone-therapy-requires-hr-expression-control-after"].severity == "medium"


def test_too_few_sites_for_every_patient(found, evidence, with_rows):
    planted = found("counts", with_rows(evidence, "counts", {"count": 10}, multiple=True, arm="treated"))
    assert planted["counts-at-least-one-treated-before"].severity == "medium"
    assert planted["counts-at-least-one-control-before"].severity == "consistent"


def test_a_percentage_of_another_count(found, recounted):
    planted = found("percentages", recounted("Ki-67", "<14", "treated", "after", percent=printed("19.2")))
    assert planted["percentages-ki-67-lt-14-treated-after"].recomputed == "26/135 = 19.26 %"
    assert planted["percentages-ki-67-lt-14-treated-after"].severity == "low"


def test_a_percentage_of_deaths_of_another_number(found, reprinted):
    assert found("percentages")["percentages-deaths-all-before"].recomputed == "344/488 = 70.49 %"
    planted = found("percentages", reprinted("", "before", "deaths", "345"))
    assert planted["percentages-deaths-all-before"].severity == "medium"


def test_more_after_matching_than_before(found, recounted):
    planted = found("matching", recounted("Chemotherapy", "Anthracycline", "treated", "after", count=10))
    assert planted["matching-chemotherapy"].severity == "medium"
    assert "10 after, 9 before" in planted["matching-chemotherapy"].printed


def test_more_deaths_than_unmatched_patients(found, reprinted):
    planted = found("matching", reprinted("", "after", "deaths", "120"))
    assert planted["matching-deaths"].severity == "high"
    assert planted["matching-deaths"].recomputed == "224 of 218 unmatched"


def test_no_survival_of_the_unmatched_fits(found, reprinted):
    planted = found("matching", reprinted("treated", "after", "survival_60m", "70.0"))
    assert planted["matching-survival-treated"].severity == "medium"
    assert "60: -7 %" in planted["matching-survival-treated"].recomputed


def test_the_column_before_is_pearsons_without_correction(found):
    column = found("p_values")["p-values-column-before"]
    assert column.severity == "consistent"
    assert column.recomputed.startswith("Pearson's chi-squared test without correction 14 of 14")
    assert "Yates's correction 3, Fisher's exact test 4" in column.recomputed


def test_the_column_after_is_of_a_paired_test_and_of_no_unpaired_one(found):
    column = found("p_values")["p-values-column-after"]
    assert column.recomputed.startswith("a paired test (exact McNemar, McNemar-Bowker) 14 of 14")
    assert "without correction 1," in column.recomputed
    assert found("p_values")["p-values-two-tests"].severity == "medium"


def test_discordant_pairs_follow_from_the_exact_mcnemar_p(found):
    p_values = found("p_values")
    assert "with 66 discordant pairs" in p_values["p-values-age-years-after"].recomputed
    assert "with 75 discordant pairs" in p_values["p-values-hormone-therapy-after"].recomputed


def test_pathology_would_differ_after_matching_under_the_test_used_before(found):
    one = found("p_values")["p-values-pathological-type-after"]
    assert one.severity == "medium"
    assert one.recomputed.startswith("Pearson 0.039; Fisher 0.040; paired 0.001 to 0.216")
    hanging = [two.id for two in found("p_values").values() if two.severity == "medium"]
    assert hanging == ["p-values-pathological-type-after", "p-values-two-tests"]


def test_a_p_that_no_test_gives(found, evidence, with_rows):
    changed = with_rows(evidence, "counts", {"p": printed("0.404")}, variable="N Stage", phase="before")
    planted = found("p_values", changed)
    assert planted["p-values-n-stage-before"].severity == "medium"
    assert "No test" in planted["p-values-n-stage-before"].finding
    column = planted["p-values-column-before"]
    assert column.severity == "consistent"  # the other 13 are of one test
    assert column.recomputed.startswith("Pearson's chi-squared test without correction 13 of 14")


def test_where_no_test_gives_most_p_values_that_is_the_finding(study, evidence, with_rows):
    changed = with_rows(evidence, "counts", lambda row: {"p": row.p and printed("0.404")}, phase="before")
    found = {one.id: one for one in audit(study, changed)}
    assert found["p-values-column-before"].severity == "medium"
    before = [name for name in found if name.startswith("p-values-") and name.endswith("-before")]
    assert before == ["p-values-column-before"]


def test_a_p_of_another_test_than_the_rest(found, evidence, with_rows):
    of = {"variable": "Age (years)", "phase": "before"}
    changed = with_rows(evidence, "counts", {"p": printed("0.564")}, **of)
    one = found("p_values", changed)["p-values-age-years-before"]
    assert one.severity == "low"
    assert "Yates" in one.finding


@pytest.mark.parametrize("p", ["", "0.5"])
def test_a_detail_that_only_one_arm_has_is_no_contradiction(study, evidence, p):
    """The technique of a treatment: 150 and 57 of the treated, none of the controls."""
    first = next(row for row in evidence.counts if row.variable == "Ki-67")
    more = [
        replace(
            first, variable="Technique", level=level, column="", value=level, phase="before", arm=arm,
            size=207 if arm == "treated" else 281, count=count, percent=None, p=printed(p) if p else None,
        )
        for level, arm, count in (
            ("IMRT", "treated", 150), ("IMRT", "control", 0), ("3D-CRT", "treated", 57), ("3D-CRT", "control", 0)
        )
    ]  # fmt: skip
    found = audit(study, replace(evidence, counts=(*evidence.counts, *more)))
    own = {one.id: one.severity for one in found if "technique" in one.id}
    assert own.pop("counts-technique-before") == "consistent"
    assert own == ({"p-values-technique-before": "low"} if p else {})


def test_standardised_differences_against_the_formula(evidence):
    (one,) = [m for m in margins(evidence) if m.name == "Pathological Type" and m.phase == "after"]
    first, second = 2 / 135, 9 / 135
    by_hand = (first - second) / np.sqrt((first * (1 - first) + second * (1 - second)) / 2)
    assert standardised_differences(one)["Lobular carcinoma"] == pytest.approx(by_hand)


def test_balance_after_matching_is_that_of_a_randomised_trial(found):
    balance = found("balance")
    assert {one.severity for one in balance.values()} == {"consistent"}
    assert "more than before matching (-0.08)" in balance["balance-pathological-type"].finding
    assert balance["balance-chemotherapy"].recomputed.startswith(
        "standardised difference +0.22, before +0.13;"
    )
    assert "stays below 0.38 in all printed variables" in balance["balance-chemotherapy"].recomputed


def test_an_imbalance_that_chance_does_not_leave(found, evidence, with_rows):
    """Thirty pairs are turned round: 80 of 135 treated and 25 of 135 controls have it."""
    counts = {"Positive": {"treated": 55, "control": 110}, "Negative": {"treated": 80, "control": 25}}
    of = {"variable": "HR Expression", "phase": "after"}
    changed = with_rows(evidence, "counts", lambda row: {"count": counts[row.level][row.arm]}, **of)
    planted = found("balance", changed)
    assert [one.id for one in planted.values() if one.severity == "medium"] == ["balance-hr-expression"]


def randomised(tables, rng):
    """The same margins, each patient's arm drawn."""
    drawn = []
    for table in tables:
        totals = table.sum(axis=0)
        treated = rng.multivariate_hypergeometric(totals, int(table[0].sum()))
        drawn.append(np.array([treated, totals - treated]))
    return drawn


def test_one_randomised_trial_in_twenty_is_called_unbalanced(evidence):
    tables = [one.table for one in margins(evidence) if one.phase == "after"]
    limit, rng = largest_by_chance(tables), np.random.default_rng(1)
    called = [
        max(np.abs(differences(table, table.sum(axis=1))).max() for table in randomised(tables, rng)) > limit
        for _ in range(2000)
    ]
    assert 0.035 < np.mean(called) < 0.065  # 3 standard errors around 0.05


def test_the_limit_of_one_variable_is_that_of_its_exact_distribution():
    table = np.array([[40, 60], [55, 45]])
    possible = np.arange(0, 96)
    chances = hypergeom.pmf(possible, 200, 95, 100)
    apart = np.array(
        [
            abs(differences(np.array([[n, 100 - n], [95 - n, 5 + n]]), np.array([100, 100]))[0])
            for n in possible
        ]
    )
    limit = largest_by_chance([table], trials=40_000)
    assert chances[apart > limit + 1e-9].sum() < 0.05
    assert chances[apart > limit - 1e-9].sum() > 0.04


def test_the_limit_is_the_same_in_every_run(evidence):
    assert (
        chance_limit(evidence, "after") == chance_limit(evidence, "after") == pytest.approx(0.3804, abs=1e-4)
    )


def test_a_level_shared_by_none_or_all_of_one_arm_is_infinitely_far(evidence):
    (one,) = [m for m in margins(evidence) if m.name == "Ki-67" and m.phase == "before"]
    apart = replace(one, treated=(0, 207), control=(281, 0))
    assert standardised_differences(apart) == {"<14": -np.inf, "≥14": np.inf}
    assert standardised_differences(replace(one, treated=(0, 207), control=(0, 281)))["<14"] == 0


def test_patients_behind_a_covariate(evidence):
    assert patients_of(evidence, "age", ("≥50",), "after") == 122
    assert patients_of(evidence, "n_stage", ("N1", "N2", "N3"), "before", "treated") == 186
    assert patients_of(evidence, "unheard", ("1",), "before") is None
