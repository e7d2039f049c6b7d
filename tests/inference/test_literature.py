"""Hazard ratios that printed numbers imply, effects in groups whose sizes are not printed, and findings that come back."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats
from scipy.stats import norm

from data.published.audit import Finding
from data.published.evidence import load_evidence
from data.simulation.simulate import Truth, simulate_cohort
from data.study.study import load_study
from inference.published import audited
from inference.published.audited import audit_table, findings_of
from inference.published.implied_hazard_ratios import implied_ratios, standard_error
from inference.report.figures.subgroups import subgroups_figure
from inference.report.sections.modalities import modality_section
from inference.sensitivity.modalities import effect_by_group, group_ratios, shrunken, sizes_in_words
from models.priors import Prior, PriorSet


@pytest.fixture(scope="module")
def ratios():
    return implied_ratios(load_evidence(load_study("li2024")), "antiher2_survival", "BCBM").set_index("id")


def test_rows_are_the_comparisons_of_overall_survival(ratios):
    assert list(ratios.index) == ["E035", "E043", "E068", "E070"]


def test_ratios_are_those_of_constant_hazards(ratios):
    """Two exponential curves with these hazards have the printed medians, or the printed survival."""
    for row, treated, control in (("E043", 26.8, 12.9), ("E070", 34.0, 8.0)):
        hazard = np.log(2) / control
        assert np.exp(-hazard * ratios.loc[row, "hazard_ratio"] * treated) == pytest.approx(0.5)
    hazard = -np.log(0.33) / 3
    assert np.exp(-hazard * ratios.loc["E035", "hazard_ratio"] * 3) == pytest.approx(0.49)


def test_intervals_give_the_printed_p_value_back(ratios):
    for row, p in (("E035", 0.03), ("E043", 0.008), ("E070", 0.001)):
        centre, low, high = np.log(ratios.loc[row, ["hazard_ratio", "lower", "upper"]].astype(float))
        assert (low + high) / 2 == pytest.approx(centre)
        z = abs(centre) / ((high - low) / (2 * norm.ppf(0.975)))
        assert 2 * norm.sf(z) == pytest.approx(p)


def test_words_and_ranges_imply_nothing(ratios):
    assert ratios.loc["E068", ["hazard_ratio", "lower", "upper"]].isna().all()
    assert np.isnan(standard_error(-0.4, ""))
    assert np.isnan(standard_error(-0.4, "<0.001"))


ESTIMATE = np.array([-0.9, -0.5, -0.3])
COVARIANCE = np.array([[0.09, 0.02, 0.02], [0.02, 0.06, 0.02], [0.02, 0.02, 0.12]])
GROUPS = {"wide": 40.0, "narrow": 55.0}


def with_spread(median, sigma=0.05):
    spread = Prior("LogNormal", {"mu": float(np.log(median)), "sigma": sigma})
    return PriorSet("made up", "", {"subgroup_effect_sd": spread})


@pytest.fixture(scope="module")
def divided():
    """Two cohorts, the treated of each divided at random, three of them in no group."""
    cohorts, labels = [], []
    for seed in (1, 2):
        cohort = simulate_cohort(Truth(), 300, seed=seed)
        rng = np.random.default_rng(seed)
        label = np.where(cohort.treatment, rng.choice(list(GROUPS), 300, p=[0.6, 0.4]), "").astype(object)
        label[np.flatnonzero(cohort.treatment)[:3]] = ""
        cohorts.append(cohort)
        labels.append(label)
    return cohorts, labels


def test_shrunken_effects_are_those_of_the_hierarchical_model():
    """Mean and standard deviation of each group against importance weights of a million draws from the prior."""
    priors = with_spread(0.3, 0.6)
    draws = shrunken(ESTIMATE, COVARIANCE, priors, 40_000, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    spread = np.exp(np.log(0.3) + 0.6 * rng.standard_normal(1_000_000))
    theta = rng.normal(0.0, 0.5, 1_000_000)[:, None] + spread[:, None] * rng.standard_normal((1_000_000, 3))
    weight = stats.multivariate_normal(ESTIMATE, COVARIANCE).pdf(theta)
    weight /= weight.sum()
    mean = weight @ theta
    assert_allclose(draws.mean(axis=0), mean, atol=0.01)
    assert_allclose(draws.std(axis=0), np.sqrt(weight @ (theta - mean) ** 2), rtol=0.03)


def test_without_spread_all_groups_have_one_effect_and_with_much_each_its_own():
    rng = np.random.default_rng(1)
    one = shrunken(ESTIMATE, COVARIANCE, with_spread(1e-4), 4000, rng)
    assert np.ptp(one, axis=1).max() < 0.005
    precision = np.linalg.inv(COVARIANCE)
    total = precision.sum() + 1 / 0.25  # the prior of the effect is Normal(0, 0.5)
    assert one.mean() == pytest.approx((precision @ ESTIMATE).sum() / total, abs=4 / np.sqrt(4000 * total))
    own = shrunken(ESTIMATE, COVARIANCE, with_spread(50.0), 4000, rng)
    assert_allclose(own.mean(axis=0), ESTIMATE, atol=0.03)
    assert_allclose(np.cov(own.T), COVARIANCE, atol=0.01)


def test_ratios_of_groups_are_those_of_a_cox_model_with_a_column_for_each(divided):
    cohort, label = divided[0][0], divided[1][0]
    estimate, covariance = group_ratios(cohort, label, list(GROUPS))
    inside = (label != "") | ~cohort.treatment
    member = np.column_stack([label == group for group in GROUPS]).astype(float)
    columns = np.hstack([member, cohort.outcome.values])[inside]
    other = sm.PHReg(
        cohort.time[inside], columns, status=cohort.event[inside].astype(int), ties="efron"
    ).fit()
    assert_allclose(estimate, other.params[:2], atol=1e-6)
    assert_allclose(np.sqrt(np.diag(covariance)), other.bse[:2], rtol=1e-5)


def test_sizes_and_intervals_hold_what_differs_between_cohorts(divided):
    cohorts, labels = divided
    found = effect_by_group(cohorts, labels, GROUPS, "beam_width", PriorSet("default"), 1)
    counts = np.array([[(label == group).sum() for group in GROUPS] for label in labels])
    table = found.table
    assert table["group"].tolist() == list(GROUPS)
    assert table["patients"].tolist() == counts.mean(axis=0).tolist()
    assert table["patients_low"].tolist() == counts.min(axis=0).tolist()
    assert table["patients_high"].tolist() == counts.max(axis=0).tolist()
    alone = [group_ratios(cohort, label, list(GROUPS)) for cohort, label in zip(cohorts, labels, strict=True)]
    mixture = np.mean(
        [stats.norm(one[0][0], np.sqrt(one[1][0, 0])).cdf(np.log(table["alone_lower"][0])) for one in alone]
    )
    assert mixture == pytest.approx(0.025, abs=0.012)
    assert (table["upper"] - table["lower"] < table["alone_upper"] - table["alone_lower"]).all()
    again = effect_by_group(cohorts, labels, GROUPS, "beam_width", PriorSet("default"), 1).table
    assert again.equals(table)


def test_the_section_says_that_sizes_are_not_printed(divided):
    cohorts, labels = divided
    found = effect_by_group(cohorts, labels, GROUPS, "beam_width", PriorSet("default"), 1)
    row = found.table.iloc[0]
    assert f"wide {row['patients_low']} to {row['patients_high']}" in sizes_in_words(found)
    section = modality_section(found, "beam width", "months", ())
    assert section.title == "Does the effect differ by beam width"
    assert [row.cells[2].text for row in section.tables[0].rows] == ["40", "55"]
    shown = found.table.rename(columns={"group": "level"}).assign(covariate="beam width")
    texts = [text.get_text() for text in subgroups_figure(shown).axes[0].texts]
    assert f"{row['patients']:.0f} ({row['patients_low']} to {row['patients_high']})" in texts


FINDINGS = (
    Finding("cox: a", "cox", "high", "HR of age", "0.36 (0.2, 0.5)", "0.32", "The centre is another.", "contradiction", "a"),
    Finding("counts: b", "counts", "consistent", "Table 1", "12", "", "All agree.", "not_reported"),
)  # fmt: skip


def test_findings_survive_the_table_and_the_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(audited, "audit", lambda study, evidence: FINDINGS)
    assert findings_of(audit_table.function(None, None)) == FINDINGS
    audit_table.form.write(audit_table.function(None, None), tmp_path / "table.parquet")
    assert findings_of(pd.read_parquet(tmp_path / "table.parquet")) == FINDINGS
