"""Covariates of unknown timing: the effect without them, and the limit that names them."""

import math

import numpy as np
import pandas as pd
import pytest

from data.published.evidence import load_evidence
from data.simulation.simulate import Truth, simulate_cohort
from data.study.study import load_study
from data.study.without_covariates import columns_of
from inference.frequentist import comparators
from inference.frequentist.without import COMPLETE, NOTHING, TOGETHER, effect_without
from inference.report.sections.untimed import limits_of_publication, untimed_section


@pytest.fixture(scope="module")
def cohorts():
    return [simulate_cohort(Truth(), 400, seed=seed) for seed in (1, 2, 3)]


def test_columns_of_a_covariate_are_those_of_its_terms(cohorts):
    design = cohorts[0].outcome
    for covariate in cohorts[0].covariates:
        found = [term for term, own in zip(design.terms, columns_of(design, [covariate]), strict=True) if own]
        assert found
        assert all(term.startswith(covariate) for term in found)
    assert columns_of(design, list(cohorts[0].covariates)).all()
    assert not columns_of(design, []).any()


def test_nothing_and_everything_left_out_are_the_multivariable_and_the_univariable_model(cohorts):
    first = cohorts[:1]
    table = comparators(first[0], 24.0, (12.0,))
    cox = table[table["statistic"] == "hazard_ratio"].set_index("method")
    found = effect_without.function(first, {"one": list(first[0].covariates)}).set_index("left_out")
    for name, method in (
        ("none", "Cox, multivariable (Efron)"),
        (NOTHING, "Cox, univariable"),
        ("one", "Cox, univariable"),
    ):
        for ours, theirs in (("hazard_ratio", "estimate"), ("lower", "lower"), ("upper", "upper")):
            assert found.loc[name, ours] == pytest.approx(cox.loc[method, theirs], rel=1e-5)


def test_several_cohorts_are_pooled_by_rubins_rules(cohorts):
    names = list(cohorts[0].covariates)
    groups = {"first": names[:1], "rest": names[1:]}
    pooled = effect_without.function(cohorts, groups).set_index("left_out")
    alone = [effect_without.function([cohort], groups).set_index("left_out") for cohort in cohorts]
    logs = np.array([np.log(one.loc["first", "hazard_ratio"]) for one in alone])
    errors = np.array(
        [np.log(one.loc["first", "upper"] / one.loc["first", "lower"]) / (2 * 1.959964) for one in alone]
    )
    variance = np.mean(errors**2) + np.var(logs, ddof=1) * (1 + 1 / 3)
    assert np.log(pooled.loc["first", "hazard_ratio"]) == pytest.approx(logs.mean())
    reach = np.log(pooled.loc["first", "upper"] / pooled.loc["first", "hazard_ratio"])
    assert reach == pytest.approx(1.959964 * np.sqrt(variance))
    assert pooled.loc[TOGETHER, "hazard_ratio"] == pytest.approx(pooled.loc[NOTHING, "hazard_ratio"])


def test_li2024_names_brain_sites_and_drugs():
    study = load_study("li2024")
    (limit,) = limits_of_publication(load_evidence(study))
    assert "brain metastasis" in limit
    assert "drugs" in limit
    groups = load_evidence(study).names.timing.unknown
    assert set(groups["drugs"]) == {"chemotherapy", "hormone_therapy", "targeted_therapy"}
    assert {one for group in groups.values() for one in group} < set(study.covariates)


def made_table(sampled):
    """Rows of `untimed_table`, the main model's from 0.46 to 0.53, or not fitted."""
    names = [COMPLETE, "brain metastasis", TOGETHER, NOTHING]
    table = pd.DataFrame(
        {"left_out": names, "terms": [22, 21, 11, 0], "cox_hazard_ratio": [0.43, 0.50, 0.52, 0.54]}
    ).assign(cox_lower=0.3, cox_upper=0.7, hazard_ratio=[0.46, 0.51, 0.53, np.nan])
    table = table.assign(lower=0.35, upper=0.65, log_hazard_ratio=np.log(table["hazard_ratio"]), sd=0.13)
    table["probability_of_benefit"] = 0.999
    if not sampled:
        table.loc[table["left_out"] != COMPLETE, list(table.columns[5:])] = np.nan
    return table


@pytest.mark.parametrize("sampled", [True, False])
def test_the_section_has_both_hazard_ratios_or_says_that_the_model_was_not_fitted(sampled):
    study = load_study("li2024")
    section = untimed_section(made_table(sampled), load_evidence(study), study)
    assert ("0.43 (0.30 to 0.70)" in section.finding, "0.52 (0.30 to 0.70)" in section.finding) == (
        True,
        True,
    )
    assert "other_site" not in section.paragraphs[0]
    (table,) = section.tables
    values = [[cell.sort for cell in row.cells[2:4]] for row in table.rows]
    assert [one for one, _ in values] == [0.43, 0.50, 0.52, 0.54]
    assert table.rows[0].cells[2].text == "0.43 (0.30 to 0.70)"  # Cox's own limits
    assert table.rows[0].cells[3].text == "0.46 (0.35 to 0.65)"
    if sampled:
        assert [one for _, one in values] == [0.46, 0.51, 0.53, math.inf]
        assert "-0.78 (0.13)" in table.rows[0].cells[4].text.replace("\u2212", "-")
    else:
        assert [one for _, one in values] == [0.46, math.inf, math.inf, math.inf]
    assert table.rows[-1].cells[3].text == "not fitted"
    numbers = {number for number in ("0.46", "0.53", "0.51") if number in section.paragraphs[1]}
    assert numbers == ({"0.46", "0.53", "0.51"} if sampled else set())
