"""A matching of one's own: the robust standard error against two libraries, and the marginal hazard ratio against the truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
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
from inference.frequentist.own_matching import AFTER, BEFORE, CALIPER, PAIRS, own_pairs, with_own_matching
from inference.frequentist.table import COLUMNS

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
    other = PHReg(time, treated[:, None].astype(float), status=event.astype(int), ties="efron").fit(
        groups=pair
    )
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
    estimate, error = lifelines_fit(
        cohort.time[both], cohort.event[both], cohort.treatment[both], np.tile(np.arange(matching.pairs), 2)
    )
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
    death = truth.baseline.inverse(
        rng.standard_exponential(len(risk)) / np.exp(truth.log_hazard_ratio * arm + risk)
    )
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


@pytest.mark.parametrize(
    "broken",
    [
        lambda cohort: replace(cohort, treatment=cohort.outcome.values[:, 0] > 0),  # a covariate decides
        lambda cohort: replace(
            cohort,
            treatment=cohort.treatment & (cohort.propensity.values[:, 1] < 1.0),
            propensity=with_level(cohort),
        ),
        lambda cohort: replace(
            cohort, propensity=replace(cohort.propensity, terms=(), values=np.empty((cohort.size, 0)))
        ),
        lambda cohort: replace(
            cohort, event=cohort.event & ~cohort.treatment
        ),  # nobody treated has the event
    ],
    ids=["separated", "a level without treated", "no covariates", "an arm without events"],
)
def test_what_cannot_be_estimated_is_missing_with_its_reason(broken):
    rows = found(broken(simulate_cohort(STRONG, 200, seed=3))).set_index("statistic")
    assert np.isnan(rows.loc["hazard_ratio", "estimate"])
    assert "not estimable: " in rows.loc["hazard_ratio", "method"]
