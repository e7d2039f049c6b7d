"""Balance, weights of designs and of the bootstrap, and overlap: by hand, moments, and the population they stand for."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

from data.simulation.simulate import NormalCovariate, Truth, simulate_cohort, true_survival
from inference.adjustments.weighting import (
    balance_of_designs,
    bootstrap_weights,
    design_weights,
    effective_sizes,
    extreme_weights,
)
from inference.frequentist.balance import (
    effective_sample_size,
    iptw_weights,
    largest_by_chance,
    overlap_weights,
    share_outside_common_range,
    standardised_differences,
)
from inference.frequentist.matching import logit_propensity, match


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(400, 2))
    treatment = rng.random(400) < 1 / (1 + np.exp(-columns @ [0.8, -0.5]))
    fitted = sm.Logit(treatment.astype(float), sm.add_constant(columns)).fit(disp=0)
    return SimpleNamespace(columns=columns, treatment=treatment, propensity=fitted.predict())


def test_difference_by_hand():
    covariates = pd.DataFrame({"age": [50.0, 60.0, 40.0, 44.0]})
    table = standardised_differences(covariates, [True, True, False, False], weights=[3, 1, 1, 1])
    deviation = np.sqrt((50 + 8) / 2)
    row = table.iloc[0]
    assert row["term"] == "age"
    assert_allclose(row["difference_before"], (55 - 42) / deviation)
    assert_allclose(row["difference_after"], (52.5 - 42) / deviation)


def test_every_level_of_a_category_is_a_row():
    grade = pd.Categorical(["I", "II", "II", "I"], categories=["I", "II", "III"])
    table = standardised_differences(pd.DataFrame({"grade": grade}), [True, True, False, False])
    assert table["term"].tolist() == ["grade[I]", "grade[II]", "grade[III]"]
    assert table["difference_before"].tolist() == [0, 0, 0]
    assert table["difference_after"].isna().all()


def test_difference_without_spread_is_zero_or_infinite():
    covariates = pd.DataFrame({"same": [0.1] * 6, "apart": [0.3, 0.3, 0.3, 0.1, 0.1, 0.1]})
    table = standardised_differences(covariates, [True] * 3 + [False] * 3)
    assert table["difference_before"].tolist() == [0, np.inf]


def test_a_design_and_its_columns_agree_whatever_the_unit(patients):
    design = SimpleNamespace(terms=("a", "b"), values=patients.columns - patients.columns.mean(axis=0))
    covariates = pd.DataFrame(patients.columns * 10 + 3, columns=["a", "b"])
    from_design = standardised_differences(design, patients.treatment)
    from_columns = standardised_differences(covariates, patients.treatment)
    assert_allclose(from_design["difference_before"], from_columns["difference_before"], rtol=1e-10)


def test_overlap_weights_of_a_logistic_fit_balance_exactly(patients):
    weights = overlap_weights(patients.propensity, patients.treatment)
    table = standardised_differences(pd.DataFrame(patients.columns), patients.treatment, weights)
    assert table["difference_before"].abs().min() > 0.2
    assert_allclose(table["difference_after"], 0, atol=1e-7)


def test_weights_by_hand_and_over_draws():
    propensity, treatment = np.array([[0.2, 0.8, 0.5], [0.4, 0.4, 0.4]]), [True, True, False]
    stabilised = iptw_weights(propensity, treatment)
    assert_allclose(stabilised[0], [2 / 3 / 0.2, 2 / 3 / 0.8, 1 / 3 / 0.5])
    by_draw = iptw_weights(propensity, treatment, share=[0.5, 0.25])
    assert_allclose(by_draw[1], [0.25 / 0.4, 0.25 / 0.4, 0.75 / 0.6])
    assert_allclose(overlap_weights(propensity, treatment)[0], [0.8, 0.2, 0.5])


def test_stabilised_weights_of_a_logistic_fit_average_about_one(patients):
    weights = iptw_weights(patients.propensity, patients.treatment)
    assert_allclose(weights.mean(), 1, atol=0.05)


def test_effective_sample_size_is_the_number_of_equal_weights_and_less_otherwise():
    assert effective_sample_size(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_sample_size([1.0, 0.0, 0.0]) == 1
    assert_allclose(effective_sample_size([[1.0, 1.0], [3.0, 1.0], [0.0, 0.0]]), [2, 1.6, 0])


def test_share_outside_common_range_by_hand():
    found = share_outside_common_range(
        [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], [False, False, False, True, True, True]
    )
    assert found["lower"] == 0.5
    assert found["upper"] == 0.6
    assert_allclose(found[["all", "treated", "control"]], [4 / 6, 2 / 3, 2 / 3])


def test_impossible_inputs_are_refused():
    with pytest.raises(ValueError, match="propensities must lie between 0 and 1, but found 1 that do not"):
        overlap_weights([0.5, 1.5], [True, False])
    with pytest.raises(ValueError, match="weights must be 2 finite numbers"):
        standardised_differences(pd.DataFrame({"a": [1.0, 2.0]}), [True, False], [-1.0, 1.0])
    with pytest.raises(ValueError, match="above 0 for somebody in both arms"):
        standardised_differences(pd.DataFrame({"a": [1.0, 2.0]}), [True, False], [0.0, 1.0])
    with pytest.raises(ValueError, match="both arms"):
        standardised_differences(pd.DataFrame({"a": [1.0, 2.0]}), [True, True])


def test_the_imbalance_of_chance_is_that_of_random_signs():
    """One covariate: 1.96 standard errors of the mean of signed differences; many independent ones: the quantile of their maximum."""
    rng = np.random.default_rng(3)
    pair, treatment = np.repeat(np.arange(300), 2), np.tile([True, False], 300)
    for terms in (1, 22):
        values = rng.normal(size=(600, terms))
        apart = values[::2] - values[1::2]
        error = np.sqrt((apart**2).mean() / 300)
        expected = stats.norm.ppf((1 + 0.95 ** (1 / terms)) / 2) * error
        shuffled = rng.permutation(600)
        found = largest_by_chance(values[shuffled], treatment[shuffled], pair[shuffled], np.ones(terms))
        assert found == pytest.approx(expected, rel=0.06)
        halved = largest_by_chance(values, treatment, pair, np.full(terms, 2.0))
        assert halved == pytest.approx(found / 2)


def test_twins_leave_nothing_to_chance():
    values = np.repeat(np.arange(8.0), 2)[:, None]
    found = largest_by_chance(values, np.tile([True, False], 8), np.repeat(np.arange(8), 2), np.ones(1))
    assert found == 0.0


@pytest.fixture
def rng():
    return np.random.default_rng(12)


@pytest.fixture(scope="module")
def cohort():
    return simulate_cohort(Truth(), 300, seed=3)


@pytest.fixture(scope="module")
def propensity(cohort):
    """One draw around the maximum likelihood propensities for each of six."""
    logit = logit_propensity(cohort.propensity.values, cohort.treatment)
    return 1 / (1 + np.exp(-(logit + np.linspace(-0.3, 0.3, 6)[:, None])))


def test_bootstrap_weights_are_uniform_on_the_simplex(rng):
    weights = bootstrap_weights(20_000, 5, rng)
    assert_allclose(weights.mean(axis=1), 1.0)
    shares = weights / 5
    expected = stats.dirichlet(np.ones(5))
    assert_allclose(shares.mean(axis=0), expected.mean(), atol=4 * np.sqrt(expected.var()[0] / 20_000))
    assert_allclose(np.cov(shares.T), expected.cov(), atol=1e-3)
    assert stats.kstest(shares[:, 0], stats.beta(1, 4).cdf).pvalue > 1e-3


def test_design_weights_alone_are_those_of_balance(cohort, propensity):
    iptw = design_weights(iptw_weights, propensity, cohort.treatment)
    assert_allclose(iptw, iptw_weights(propensity, cohort.treatment))
    overlap = design_weights(overlap_weights, propensity, cohort.treatment)
    assert_allclose(overlap, np.where(cohort.treatment, 1 - propensity, propensity))


def test_stabilised_weights_by_hand():
    propensity, bootstrap = np.array([[0.5, 0.25, 0.8]]), np.array([[1.0, 0.5, 1.5]])
    found = design_weights(iptw_weights, propensity, np.array([True, False, True]), bootstrap)
    assert_allclose(found, [[2.5 / 3 / 0.5, 0.5 / 3 / 0.75 * 0.5, 2.5 / 3 / 0.8 * 1.5]])
    found = design_weights(overlap_weights, propensity, np.array([True, False, True]), bootstrap)
    assert_allclose(found, [[0.5, 0.25 * 0.5, 0.2 * 1.5]])


def test_bootstrap_weights_are_repeated_patients(cohort, propensity, rng):
    """Whole bootstrap weights give each copy the weight that it has in the cohort with copies."""
    copies = rng.integers(1, 4, cohort.size)
    rows = np.repeat(np.arange(cohort.size), copies)
    found = design_weights(iptw_weights, propensity[:1], cohort.treatment, copies[None].astype(float))[0]
    copied = iptw_weights(propensity[:1, rows], cohort.treatment[rows])[0]
    assert_allclose(found, np.bincount(rows, copied, cohort.size))


def test_balance_is_the_mean_of_the_balance_of_each_draw(cohort, propensity):
    weights = design_weights(iptw_weights, propensity, cohort.treatment)
    found = balance_of_designs(cohort, weights)
    each = [standardised_differences(cohort.propensity, cohort.treatment, one) for one in weights]
    after = np.array([one["difference_after"] for one in each])
    assert found["term"].tolist() == list(cohort.propensity.terms)
    assert_allclose(found["difference_before"], each[0]["difference_before"])
    assert_allclose(found["difference_after"], after.mean(axis=0), atol=1e-12)
    assert_allclose(found["lower"], np.quantile(after, 0.025, axis=0), atol=1e-12)
    assert_allclose(found["upper"], np.quantile(after, 0.975, axis=0), atol=1e-12)


def test_overlap_weights_at_the_maximum_likelihood_balance_exactly(cohort):
    logit = logit_propensity(cohort.propensity.values, cohort.treatment)
    weights = design_weights(overlap_weights, 1 / (1 + np.exp(-logit[None])), cohort.treatment)
    found = balance_of_designs(cohort, weights)
    assert_allclose(found["difference_after"], 0, atol=1e-9)
    assert found["difference_before"].abs().max() > 0.2


def test_balance_of_pairs_is_that_of_the_patients_in_them(cohort):
    logit = logit_propensity(cohort.propensity.values, cohort.treatment)
    pairs = [match(logit, cohort.treatment, caliper, "optimal") for caliper in (0.1, 0.3)]
    inside = np.stack([one.patients(cohort.size) for one in pairs])
    found = balance_of_designs(cohort, inside)
    values, arms = cohort.propensity.values, (cohort.treatment, ~cohort.treatment)
    deviations = np.sqrt(np.mean([values[arm].var(axis=0, ddof=1) for arm in arms], axis=0))
    means = np.array([[values[one & arm].mean(axis=0) for arm in arms] for one in inside])
    differences = (means[:, 0] - means[:, 1]) / deviations
    assert_allclose(found["difference_after"], differences.mean(axis=0), atol=1e-12)
    sizes = effective_sizes(inside.astype(float), cohort.treatment)
    assert_allclose(sizes["treated"], inside.sum(axis=1) / 2)
    assert_allclose(sizes["control"], inside.sum(axis=1) / 2)


def test_balance_of_an_arm_without_weight_is_refused(cohort):
    with pytest.raises(ValueError, match="found 1 draws with an arm where all are 0"):
        balance_of_designs(cohort, cohort.treatment[None].astype(float))


def test_effective_sizes_and_extreme_weights_by_hand():
    weights = np.array([[1.0, 3.0, 12.0, 4.0], [1.0, 1.0, 1.0, 10.0]])
    sizes = effective_sizes(weights, np.array([True, True, False, False]))
    assert_allclose(sizes["treated"], [16 / 10, 2])
    assert_allclose(sizes["control"], [256 / 160, 121 / 101])
    extreme = extreme_weights(weights)
    assert_allclose(extreme["largest"], [12, 10])
    assert_allclose(extreme["share_above_10"], [0.25, 0])


@pytest.mark.parametrize(("weighting", "population"), [(iptw_weights, "all"), (overlap_weights, "overlap")])
def test_weighted_survival_is_that_of_the_population_that_the_weights_stand_for(weighting, population):
    """At the true propensities, the weighted share of survivors of each arm, against quadrature over the population."""
    confounded = {
        "covariates": {"age": NormalCovariate()},
        "outcome": {"age": 0.8},
        "treatment": {"age": 0.9},
    }
    truth = Truth(**confounded, accrual=0.0, closing=20.0)
    cohort = simulate_cohort(truth, 20_000, seed=7)
    age = cohort.covariates["age"].to_numpy()
    weights = design_weights(weighting, 1 / (1 + np.exp(-0.9 * age))[None], cohort.treatment)[0]
    for treated in (True, False):
        arm = cohort.treatment == treated
        survives = ~cohort.event[arm]
        share = np.average(survives, weights=weights[arm])
        error = np.sqrt(np.sum(weights[arm] ** 2 * (survives - share) ** 2)) / weights[arm].sum()
        expected = true_survival(truth, 20.0, treated, population)
        assert abs(share - expected) < 4 * error
        assert abs(survives.mean() - expected) > 6 * error, "without weights the arm stands for somebody else"


def test_a_degrees_of_freedom_correction_widens_the_bootstrap(rng):
    """The variance of a weighted mean is s^2 / n, times n / (n - p): that of a regression that fits p coefficients."""
    values = rng.normal(size=40)
    for parameters, factor in ((0, 1.0), (20, 2.0)):
        means = bootstrap_weights(20_000, 40, rng, parameters) @ values / 40
        # exact for a Dirichlet of total a = n - p: s^2 (a + 0) / (n (a + 1)) with s^2 the plain variance
        expected = values.var() / (40 / factor + 1)
        assert_allclose(means.var(), expected, rtol=0.05)
