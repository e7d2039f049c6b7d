"""Weights with their uncertainty: moments of the bootstrap, balance, and variances whose parts are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from data.simulate import NormalCovariate, Truth, simulate_cohort, true_survival
from inference.balance import iptw_weights, standardised_differences
from inference.matching import logit_propensity, match
from inference.weighting import (
    balance_of_designs,
    bootstrap_weights,
    design_weights,
    effective_sizes,
    extreme_weights,
    variance_of_designs,
    within_between,
)
from models.baselines import PiecewiseExponential, Weibull
from models.episodes import episodes_of


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
    iptw = design_weights("iptw", propensity, cohort.treatment)
    assert_allclose(iptw, iptw_weights(propensity, cohort.treatment))
    overlap = design_weights("overlap", propensity, cohort.treatment)
    assert_allclose(overlap, np.where(cohort.treatment, 1 - propensity, propensity))


def test_stabilised_weights_by_hand():
    propensity, bootstrap = np.array([[0.5, 0.25, 0.8]]), np.array([[1.0, 0.5, 1.5]])
    found = design_weights("iptw", propensity, np.array([True, False, True]), bootstrap)
    assert_allclose(found, [[2.5 / 3 / 0.5, 0.5 / 3 / 0.75 * 0.5, 2.5 / 3 / 0.8 * 1.5]])
    found = design_weights("overlap", propensity, np.array([True, False, True]), bootstrap)
    assert_allclose(found, [[0.5, 0.25 * 0.5, 0.2 * 1.5]])


def test_bootstrap_weights_are_repeated_patients(cohort, propensity, rng):
    """Whole bootstrap weights give each copy the weight that it has in the cohort with copies."""
    copies = rng.integers(1, 4, cohort.size)
    rows = np.repeat(np.arange(cohort.size), copies)
    found = design_weights("iptw", propensity[:1], cohort.treatment, copies[None].astype(float))[0]
    copied = iptw_weights(propensity[:1, rows], cohort.treatment[rows])[0]
    assert_allclose(found, np.bincount(rows, copied, cohort.size))


def test_an_unknown_kind_is_refused(cohort, propensity):
    with pytest.raises(ValueError, match="kind must be one of iptw, overlap, but found att"):
        design_weights("att", propensity, cohort.treatment)


def test_balance_is_the_mean_of_the_balance_of_each_draw(cohort, propensity):
    weights = design_weights("iptw", propensity, cohort.treatment)
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
    weights = design_weights("overlap", 1 / (1 + np.exp(-logit[None])), cohort.treatment)
    found = balance_of_designs(cohort, weights)
    assert_allclose(found["difference_after"], 0, atol=1e-9)
    assert found["difference_before"].abs().max() > 0.2


def test_balance_of_pairs_is_that_of_the_patients_in_them(cohort):
    logit = logit_propensity(cohort.propensity.values, cohort.treatment)
    inside = np.stack(
        [match(logit, cohort.treatment, caliper, "optimal").patients(cohort.size) for caliper in (0.1, 0.3)]
    )
    found = balance_of_designs(cohort, inside)
    deviations = np.sqrt(
        sum(
            cohort.propensity.values[arm].var(axis=0, ddof=1) for arm in (cohort.treatment, ~cohort.treatment)
        )
        / 2
    )
    differences = [
        (
            cohort.propensity.values[one & cohort.treatment].mean(axis=0)
            - cohort.propensity.values[one & ~cohort.treatment].mean(axis=0)
        )
        / deviations
        for one in inside
    ]
    assert_allclose(found["difference_after"], np.mean(differences, axis=0), atol=1e-12)
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


def test_variance_within_and_between_adds_up(rng):
    draws = rng.normal(size=(4, 50, 7)) + rng.normal(size=7)
    found = within_between(draws)
    pooled = draws.reshape(-1)
    assert_allclose(found.within * 199 / 200 + found.between * 6 / 7, pooled.var(), rtol=1e-12)
    assert_allclose(found.share, found.between / (found.within + found.between))


def test_variance_within_and_between_of_a_known_mixture(rng):
    found = [within_between(2 * rng.normal(size=(500, 20)) + 1.5 * rng.normal(size=20)) for _ in range(200)]
    within, between = (np.array([getattr(one, name) for one in found]) for name in ("within", "between"))
    assert_allclose(within.mean(), 4, rtol=0.01)
    assert abs(between.mean() - (2.25 + 4 / 500)) < 4 * between.std() / np.sqrt(200)


def test_designs_that_agree_have_no_share():
    same = within_between(np.zeros((10, 3)))
    assert (same.total, same.share) == (0.0, 0.0)
    with pytest.raises(ValueError, match="at least 2 of at least 2 designs"):
        within_between(np.zeros((10, 1)))


def linear(interaction):
    def effects(propensity, bootstrap):
        first, second = propensity[:, 0], bootstrap[:, 0]
        return 3.0 + 2.0 * first + 1.0 * second + interaction * first * second

    return effects


@pytest.mark.parametrize(("interaction", "rows", "columns"), [(0.0, 40, 40), (1.5, 40, 40), (4.0, 40, 8)])
def test_variance_of_crossed_designs_where_it_is_known(rng, interaction, rows, columns):
    """Independent standard normals: variances 4, 1 and the square of the interaction."""
    found = [
        variance_of_designs(linear(interaction), rng.normal(size=(rows, 1)), rng.normal(size=(columns, 1)))
        for _ in range(300)
    ]
    between = np.array([one.between for one in found])
    within = np.array([one.within for one in found])
    shares = np.array([one.share for one in found])
    for values, expected in ((between, 4.0), (within, 1.0 + interaction**2)):
        assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(300)
    if columns == 40:
        assert shares.std() < 0.1


def test_without_interaction_the_parts_are_the_variances_themselves(rng):
    first, second = rng.normal(size=(30, 1)), rng.normal(size=(20, 1))
    found = variance_of_designs(linear(0.0), first, second)
    assert_allclose(found.between, 4 * first.var(ddof=1), rtol=1e-10)
    assert_allclose(found.within, second.var(ddof=1), rtol=1e-10)


def test_a_part_is_never_below_zero(rng):
    found = variance_of_designs(
        lambda one, other: rng.normal(size=len(one)), rng.normal(size=(4, 2)), rng.normal(size=(5, 2))
    )
    assert found.between >= 0
    assert found.within > 0
    with pytest.raises(ValueError, match="at least 2 draws each, but found 1 and 5"):
        variance_of_designs(linear(0.0), np.zeros((1, 1)), np.zeros((5, 1)))


@pytest.mark.parametrize("baseline", [PiecewiseExponential(), Weibull()], ids=lambda one: one.name)
def test_variance_of_the_effect_of_a_cohort_is_that_of_independent_draws(cohort, baseline, rng):
    logit = logit_propensity(cohort.propensity.values, cohort.treatment)
    episodes = episodes_of(cohort, time_split=False)

    def propensities(draws):
        slopes = rng.normal(size=(draws, cohort.propensity.values.shape[1])) * [0.03, 0.4, 0.5]
        return 1 / (1 + np.exp(-(logit + slopes @ cohort.propensity.values.T)))

    def effects(propensity, bootstrap):
        weights = design_weights("iptw", propensity, cohort.treatment, bootstrap)
        return baseline.maximise(episodes, weights)["treatment_effect"]

    crossed = variance_of_designs(effects, propensities(40), bootstrap_weights(40, cohort.size, rng))
    alone = effects(propensities(2000), bootstrap_weights(2000, cohort.size, rng))
    assert_allclose(crossed.total, alone.var(), rtol=0.5)
    fixed = np.repeat(propensities(1), 1000, axis=0)
    assert_allclose(crossed.within, effects(fixed, bootstrap_weights(1000, cohort.size, rng)).var(), rtol=0.5)
    assert 0 < crossed.share < 1


@pytest.mark.parametrize(("kind", "population"), [("iptw", "all"), ("overlap", "overlap")])
def test_weighted_survival_is_that_of_the_population_that_the_weights_stand_for(kind, population):
    """At the true propensities, the weighted share of survivors of each arm, against quadrature over the population."""
    truth = Truth(
        covariates={"age": NormalCovariate()},
        outcome={"age": 0.8},
        treatment={"age": 0.9},
        accrual=0.0,
        closing=20.0,
    )
    cohort = simulate_cohort(truth, 20_000, seed=7)
    age = cohort.covariates["age"].to_numpy()
    weights = design_weights(kind, 1 / (1 + np.exp(-0.9 * age))[None], cohort.treatment)[0]
    for treated in (True, False):
        arm = cohort.treatment == treated
        survives = ~cohort.event[arm]
        share = np.average(survives, weights=weights[arm])
        error = np.sqrt(np.sum(weights[arm] ** 2 * (survives - share) ** 2)) / weights[arm].sum()
        expected = true_survival(truth, 20.0, treated, population)
        assert abs(share - expected) < 4 * error
        assert abs(survives.mean() - expected) > 6 * error, "without weights the arm stands for somebody else"
