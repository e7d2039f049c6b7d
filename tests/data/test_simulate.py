"""Simulated cohorts and the truth they are drawn from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from data.simulation.simulate import (
    LevelCovariate,
    NormalCovariate,
    PiecewiseHazard,
    Truth,
    WeibullHazard,
    simulate_cohort,
    simulate_frame,
    true_rmst_difference,
    true_survival,
)
from data.study.sources import load_cohort
from data.study.study import load_study

BASELINES = [WeibullHazard(30, 0.8), WeibullHazard(30, 1.5), PiecewiseHazard(), PiecewiseHazard((), (0.03,))]
TRUTHS = [
    Truth(),
    Truth(baseline=PiecewiseHazard(), latest_entry=6.0),
    Truth(
        covariates={"site": LevelCovariate({"no": 0.7, "yes": 0.3})},
        outcome={"site[T.yes]": 1.0},
        treatment={},
    ),
    Truth(
        covariates={"a": NormalCovariate(), "b": NormalCovariate(3, 2), "c": NormalCovariate()},
        outcome={"a": 0.5, "b": -0.3},
        treatment={"b": 0.5, "c": 1.0},
    ),
    Truth(covariates={}, outcome={}, treatment={}),
]
DELAYED = [
    Truth(mean_delay=8.0, log_hazard_ratio=-1.0),
    Truth(mean_delay=15.0, log_hazard_ratio=0.7, baseline=PiecewiseHazard(), latest_entry=9.0),
]


@pytest.mark.parametrize("baseline", BASELINES)
def test_inverse_undoes_the_cumulative_hazard(baseline):
    times = np.array([0.0, 1e-3, 5, 12, 12.5, 36, 200])
    np.testing.assert_allclose(baseline.inverse(baseline.cumulative(times)), times, rtol=1e-12)


def test_baselines_agree_where_they_are_the_same_hazard():
    times = np.linspace(0, 100, 41)
    weibull = WeibullHazard(np.log(2) / 0.03, 1.0).cumulative(times)
    np.testing.assert_allclose(PiecewiseHazard((), (0.03,)).cumulative(times), weibull, rtol=1e-12)
    np.testing.assert_allclose(PiecewiseHazard((7, 9), (0.03,) * 3).cumulative(times), weibull, rtol=1e-12)


def test_the_median_is_the_median():
    assert np.exp(-WeibullHazard(17, 1.3).cumulative(17)) == pytest.approx(0.5)


def test_a_piecewise_cumulative_hazard_is_the_integral_of_its_steps():
    cumulative = PiecewiseHazard((12, 36), (0.02, 0.03, 0.015)).cumulative(np.array([6, 12, 24, 40]))
    np.testing.assert_allclose(cumulative, [0.12, 0.24, 0.60, 1.02])


def test_the_same_seed_gives_the_same_patients():
    assert simulate_cohort(Truth(), 50, seed=3).sha256 == simulate_cohort(Truth(), 50, seed=3).sha256
    assert simulate_cohort(Truth(), 50, seed=3).sha256 != simulate_cohort(Truth(), 50, seed=4).sha256


@pytest.mark.parametrize("truth", [*TRUTHS, *DELAYED])
def test_written_and_read_again_it_is_the_same_cohort(tmp_path, truth):
    frame, text = simulate_frame(truth, 200, seed=1)
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert load_cohort(load_study(tmp_path)).sha256 == simulate_cohort(truth, 200, seed=1).sha256


@pytest.mark.parametrize("truth", TRUTHS)
def test_cumulative_hazards_at_the_end_are_censored_exponentials(truth):
    """Events less cumulative hazard is a martingale: its mean is zero within 4 standard errors."""
    cohort = simulate_cohort(truth, 20000, seed=5)
    relative = np.exp(_risk(truth, cohort) + truth.log_hazard_ratio * cohort.treatment)
    spent = (truth.baseline.cumulative(cohort.time) - truth.baseline.cumulative(cohort.entry)) * relative
    for group in (cohort.treatment, ~cohort.treatment, cohort.entry >= np.median(cohort.entry)):
        residual = (cohort.event - spent)[group]
        assert abs(residual.mean()) < 4 * residual.std() / np.sqrt(len(residual))
    uncensored = replace(truth, closing=1e9)
    everybody = simulate_cohort(uncensored, 5000, seed=5)
    relative = np.exp(_risk(truth, everybody) + truth.log_hazard_ratio * everybody.treatment)
    at_end, at_entry = (truth.baseline.cumulative(when) for when in (everybody.time, everybody.entry))
    spent = (at_end - at_entry) * relative
    assert everybody.event.all()
    assert kstest(spent, "expon").pvalue > 1e-4


@pytest.mark.parametrize("truth", DELAYED)
def test_the_effect_acts_from_the_start_of_treatment_on(truth):
    """As above, with the time before the start at the untreated hazard; by parts too, where errors would cancel."""
    for closing, size in ((truth.closing, 20000), (1e9, 5000)):
        cohort = simulate_cohort(replace(truth, closing=closing), size, seed=5)
        start = np.where(cohort.treatment, cohort.treatment_start, np.inf)
        switch = np.clip(start, cohort.entry, cohort.time)
        at_entry, at_switch, at_end = (
            truth.baseline.cumulative(when) for when in (cohort.entry, switch, cohort.time)
        )
        risk = np.exp(_risk(truth, cohort))
        untreated = (at_switch - at_entry) * risk
        spent = untreated + (at_end - at_switch) * np.exp(truth.log_hazard_ratio) * risk
        died_treated = cohort.event & cohort.treatment
        parts = (
            cohort.event - spent,
            died_treated - (spent - untreated),
            (cohort.event & ~cohort.treatment) - untreated,
        )
        for residual in parts:
            assert abs(residual.mean()) < 4 * residual.std() / np.sqrt(size)
        if cohort.event.all():
            assert kstest(spent, "expon").pvalue > 1e-4


def test_treated_deaths_are_fewer_than_treatment_from_the_entry_on_would_give():
    """The delay can be seen: with the time before the start counted as treated, events and hazard do not balance."""
    truth = DELAYED[0]
    cohort = simulate_cohort(truth, 20000, seed=5)
    spent = truth.baseline.cumulative(cohort.time) * np.exp(_risk(truth, cohort) + truth.log_hazard_ratio)
    residual = cohort.treatment * (cohort.event - spent)
    assert residual.mean() < -4 * residual.std() / np.sqrt(20000)


def test_who_dies_before_the_start_is_never_treated():
    """Two competing exponentials: the start comes first with probability (1 / mean) / (1 / mean + hazard)."""
    hazard, mean = 0.05, 12.0
    delayed = {"closing": 1e9, "mean_delay": mean, "baseline": PiecewiseHazard((), (hazard,))}
    truth = Truth(covariates={}, outcome={}, treatment={}, treatment_intercept=1.0, **delayed)
    cohort = simulate_cohort(truth, 40000, seed=3)
    expected = 1 / (1 + np.exp(-1.0)) / (1 + mean * hazard)
    assert cohort.treatment.mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(40000))
    starts = cohort.treatment_start[cohort.treatment]
    assert np.all((starts > 0) & (starts < cohort.time[cohort.treatment]))
    assert np.isnan(cohort.treatment_start[~cohort.treatment]).all()
    assert kstest(starts, "expon", args=(0, 1 / (1 / mean + hazard))).pvalue > 1e-4


def test_a_delay_changes_nothing_else_that_is_drawn():
    frame, text = simulate_frame(Truth(log_hazard_ratio=0.0), 400, seed=9)
    delayed, text_delayed = simulate_frame(Truth(log_hazard_ratio=0.0, mean_delay=6.0), 400, seed=9)
    assert "treatment_start" not in frame
    assert "treatment_start" not in text
    assert 'treatment_start = "treatment_start"' in text_delayed
    same = ["patient", "age", "grade", "died"]
    pd.testing.assert_frame_equal(delayed[same], frame[same])
    np.testing.assert_allclose(delayed["survival_months"], frame["survival_months"], rtol=1e-12)
    begun, wanted = delayed["therapy"] == "yes", frame["therapy"] == "yes"
    assert not (begun & ~wanted).any()
    assert (wanted & ~begun).sum() > 20


def test_a_short_delay_is_none():
    soon = simulate_cohort(Truth(mean_delay=1e-9), 400, seed=2)
    now = simulate_cohort(Truth(), 400, seed=2)
    np.testing.assert_allclose(soon.time, now.time, rtol=1e-6)
    np.testing.assert_array_equal(soon.treatment, now.treatment)


def test_follow_up_lasts_between_closing_less_accrual_and_closing():
    cohort = simulate_cohort(Truth(latest_entry=10.0), 3000, seed=1)
    followed = (cohort.time - cohort.entry)[~cohort.event]
    assert followed.min() >= 48
    assert followed.max() <= 72
    assert followed.max() - followed.min() > 23
    assert cohort.entry.max() > 9.9


def test_treatment_is_confounded_as_stated():
    truth = Truth(treatment={"age": 0.1}, treatment_intercept=-0.5)
    cohort = simulate_cohort(truth, 50000, seed=2)
    age = cohort.covariates["age"].to_numpy()
    for low, high in [(45, 47), (59, 61), (72, 74)]:
        group = (age > low) & (age < high)
        expected = (1 / (1 + np.exp(0.5 - 0.1 * (age[group] - 60)))).mean()
        assert cohort.treatment[group].mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(group.sum()))


@pytest.mark.parametrize("population", ["all", "treated", "overlap"])
@pytest.mark.parametrize("truth", TRUTHS)
def test_true_survival_is_the_average_over_a_large_population(truth, population):
    cohort = simulate_cohort(truth, 40000, seed=8)
    times = np.array([0.0, 6, 12, 40, 70])
    logit = truth.treatment_intercept + _predictor(truth.treatment, truth, cohort)
    propensity = 1 / (1 + np.exp(-logit))
    overlap = propensity * (1 - propensity)
    weights = {"all": np.ones(40000), "treated": propensity, "overlap": overlap}[population]
    for treated in (True, False):
        relative = np.exp(_risk(truth, cohort) + truth.log_hazard_ratio * treated)
        curves = np.exp(-np.multiply.outer(truth.baseline.cumulative(times), relative))
        expected = curves @ weights / weights.sum()
        found = true_survival(truth, times, treated, population)
        np.testing.assert_allclose(found, expected, atol=0.006)
        assert found[0] == pytest.approx(1.0)


def test_without_covariates_the_marginal_curve_is_the_conditional_one():
    truth = Truth(covariates={}, outcome={}, treatment={}, log_hazard_ratio=-0.7)
    times = np.array([1.0, 10, 50])
    ratio = np.log(true_survival(truth, times, True)) / np.log(true_survival(truth, times, False))
    np.testing.assert_allclose(ratio, np.exp(-0.7), rtol=1e-12)


@pytest.mark.parametrize("population", ["all", "treated"])
@pytest.mark.parametrize("baseline", BASELINES)
def test_the_true_rmst_difference_is_the_area_between_the_curves(baseline, population):
    truth = Truth(baseline=baseline)

    def difference(time: float) -> float:
        treated, control = (true_survival(truth, np.array([time]), arm, population) for arm in (True, False))
        return float(treated[0] - control[0])

    area, _ = quad(difference, 0, 50, points=[12, 36], epsabs=1e-7)
    assert true_rmst_difference(truth, 50, population) == pytest.approx(area, abs=1e-4)


def test_no_effect_is_no_difference():
    assert true_rmst_difference(Truth(log_hazard_ratio=0.0), 60) == pytest.approx(0, abs=1e-12)


def test_an_unknown_term_is_refused():
    with pytest.raises(ValueError, match=r"terms must be among .*grade\[T.II\].*found \['stage'\]"):
        Truth(outcome={"stage": 1.0})


def test_accrual_ends_before_closing():
    with pytest.raises(ValueError, match="accrual must be before closing"):
        Truth(accrual=80.0)


@pytest.mark.parametrize("delay", [-1.0, np.inf, np.nan])
def test_a_delay_is_a_time(delay):
    with pytest.raises(ValueError, match="mean_delay must be a time of 0 or later, but found"):
        Truth(mean_delay=delay)


def _predictor(coefficients, truth, cohort) -> np.ndarray:
    """The linear predictor, from the raw covariates."""
    total = np.zeros(cohort.size)
    for term, coefficient in coefficients.items():
        name, _, level = term.rstrip("]").partition("[T.")
        kind = truth.covariates[name]
        column = cohort.covariates[name].to_numpy()
        if level:
            total += coefficient * ((column == level) - kind.shares[level])
        else:
            total += coefficient * (column - kind.mean)
    return total


def _risk(truth, cohort) -> np.ndarray:
    return _predictor(truth.outcome, truth, cohort)


def test_who_dies_before_entry_is_never_seen():
    """Hazard 0.05 and entry even over 40: times of entry of those seen have a density proportional to exp(-0.05 t)."""
    late = {"baseline": PiecewiseHazard((12.0,), (0.05, 0.05)), "latest_entry": 40.0}
    truth = Truth(log_hazard_ratio=0.0, covariates={}, outcome={}, treatment={}, **late)
    frame, _ = simulate_frame(truth, 3000, seed=6)
    assert len(frame) == frame["patient"].nunique() == 3000
    assert (frame["survival_months"] > frame["entry"]).all()
    found = kstest(frame["entry"], lambda time: (1 - np.exp(-0.05 * time)) / (1 - np.exp(-2.0)))
    assert found.pvalue > 1e-3
    assert kstest(frame["entry"], "uniform", args=(0, 40)).pvalue < 1e-12


def test_those_seen_late_are_the_ones_with_a_low_risk():
    """By Bayes' rule: with risk exp(x), x = +-1 with equal shares, the share of x = 1 among those seen at a time t."""
    truth = Truth(
        log_hazard_ratio=0.0,
        baseline=PiecewiseHazard((12.0,), (0.03, 0.03)),
        covariates={"x": LevelCovariate({"low": 0.5, "high": 0.5})},
        outcome={"x[T.high]": 1.0},
        treatment={},
        latest_entry=40.0,
    )
    frame, _ = simulate_frame(truth, 8000, seed=8)
    late = frame[frame["entry"] > 35]
    time = np.linspace(35, 40, 101)
    low, high = (np.exp(-0.03 * time * np.exp(sign * 0.5)).mean() for sign in (-1, 1))
    share = high / (low + high)
    assert abs((late["x"] == "high").mean() - share) < 4 * np.sqrt(share * (1 - share) / len(late))
