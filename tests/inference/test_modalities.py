"""Groups whose sizes are not printed: shrinkage against quadrature, Cox models against another library, what is said."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

from data.simulation.simulate import Truth, simulate_cohort
from inference.report.figures.subgroups import subgroups_figure
from inference.report.sections.modalities import modality_section
from inference.sensitivity.modalities import effect_by_group, group_ratios, shrunken, sizes_in_words
from models.priors import Prior, PriorSet

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
