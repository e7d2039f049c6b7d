"""Matching against brute force over all ways to pair; a matching of one's own against two libraries and the truth."""

from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from lifelines.datasets import load_gbsg2
from numpy.testing import assert_allclose
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from data.simulation.simulate import Truth, simulate_cohort
from data.simulation.truth import NormalCovariate
from data.study.sources import load_cohort
from data.study.study import load_study
from data.study.subcohorts import landmark_cohort
from inference.frequentist.clustered import clustered_effect, score_residuals
from inference.frequentist.efron import EfronCox
from inference.frequentist.matching import (
    greedy_pairs,
    logit_propensity,
    match,
    on_scale,
    optimal_pairs,
    ordered_pairs,
)
from inference.frequentist.own_matching import AFTER, BEFORE, CALIPER, PAIRS, own_pairs, with_own_matching
from inference.frequentist.table import COLUMNS

SCORES = st.lists(st.integers(0, 40).map(lambda value: value / 10), min_size=1, max_size=5)


def brute_force(treated, control, caliper):
    """Most pairs within the caliper, and the smallest sum of distances among those."""
    best = (0, 0.0)
    for count in range(1, min(len(treated), len(control)) + 1):
        for chosen in combinations(range(len(treated)), count):
            for taken in permutations(range(len(control)), count):
                distances = [abs(treated[i] - control[j]) for i, j in zip(chosen, taken, strict=True)]
                if max(distances) <= caliper:
                    best = max(best, (count, -sum(distances)))
    return best


def told(pairs, treated, control, caliper):
    distances = [abs(treated[i] - control[j]) for i, j in pairs]
    assert all(distance <= caliper for distance in distances)
    for column in pairs.T:
        assert len(set(column)) == len(column), "nobody is in two pairs"
    return len(pairs), -sum(distances)


@pytest.mark.parametrize("pairs", [optimal_pairs, ordered_pairs])
@settings(deadline=None, max_examples=150)
@given(SCORES, SCORES, st.sampled_from([0.25, 0.55, 1.05, 5.0]))
def test_optimal_pairs_are_those_of_brute_force(pairs, treated, control, caliper):
    found = told(pairs(np.array(treated), np.array(control), caliper), treated, control, caliper)
    expected = brute_force(treated, control, caliper)
    assert found[0] == expected[0]
    assert found[1] == pytest.approx(expected[1])


@settings(deadline=None, max_examples=150)
@given(SCORES, SCORES, st.sampled_from([0.25, 0.55, 1.05, 5.0]))
def test_greedy_pairs_are_those_of_a_plain_loop(treated, control, caliper):
    left, expected = dict(enumerate(control)), []
    for position in sorted(range(len(treated)), key=lambda place: (-treated[place], place)):
        if left:
            nearest = min(left, key=lambda other: (abs(left[other] - treated[position]), other))
            if abs(left[nearest] - treated[position]) <= caliper:
                expected.append((position, nearest))
                del left[nearest]
    found = greedy_pairs(np.array(treated), np.array(control), caliper)
    assert [tuple(pair) for pair in found.tolist()] == expected
    told(found, treated, control, caliper)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 150),
    st.integers(1, 150),
    st.sampled_from([0.002, 0.02, 0.05, 0.3, np.inf]),
    st.booleans(),
)
def test_ordered_pairs_are_as_many_and_as_near_as_those_of_the_dense_assignment(
    seed, treated, control, caliper, tied
):
    """Arms that differ as under confounding; without ties the optimal set of patients is unique, and both find it."""
    rng = np.random.default_rng(seed)
    scores = [rng.normal(0.5, 1.0, treated), rng.normal(0.0, 1.0, control)]
    one, other = (score.round(1) if tied else score for score in scores)
    dense, ordered = (pairs(one, other, caliper) for pairs in (optimal_pairs, ordered_pairs))
    of_dense, of_ordered = (told(pairs, one, other, caliper) for pairs in (dense, ordered))
    assert of_ordered[0] == of_dense[0]
    assert of_ordered[1] == pytest.approx(of_dense[1], abs=1e-9)
    if not tied:
        np.testing.assert_array_equal(np.sort(ordered, axis=0), np.sort(dense, axis=0))


def test_the_pairs_of_many_patients_are_those_of_the_dense_assignment(monkeypatch):
    rng = np.random.default_rng(5)
    score = np.concatenate([rng.normal(0.4, 1.0, 900), rng.normal(0.0, 1.0, 1100)])
    treated = np.arange(2000) < 900
    dense = match(score, treated, 0.05, "optimal")
    monkeypatch.setattr("inference.frequentist.matching.DENSE", 1000)
    ordered = match(score, treated, 0.05, "optimal")
    assert ordered.pairs == dense.pairs
    np.testing.assert_array_equal(ordered.patients(2000), dense.patients(2000))
    assert ordered.distance.sum() == pytest.approx(dense.distance.sum(), abs=1e-9)


def test_optimal_saves_a_pair_that_greedy_loses():
    # From the top: 1.0 takes 0.9, which 0.8 needs; optimal gives 1.0 the control at 1.2.
    treated, control = np.array([1.0, 0.8]), np.array([0.9, 1.15])
    assert greedy_pairs(treated, control, 0.2).tolist() == [[0, 0]]
    assert sorted(optimal_pairs(treated, control, 0.2).tolist()) == [[0, 1], [1, 0]]


def test_match_gives_positions_in_the_cohort():
    score = np.array([0.5, 0.1, 0.52, 0.9, 0.11])
    treatment = np.array([True, False, False, True, True])
    found = match(score, treatment, 0.05, "optimal")
    assert sorted(zip(found.treated.tolist(), found.control.tolist(), strict=True)) == [(0, 2), (4, 1)]
    np.testing.assert_allclose(np.sort(found.distance), [0.01, 0.02])
    np.testing.assert_array_equal(found.patients(5), [True, True, True, False, True])


@pytest.mark.parametrize("method", ["greedy", "optimal"])
def test_nobody_within_the_caliper_is_no_pair(method):
    found = match([0.1, 0.9], [True, False], 0.2, method)
    assert found.pairs == 0
    assert not found.patients(2).any()


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="caliper must be above 0, but found 0"):
        match([0.1, 0.2], [True, False], 0.0)
    with pytest.raises(ValueError, match="method must be greedy or optimal, but found best"):
        match([0.1, 0.2], [True, False], 0.1, "best")
    with pytest.raises(ValueError, match="scale must be one of probability, logit, logit_sd, but found sd"):
        on_scale([0.1, 0.2], [True, False], "sd")


def test_scales():
    logit, treatment = np.array([0.0, 1.0, 2.0, 4.0]), np.array([True, True, False, False])
    np.testing.assert_allclose(on_scale(logit, treatment, "probability"), 1 / (1 + np.exp(-logit)))
    np.testing.assert_array_equal(on_scale(logit, treatment, "logit"), logit)
    # Variances 0.5 and 2, mean 1.25.
    np.testing.assert_allclose(on_scale(logit, treatment, "logit_sd"), logit / np.sqrt(1.25))


def test_propensities_are_those_of_a_logistic_regression():
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(200, 2))
    treatment = rng.random(200) < 1 / (1 + np.exp(-columns[:, 0]))
    fitted = sm.GLM(treatment.astype(float), sm.add_constant(columns), family=sm.families.Binomial()).fit()
    expected = np.log(fitted.fittedvalues / (1 - fitted.fittedvalues))
    np.testing.assert_allclose(logit_propensity(columns, treatment), expected, atol=1e-6)
    # A column that others give adds nothing, and does not fail.
    doubled = np.column_stack([columns, columns.sum(axis=1)])
    np.testing.assert_allclose(logit_propensity(doubled, treatment), expected, atol=1e-6)


NOTHING = pd.DataFrame(columns=pd.Index(COLUMNS))
STRONG = Truth(
    log_hazard_ratio=-0.7,
    covariates={"x": NormalCovariate(0.0, 1.0), "z": NormalCovariate(0.0, 1.0)},
    outcome={"x": 0.8, "z": 0.4},
    treatment={"x": 1.0, "z": 0.6},
    treatment_intercept=-0.5,
)


def found(cohort, landmarks=()):
    table = with_own_matching(NOTHING, cohort, landmarks)
    return table[table["time"].isna()] if cohort.treatment_start is None else table


def frailty_pairs(size=150, seed=1):
    """Pairs who share a frailty, one of each treated; times without ties."""
    rng = np.random.default_rng(seed)
    pair = np.tile(np.arange(size), 2)
    treated = np.arange(2 * size) < size
    time = rng.exponential(10.0 / rng.gamma(1.0, 1.0, size)[pair] * np.exp(0.4 * treated))
    end = rng.uniform(3.0, 30.0, 2 * size)
    return np.minimum(time, end), time <= end, treated, pair


def lifelines_fit(time, event, treated, pair):
    frame = pd.DataFrame({"time": time, "event": event, "treated": treated.astype(float), "pair": pair})
    fitted = CoxPHFitter().fit(frame, "time", "event", cluster_col="pair")
    return fitted.params_["treated"], fitted.standard_errors_["treated"]


def test_without_ties_the_robust_error_is_that_of_lifelines_and_statsmodels():
    time, event, treated, pair = frailty_pairs()
    effect = clustered_effect(time, event, np.zeros(len(time)), treated, pair)
    estimate, error = lifelines_fit(time, event, treated, pair)
    assert_allclose([effect.log_hazard_ratio, effect.standard_error], [estimate, error], rtol=1e-6)
    model = PHReg(time, treated[:, None].astype(float), status=event.astype(int), ties="efron")
    other = model.fit(groups=pair)
    assert_allclose(effect.standard_error, other.bse[0], rtol=1e-6)
    alone = clustered_effect(time, event, np.zeros(len(time)), treated, np.arange(len(time)))
    assert effect.standard_error < 0.95 * alone.standard_error  # pairs are alike: what they share cancels


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_score_residuals_sum_to_the_score_and_vanish_at_the_maximum(tied, late):
    time, event, treated, _ = frailty_pairs()
    time = np.ceil(time) if tied else time
    entry = np.where(np.arange(len(time)) % 3, 0.0, 0.5 * time) if late else np.zeros(len(time))
    cox = EfronCox(time, event, entry, treated[:, None].astype(float))
    for coefficient in (0.0, 0.4, -1.0):
        score, _ = cox.derivatives(np.array([coefficient]))
        residuals = score_residuals(time, event, entry, treated.astype(float), coefficient)
        assert_allclose(residuals.sum(), score[0], atol=1e-10)
    # leaving a patient out moves the estimate by the residual over the information, to first order
    (maximum,), ((variance,),) = cox.estimates()
    residuals = score_residuals(time, event, entry, treated.astype(float), maximum)
    moved = []
    for left_out in range(60):
        kept = np.arange(len(time)) != left_out
        less = EfronCox(time[kept], event[kept], entry[kept], treated[kept, None].astype(float))
        moved.append(maximum - less.maximise()[0])
    assert np.corrcoef(moved, residuals[:60])[0, 1] > 0.999
    assert_allclose(np.std(moved), np.std(residuals[:60] * variance), rtol=0.03)


def test_of_gbsg2_each_step_is_that_of_the_libraries():
    """Score by another routine, pairs within the caliper, balance by hand, and Cox with a cluster by lifelines."""
    cohort = load_cohort(load_study("gbsg2"))
    rows = found(cohort).set_index("statistic")
    values = cohort.propensity.values
    design = np.column_stack([np.ones(cohort.size), values])
    logit = design @ GLM(cohort.treatment.astype(float), design, family=Binomial()).fit().params
    arms = cohort.treatment, ~cohort.treatment
    scale = np.sqrt(np.mean([logit[arm].var(ddof=1) for arm in arms]))
    matching = own_pairs(cohort)
    assert np.all(np.abs(logit[matching.treated] - logit[matching.control]) <= CALIPER * scale + 1e-9)
    assert rows.loc[PAIRS, "estimate"] == matching.pairs
    assert len({*matching.treated, *matching.control}) == 2 * matching.pairs
    # no pair can be added: each treated patient that is left has no control left within the caliper
    left = np.setdiff1d(np.flatnonzero(cohort.treatment), matching.treated)
    free = np.setdiff1d(np.flatnonzero(~cohort.treatment), matching.control)
    assert not np.any(np.abs(logit[left][:, None] - logit[free]) < CALIPER * scale - 1e-9)
    spread = np.sqrt(np.mean([values[arm].var(axis=0, ddof=1) for arm in arms], axis=0))
    before = np.abs(values[arms[0]].mean(axis=0) - values[arms[1]].mean(axis=0)) / spread
    after = np.abs(values[matching.treated].mean(axis=0) - values[matching.control].mean(axis=0)) / spread
    assert_allclose(rows.loc[BEFORE, "estimate"], before.max(), rtol=1e-9)
    assert_allclose(rows.loc[AFTER, "estimate"], after.max(), rtol=1e-9)
    both = np.concatenate([matching.treated, matching.control])
    frame = load_gbsg2()  # the same women in the same order
    assert_allclose(frame["time"], cohort.time)
    paired = (column[both] for column in (cohort.time, cohort.event, cohort.treatment))
    estimate, error = lifelines_fit(*paired, np.tile(np.arange(matching.pairs), 2))
    ratio = rows.loc["hazard_ratio", ["estimate", "lower", "upper"]].astype(float)
    assert_allclose(np.log(ratio["estimate"]), estimate, atol=1e-4)
    # lifelines does not spread Efron's ties over the residuals: a few of these times are tied
    width = (np.log(ratio["upper"]) - np.log(ratio["lower"])) / (2 * 1.959964)
    assert_allclose(width, error, rtol=0.005)


def randomised_effect(truth, cohort, inside, rng, repeats=30):
    """The marginal log hazard ratio among some patients, by giving each of them treatment or none at random."""
    coefficients = np.array([truth.outcome[term] for term in cohort.outcome.terms])
    raw = cohort.outcome.values[inside] + cohort.outcome.means
    risk = np.tile(raw @ coefficients, repeats)
    arm = rng.random(len(risk)) < 0.5
    relative = np.exp(truth.log_hazard_ratio * arm + risk)
    death = truth.baseline.inverse(rng.standard_exponential(len(risk)) / relative)
    end = truth.closing - rng.uniform(0, truth.accrual, len(risk))
    cox = EfronCox(np.minimum(death, end), death <= end, np.zeros(len(risk)), arm[:, None].astype(float))
    return float(cox.maximise()[0])


def log_ratio(cohort):
    row = found(cohort).set_index("statistic").loc["hazard_ratio"]
    return np.log([row["estimate"], row["lower"], row["upper"]]).astype(float)


@pytest.mark.parametrize("effect", [pytest.param(0.0, marks=pytest.mark.long), -0.7])
def test_of_a_strongly_confounded_cohort_the_marginal_effect_comes_out(effect):
    truth = replace(STRONG, log_hazard_ratio=effect)
    large = simulate_cohort(truth, 6000, seed=1)
    matching = own_pairs(large)
    expected = randomised_effect(truth, large, matching.patients(large.size), np.random.default_rng(2))
    if effect == 0.0:
        assert abs(expected) < 0.02
    else:
        assert effect + 0.05 < expected < -0.3  # marginal, so nearer to none than the conditional one
    estimates, crude = [], []
    for seed in range(60):
        cohort = simulate_cohort(truth, 500, seed=100 + seed)
        estimates.append(log_ratio(cohort))
        naive = EfronCox(cohort.time, cohort.event, cohort.entry, cohort.treatment[:, None].astype(float))
        crude.append(naive.maximise()[0])
    middle, low, high = np.array(estimates).T
    confounding = np.mean(crude) - expected
    assert confounding > 0.5
    assert abs(np.mean(middle) - expected) < 0.15 * confounding
    assert np.mean((low <= expected) & (expected <= high)) >= 0.85
    error = (high - low) / (2 * 1.959964)
    assert 0.8 < error.mean() / middle.std() < 1.3


def test_where_treatment_begins_later_pairs_are_made_at_the_landmarks_and_refused_without():
    study = load_study("stanford_heart")
    cohort = load_cohort(study)
    table = found(cohort, study.report.landmarks)
    assert list(table.loc[table["statistic"] == PAIRS, "time"]) == list(study.report.landmarks)
    for landmark in study.report.landmarks:
        at_risk = landmark_cohort(cohort, landmark)
        here = table[table["time"] == landmark].set_index("statistic")["estimate"]
        alone = found(at_risk).set_index("statistic")["estimate"]
        assert_allclose(here.astype(float), alone.astype(float))
        assert here[PAIRS] <= min(at_risk.treatment.sum(), (~at_risk.treatment).sum())
    (refused,) = found(cohort).to_dict("records")
    assert refused["statistic"] == "hazard_ratio"
    assert np.isnan(refused["estimate"])
    assert "landmarks" in refused["method"]
    late = found(cohort, (float(cohort.time.max()) - 1.0,))
    assert late["estimate"].isna().all()


def with_level(cohort):
    """The treatment model with a column that marks some patients, of whom nobody is treated."""
    column = (cohort.propensity.values[:, 1:2] >= 1.0).astype(float)
    values = np.hstack([cohort.propensity.values, column - column.mean()])
    return replace(cohort.propensity, terms=(*cohort.propensity.terms, "level"), values=values)


BROKEN = {
    "separated": lambda cohort: {"treatment": cohort.outcome.values[:, 0] > 0},  # a covariate decides
    "a level without treated": lambda cohort: {
        "treatment": cohort.treatment & (cohort.propensity.values[:, 1] < 1.0),
        "propensity": with_level(cohort),
    },
    "no covariates": lambda cohort: {
        "propensity": replace(cohort.propensity, terms=(), values=np.empty((cohort.size, 0)))
    },
    "an arm without events": lambda cohort: {"event": cohort.event & ~cohort.treatment},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_estimated_is_missing_with_its_reason(broken):
    cohort = simulate_cohort(STRONG, 200, seed=3)
    rows = found(replace(cohort, **BROKEN[broken](cohort))).set_index("statistic")
    assert np.isnan(rows.loc["hazard_ratio", "estimate"])
    assert "not estimable: " in rows.loc["hazard_ratio", "method"]


def test_arms_with_the_same_covariates_are_all_alike_on_any_scale():
    """Their score has no spread, by which distances would be divided; of rounding it must make no distance."""
    treatment = np.tile([True, False], 20)
    for logit in (np.zeros(40), np.random.default_rng(1).normal(0.3, 1e-16, 40)):
        score = on_scale(logit, treatment, "logit_sd")
        np.testing.assert_array_equal(score, np.zeros(40))
        assert len(match(score, treatment, 0.2, "optimal").treated) == 20
