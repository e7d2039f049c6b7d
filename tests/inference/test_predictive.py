"""Replicated cohorts: under the cohort's own censoring and starts, like the cohort where the model is true, and checks by them."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from data.simulation.simulate import Truth, simulate_cohort
from inference.adjustments.adjusted import AdjustedSample
from inference.diagnostics.checks.predictive import (
    CLEAR,
    DOUBTFUL,
    predictive_check,
    predictive_checks,
    split_predictive_checks,
    two_sided_probability,
)
from inference.frequentist.cox_model import cox
from inference.frequentist.log_rank import log_rank
from inference.frequentist.survival import kaplan_meier
from inference.predictive.replicated import replicate_times
from inference.predictive.replicates.censoring import start_times
from inference.predictive.replicates.split_statistics import split_statistics
from inference.predictive.replicates.statistics import replicate_statistics
from inference.sampling.posterior import Posterior
from models.baselines import BASELINES, PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.episodes import episodes_of
from models.exposures import TimeSplit
from models.maximisers import maximise
from models.priors import PriorSet
from models.specification import ModelSpec

TRUTH = Truth()


def wrapped(*designs):
    return AdjustedSample("none", designs, {}, {})


def true_parameters(truth, cohort):
    """The truth; the baseline is moved from the population's average patient to the cohort's."""
    coefficients = np.array([truth.outcome[term] for term in cohort.outcome.terms])
    shift = (cohort.outcome.means - [60.0, 0.5, 0.2]) @ coefficients
    median = truth.baseline.median * np.exp(-shift / truth.baseline.shape)
    of_covariates = {"outcome_coefficients": coefficients[None, None]}
    of_hazard = {"median_survival": median, "weibull_shape": truth.baseline.shape}
    return of_covariates | of_hazard | {"treatment_effect": truth.log_hazard_ratio}


def true_model(made, cohort, draws=60):
    """A posterior that has nothing but the truth."""
    return made(cohort, Weibull(), draws=draws, **true_parameters(TRUTH, cohort))


def replicated_arrays(adjusted, cohort, count, rng, names=("time", "event")):
    """Times, events and what else is replicated, as arrays (replicate, patient)."""
    found = replicate_times(adjusted, cohort, count, rng)
    arrays = {name: found[name].to_numpy()[0] for name in names}
    return tuple((arrays | {"event": arrays["event"].astype(bool)}).values())


def curves_by_hand(time, event, at):
    return np.array([by_hand(*one, at) for one in zip(time, event, strict=True)])


def by_hand(time, event, at, entry=None):
    """Survival at some times, by hand."""
    entry = np.zeros(len(time)) if entry is None else entry
    survival = np.ones(len(at))
    for death in np.unique(time[event]):
        factor = 1 - (event & (time == death)).sum() / ((time >= death) & (entry < death)).sum()
        survival[at >= death] *= factor
    return survival


@pytest.mark.parametrize("baseline", [PiecewiseExponential((12.0, 36.0)), Weibull()], ids=list(BASELINES))
@pytest.mark.parametrize("latest_entry", [0.0, 10.0])
def test_no_replicate_passes_the_patient_s_own_censoring_time(made, baseline, latest_entry):
    cohort = simulate_cohort(Truth(latest_entry=latest_entry), 150, seed=4)
    design = made(cohort, baseline, draws=50)
    time, event = replicated_arrays(wrapped(design), cohort, 100, np.random.default_rng(1))
    assert time.shape == event.shape == (100, 150)
    censored = ~cohort.event
    assert np.all(time[:, censored] <= cohort.time[censored])
    assert np.all((time == cohort.time)[:, censored] == ~event[:, censored])
    assert np.all(time > cohort.entry)
    # who died was under observation until then: no replicate is censored earlier
    assert np.all((time >= cohort.time)[:, cohort.event] | event[:, cohort.event])
    for arm in (cohort.treatment, ~cohort.treatment):
        assert time[:, arm].max() <= cohort.time[arm].max()


@pytest.mark.parametrize("treated", [False, True])
def test_the_curve_of_replicates_is_the_model_s(made, treated):
    """Kaplan-Meier of replicates averages to the mean survival of the arm's patients: censoring does no harm."""
    cohort = simulate_cohort(TRUTH, 500, seed=21)
    design = true_model(made, cohort)
    time, event = replicated_arrays(wrapped(design), cohort, 120, np.random.default_rng(2))
    at = np.array([6.0, 12.0, 24.0, 36.0, 48.0])
    arm = cohort.treatment == treated
    curves = curves_by_hand(time[:, arm], event[:, arm], at)
    one = {name: value[0, 0] for name, value in design.parameters.items()}
    eta = TRUTH.log_hazard_ratio * treated + cohort.outcome.values[arm] @ one["outcome_coefficients"]
    cumulative = np.log(2) * (at / one["median_survival"]) ** one["weibull_shape"]
    expected = np.exp(-np.multiply.outer(cumulative, np.exp(eta))).mean(axis=1)
    assert_allclose(curves.mean(axis=0), expected, atol=4 * (curves.std(axis=0) / np.sqrt(120)).max())


def test_the_cohort_s_own_curve_lies_among_those_of_a_true_model(made):
    """Over several cohorts: 95 % bands of replicates hold the observed curve about as often as they say."""
    at, inside = np.array([12.0, 24.0, 36.0]), []
    for seed in range(12):
        cohort = simulate_cohort(TRUTH, 200, seed=100 + seed)
        truth = wrapped(true_model(made, cohort, 50))
        time, event = replicated_arrays(truth, cohort, 100, np.random.default_rng(seed))
        for treated in (False, True):
            arm = cohort.treatment == treated
            curves = curves_by_hand(time[:, arm], event[:, arm], at)
            low, high = np.quantile(curves, [0.025, 0.975], axis=0)
            observed = by_hand(cohort.time[arm], cohort.event[arm], at)
            inside += list((low <= observed) & (observed <= high))
    assert np.mean(inside) > 0.85
    assert len(inside) == 72


def test_replicates_are_of_draws_spread_over_all_designs(made, small_cohort):
    designs = [made(small_cohort, Weibull(), draws=20, seed=seed) for seed in range(3)]
    replicated = replicate_times(wrapped(*designs), small_cohort, 30, np.random.default_rng(1))
    assert replicated["time"].dims == ("chain", "draw", "patient")
    assert replicated.sizes == {"chain": 1, "draw": 30, "patient": small_cohort.size}
    assert_array_equal(replicated["patient"], small_cohort.patient)


def test_the_same_seed_gives_the_same_replicates(made, small_cohort):
    one, two = (
        replicate_times(wrapped(made(small_cohort, Weibull())), small_cohort, 5, np.random.default_rng(3))
        for _ in range(2)
    )
    assert one.identical(two)


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
    rng, names = np.random.default_rng([seed, 1]), ("time", "event", "start")
    replicated = statistics(cohort, *replicated_arrays(adjusted, cohort, replicates, rng, names))
    observed = statistics(cohort, cohort.time, cohort.event, cohort.treatment_start)
    checks = split_predictive_checks(replicated, observed, "months")
    return replicated, observed, {check.name.split(": ")[1]: check for check in checks}


def split_sample(cohort, baseline, made, **given):
    spec = ModelSpec(baseline, EFFECTS["constant"](), exposure=TimeSplit())
    posterior = Posterior(cohort, spec, PriorSet("default"))
    return wrapped(replace(made(cohort, baseline, draws=150, **given), posterior=posterior))


def true_split_model(truth, cohort, made):
    return split_sample(cohort, Weibull(), made, **true_parameters(truth, cohort))


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
        replicated, observed, checks = judged(true_split_model(truth, cohort, made), cohort, seed)
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
    begun = np.where(treated, starts, np.nan)
    return replace(cohort, time=time, event=death <= end, treatment=treated, treatment_start=begun)


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
    truth, names = true_split_model(HARD, cohort, made), ("time", "event", "start")
    time, event, start = replicated_arrays(truth, cohort, 40, np.random.default_rng(1), names)
    assert np.all(time > cohort.entry)
    begun = ~np.isnan(start)
    assert np.all(start[begun] < time[begun])
    treated = cohort.treatment
    same = np.where(time > cohort.treatment_start, cohort.treatment_start, np.nan)
    assert_array_equal(start[:, treated], same[:, treated])
    assert begun[:, ~treated].any()
    censored = ~cohort.event
    assert np.all(time[:, censored] <= cohort.time[censored])
    assert np.all((time >= cohort.time)[:, cohort.event] | event[:, cohort.event])


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


def test_the_middle_of_the_replicates_is_no_surprise_and_their_edge_is():
    draws = np.arange(1.0, 100.0)
    assert two_sided_probability(draws, 50.0) == pytest.approx(1.0)
    assert two_sided_probability(draws, 0.0) == pytest.approx(2 * 0.5 / 100)
    assert two_sided_probability(draws, 1000.0) == pytest.approx(two_sided_probability(draws, 0.0))
    assert two_sided_probability(np.append(draws, np.nan), 50.0) == pytest.approx(1.0)
    assert np.isnan(two_sided_probability(np.full(5, np.nan), 1.0))


@pytest.mark.parametrize(("factor", "status"), [(1.0, {"pass", "warn"}), (6.0, {"fail"})])
def test_a_model_whose_times_are_far_too_long_fails(factor, status):
    """Replicates with six times the survival time cannot give the cohort's events before 10."""
    rng = np.random.default_rng(5)
    treatment = np.arange(200) % 2 == 0

    def statistics(scale: float, replicates: int):
        time = rng.exponential(10.0 * scale, (replicates, 200))
        end, rest = np.minimum(time, 30.0), (None, np.empty((200, 0)), [10.0], [0.0, 10.0], [10.0])
        return replicate_statistics(end, time <= 30.0, treatment, *rest)

    checks = predictive_checks(statistics(factor, 300), statistics(1.0, 1), "months")
    found = {check.name: check for check in checks}
    survival = found["predictive: survival at 10 months, control"]
    assert survival.status in status
    assert survival.threshold == (CLEAR if survival.status == "fail" else DOUBTFUL)


@pytest.mark.parametrize(("replicates", "status"), [(15, "info"), (98, "info"), (200, "pass")])
def test_few_replicates_say_nothing_instead_of_passing(replicates, status):
    draws = xr.Dataset({"median": ("replicate", np.linspace(8.0, 12.0, replicates))})
    seen = xr.Dataset({"median": ("replicate", [10.0])})
    assert predictive_check("median", "median", draws, seen, {}).status == status
