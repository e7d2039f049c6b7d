"""Counts of Table 1 hold exactly, constraints hold, and counts that cannot be are refused."""

from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from data.published.reconstruction.covariates import draw_covariates
from data.published.reconstruction.margins import strata_of


def test_every_cell_of_table_1_is_counted_in_every_cohort(made, evidence):
    assert len(evidence.counts) > 100
    for _, patients in made.patients.groupby("cohort"):
        for row in evidence.counts:
            if not row.column:
                continue
            inside = patients[patients["treatment"] == (row.arm == "treated")]
            if row.phase == "after":
                inside = inside[inside["matched"] == 1]
            assert (inside[row.column] == row.value).sum() == row.count, row
            assert len(inside) == row.size


def test_no_pseudo_patient_breaks_a_constraint(made):
    patients = made.patients
    hormones = patients["hormone_therapy"] == "Positive"
    assert hormones.sum() == 2 * 214
    assert (patients.loc[hormones, "hr_expression"] == "Positive").all()
    sites = patients[["bone", "brain", "liver", "lung", "other_site"]]
    assert (sites == "1").any(axis=1).all()


def test_correlations_differ_between_cohorts(li2024, evidence):
    """What is not published is drawn: ranks go together in some cohorts and apart in others."""
    strata = strata_of(li2024, evidence)
    found = []
    for seed in range(30):
        levels = draw_covariates(
            li2024, evidence.names.constraints, strata, np.random.default_rng(seed)
        ).levels
        found.append(np.corrcoef(levels[:, 4], levels[:, 5])[0, 1])
    assert np.std(found) > 0.05
    assert abs(np.mean(found)) < 0.1


def test_strata_are_the_differences_of_the_columns(li2024, evidence):
    strata = strata_of(li2024, evidence)
    assert dict(zip(zip(strata.treated, strata.matched, strict=True), strata.sizes, strict=True)) == {
        (True, True): 135,
        (True, False): 72,
        (False, True): 135,
        (False, False): 146,
    }
    outside = int(np.flatnonzero(strata.treated & ~strata.matched)[0])
    assert strata.counts["brain"][outside].tolist() == [72 - 49, 49]


def test_counts_that_do_not_add_up_name_their_rows(li2024, evidence, with_counts):
    wrong = with_counts(evidence, "age", "<50", "treated", "before", 107)
    with pytest.raises(
        InputError, match=r"baseline\.csv.*\n.*age, treated, before.*add up to 207, but .* 206"
    ):
        strata_of(li2024, wrong)


def test_more_after_matching_than_before_is_refused(li2024, evidence, with_counts):
    wrong = with_counts(evidence, "brain", "1", "treated", "after", 95)
    with pytest.raises(InputError, match=r"brain, 1, treated: 95 after matching, but only 92 before"):
        strata_of(li2024, wrong)


def test_a_margin_that_a_constraint_forbids_is_refused(li2024, evidence, with_counts):
    wrong = with_counts(evidence, "hormone_therapy", "Positive", "treated", "after", 99)
    wrong = with_counts(wrong, "hormone_therapy", "Negative", "treated", "after", 36)
    with pytest.raises(InputError, match=r"99 are hormone_therapy Positive, but only 98"):
        strata_of(li2024, wrong)


def test_a_covariate_that_table_1_does_not_count_is_refused(li2024, evidence):
    wrong = replace(evidence, counts=tuple(row for row in evidence.counts if row.column != "ki67"))
    with pytest.raises(InputError, match=r"ki67, control, before matching: must count every level"):
        strata_of(li2024, wrong)
