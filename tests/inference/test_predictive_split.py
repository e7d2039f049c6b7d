"""Predictive checks where treatment begins during follow-up: replicates are fair draws of the cohort, and wrong models show."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from data.simulation.simulate import Truth, simulate_cohort
from inference.adjustments.adjusted import AdjustedSample
from inference.diagnostics.checks.predictive_split import split_predictive_checks
from inference.frequentist.cox_model import cox
from inference.frequentist.log_rank import log_rank
from inference.frequentist.survival import kaplan_meier
from inference.predictive.replicated import replicate_times
from inference.predictive.replicates.censoring import start_times
from inference.predictive.replicates.split_statistics import split_statistics
from inference.sampling.posterior import Posterior
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.episodes import episodes_of
from models.exposures import TimeSplit
from models.maximisers import maximise
from models.priors import PriorSet
from models.specification import ModelSpec

WAITING = Truth(log_hazard_ratio=-0.5, treatment={}, treatment_intercept=3.0, mean_delay=12.0)
HARD = Truth(  # who is ill begins treatment more often, and who began late came under observation late
    log_hazard_ratio=-0.5,
    treatment={"age": -0.08, "grade[T.II]": 1.0, "grade[T.III]": 2.0},
    outcome={"age": 0.05, "grade[T.II]": 0.5, "grade[T.III]": 1.2},
    mean_delay=8.0,
    latest_entry=10.0,
)
COHORTS = 30
CUTS = (6.0, 12.0)


def statistics(cohort, time, event, start):
    return split_statistics(
        time, event, start, cohort.entry, cohort.outcome.values, [12.0, 36.0], np.linspace(0, 60, 7), CUTS
    )


def judged(adjusted, cohort, seed, replicates=60):
    made = replicate_times(adjusted, cohort, replicates, np.random.default_rng([seed, 1]))
    replicated = statistics(
        cohort,
        made["time"].to_numpy()[0],
        made["event"].to_numpy()[0].astype(bool),
        made["start"].to_numpy()[0],
    )
    observed = statistics(cohort, cohort.time, cohort.event, cohort.treatment_start)
    checks = split_predictive_checks(replicated, observed, "months")
    return replicated, observed, {check.name.split(": ")[1]: check for check in checks}


def split_sample(cohort, baseline, made, **given):
    spec = ModelSpec(baseline, EFFECTS["constant"](), exposure=TimeSplit())
    design = made(cohort, baseline, draws=150, **given)
    return AdjustedSample(
        "none", (replace(design, posterior=Posterior(cohort, spec, PriorSet("default"))),), {}, {}
    )


def true_model(truth, cohort, made):
    coefficients = np.array([truth.outcome[term] for term in cohort.outcome.terms])
    shift = (cohort.outcome.means - [60.0, 0.5, 0.2]) @ coefficients
    return split_sample(
        cohort,
        Weibull(),
        made,
        treatment_effect=truth.log_hazard_ratio,
        outcome_coefficients=coefficients[None, None],
        median_survival=truth.baseline.median * np.exp(-shift / truth.baseline.shape),
        weibull_shape=truth.baseline.shape,
    )


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param(WAITING, id="waiting list", marks=pytest.mark.long),
        pytest.param(HARD, id="confounded, entered late"),
    ],
)
def test_under_the_truth_replicates_are_fair_draws_of_the_cohort(made, truth):
    """With the parameters known predictive probabilities are uniform, or, as starts and censoring are kept, more central."""
    values, differences = {}, {"events": [], "started": []}
    for seed in range(COHORTS):
        cohort = simulate_cohort(truth, 200, seed=300 + seed)
        replicated, observed, checks = judged(true_model(truth, cohort, made), cohort, seed)
        for name, check in checks.items():
            values.setdefault(name, []).append(check.value)
        for name, kept in differences.items():
            kept.append(replicated[name].mean("replicate").to_numpy() - observed[name][0].to_numpy())
    for name, found in values.items():
        # one-sided: more small values than a uniform number has; central ones are no fault
        assert kstest(found, "uniform", alternative="greater").pvalue > 0.001, name
        assert np.mean(np.array(found) < 0.05) <= 0.17, name  # 5 of 30: probability 0.002 of more
    assert np.mean(np.concatenate(list(values.values())) < 0.05) < 0.08
    for kept in differences.values():
        error = np.std(kept, axis=0) / np.sqrt(COHORTS)
        assert np.all(np.abs(np.mean(kept, axis=0)) < 4 * error)


def changed_cohort(hazards, effects, change, size=400, seed=8):
    """Patients without prognosis whose hazard and log hazard ratio jump once, with a waiting list."""
    rng = np.random.default_rng(seed)
    cohort = simulate_cohort(replace(WAITING, outcome={}), size, seed=seed)
    steps = np.arange(0.0, 72.0, 0.02)
    starts = rng.exponential(10.0, size)
    later = steps >= change
    hazard = np.where(later, hazards[1], hazards[0])
    effect = np.where(later, effects[1], effects[0])
    path = hazard * np.exp(np.where(steps >= starts[:, None], effect, 0.0))
    reached = np.cumsum(path * 0.02, axis=1)
    place = (reached < rng.standard_exponential(size)[:, None]).sum(axis=1)
    death = (place + rng.random(size)) * 0.02
    end = rng.uniform(48.0, 72.0, size)
    time = np.minimum(death, end)
    treated = starts < time
    return replace(
        cohort,
        time=time,
        event=death <= end,
        treatment=treated,
        treatment_start=np.where(treated, starts, np.nan),
    )


def fitted(cohort, baseline, made):
    """The maximum of the likelihood, whichever the model."""
    found = maximise(baseline, episodes_of(cohort, time_split=True), np.ones((1, cohort.size)))
    given = {name: value[None] for name, value in found.items()}
    zero = np.zeros((1, 1, len(cohort.outcome.terms)))
    return split_sample(cohort, baseline, made, **given, outcome_coefficients=zero)


FINE = PiecewiseExponential((2.0, 6.0, 12.0, 18.0, 30.0), "independent")


@pytest.mark.parametrize(
    ("hazards", "effects", "baseline", "flagged"),
    [
        ((0.05, 0.05), (-0.5, -0.5), FINE, False),
        ((0.12, 0.02), (-0.5, -0.5), FINE, False),
        ((0.12, 0.02), (-0.5, -0.5), PiecewiseExponential((), "independent"), True),
        ((0.05, 0.05), (-1.5, 1.0), FINE, True),
    ],
    ids=["right, constant hazard", "right, falling hazard", "one interval", "effect that changes"],
)
def test_a_wrong_model_is_seen_and_a_right_one_is_not(made, hazards, effects, baseline, flagged):
    cohort = changed_cohort(hazards, effects, change=12.0 if baseline is FINE else 6.0)
    checks = judged(fitted(cohort, baseline, made), cohort, 1, replicates=300)[2]
    failed = [name for name, check in checks.items() if check.status == "fail"]
    assert bool(failed) == flagged, failed


def test_starts_of_the_treated_are_kept_and_those_of_others_come_later_as_on_the_list():
    truth = replace(WAITING, treatment_intercept=50.0)  # all would begin, after 12 months on average
    cohort = simulate_cohort(truth, 4000, seed=2)
    drawn = start_times(cohort, 3, np.random.default_rng(1))
    treated = cohort.treatment
    assert_array_equal(drawn[:, treated], np.tile(cohort.treatment_start[treated], (3, 1)))
    untreated = drawn[:, ~treated]
    assert np.all(untreated > cohort.time[~treated])
    early = cohort.time[~treated] < 12.0  # beyond, few starts are seen
    beyond = np.minimum(untreated[:, early] - cohort.time[~treated][early], 12.0)
    expected = 12.0 * (1 - np.exp(-1.0))  # mean of an exponential time of mean 12, cut at 12
    assert_allclose(beyond.mean(), expected, atol=4 * beyond.std() / np.sqrt(early.sum()))


def test_replicates_begin_treatment_before_their_end_or_never(made):
    cohort = simulate_cohort(HARD, 150, seed=4)
    found = replicate_times(true_model(HARD, cohort, made), cohort, 40, np.random.default_rng(1))
    time, event, start = (found[name].to_numpy()[0] for name in ("time", "event", "start"))
    assert np.all(time > cohort.entry)
    begun = ~np.isnan(start)
    assert np.all(start[begun] < time[begun])
    treated = cohort.treatment
    same = np.where(time > cohort.treatment_start, cohort.treatment_start, np.nan)
    assert_array_equal(start[:, treated], same[:, treated])
    assert begun[:, ~treated].any()
    censored = ~cohort.event
    assert np.all(time[:, censored] <= cohort.time[censored])
    assert np.all((time >= cohort.time)[:, cohort.event] | (event[:, cohort.event] == 1))


@pytest.mark.parametrize("truth", [WAITING, HARD], ids=["from zero", "entered late"])
def test_every_statistic_equals_the_library_on_split_rows(truth):
    cohort = simulate_cohort(truth, 150, seed=6)
    one = statistics(cohort, cohort.time, cohort.event, cohort.treatment_start).isel(replicate=0)
    rows = episodes_of(cohort, time_split=True)
    columns = np.column_stack([rows.treated, cohort.outcome.values[rows.patient]]).astype(float)
    simple = cox(rows.time, rows.event, columns[:, :1], ["treatment"], rows.entry)
    full = cox(rows.time, rows.event, columns, list("tabc"), rows.entry)
    assert_allclose(one["cox_unadjusted"], simple.table["coefficient"][0], atol=1e-6)
    assert_allclose(one["cox_adjusted"], full.table["coefficient"][0], atol=1e-6)
    assert_allclose(one["log_rank"], log_rank(rows.time, rows.event, rows.treated, rows.entry)[0], rtol=1e-9)
    curve = kaplan_meier(cohort.time, cohort.event, cohort.entry, times=one["time"].to_numpy())
    assert_allclose(one["survival"], curve.survival, rtol=1e-10)
    assert float(one["median"]) == curve.median
    for state, treated in (("untreated", False), ("treated", True)):
        here = rows.event & (rows.treated == treated)
        assert int(one["events"].sel(state=state)) == here.sum()
        counted = np.histogram(rows.time[here], [-np.inf, *np.nextafter(CUTS, np.inf), np.inf])[0]
        assert_array_equal(one["events_by_interval"].sel(state=state), counted)
        assert (
            int(one["cumulative_events"].sel(state=state, grid_time=20.0)) == (here & (rows.time <= 20)).sum()
        )
    assert int(one["started"]) == cohort.treatment.sum()
