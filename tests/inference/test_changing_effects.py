"""Effects by interval and by subgroup: curves against sums and integrals, and known truth recovered."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from data.errors import InputError
from data.simulation.simulate import LevelCovariate, Truth, simulate_cohort, simulate_frame, simulated_study
from data.study.cohort import validate_cohort
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.adjusted import DesignSample, Problem, flat_draws
from inference.diagnostics.checks.notes import time_ratio_note
from inference.estimands.curves import POPULATIONS, population_weights, standardise, time_grid
from inference.fits.datatree import from_tree, to_tree
from inference.fits.requests import check_effect
from inference.fits.tables import estimate
from inference.predictive.prior_draws import draw_prior
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS, ByInterval, BySubgroup, ConstantEffect
from models.exposures import TimeSplit
from models.priors import Prior, PriorSet
from models.specification import ModelSpec, known_parameters

CUTS = (12.0, 36.0)
BASELINES = {"piecewise_exponential": PiecewiseExponential(CUTS), "weibull": Weibull()}
LEVELS = (("grade", "II"), ("grade", "III"))
SHAPES = {"by_interval": ByInterval(CUTS), "by_subgroup": BySubgroup(LEVELS)}
HORIZON, TIMES, LAST = 60.0, (12.0, 36.0, 60.0), 72.0
DEFAULT = PriorSet("default")
SMALL = {"mu": float(np.log(0.002)), "sigma": 0.2}
SETTINGS = SamplerSettings(chains=2, draws=500, tune=300, seed=5)
LONGER = SamplerSettings(chains=4, draws=500, tune=300, seed=5)


def made_up(cohort, baseline, effect, seed=2):
    """Twelve draws from the prior, at plausible hazards."""
    posterior = Posterior(cohort, ModelSpec(baseline, effect), PriorSet("default"))
    rng = np.random.default_rng(seed)
    values = draw_prior(posterior, 12, rng)
    values["outcome_coefficients"] = rng.normal(0, [0.02, 0.4, 0.4], (12, 3))
    if baseline.name == "weibull":
        values |= {"median_survival": rng.uniform(20, 40, 12), "weibull_shape": rng.uniform(0.7, 1.6, 12)}
    else:
        values["log_hazard"] = rng.normal(-3.6, 0.4, (12, 3))
    shaped = {name: value.reshape(2, 6, *value.shape[1:]) for name, value in values.items()}
    return DesignSample(posterior, shaped, rng.uniform(0.1, 0.9, (12, cohort.size)))


def exact_hazards(design, cohort, draw, time, treated):
    """The hazard of every patient at a time, in plain arithmetic."""
    one = {name: value[draw] for name, value in flat_draws(design.parameters).items()}
    if "weibull_shape" in one:
        median, shape = one["median_survival"], one["weibull_shape"]
        rate = np.log(2) * shape / median * (time / median) ** (shape - 1)
    else:
        rate = np.exp(one["log_hazard"][np.searchsorted(CUTS, time)])
    risk = cohort.outcome.values @ one["outcome_coefficients"]
    if "treatment_effect_by_interval" in one:
        ratio = one["treatment_effect_by_interval"][np.searchsorted(CUTS, time)]
    else:
        dummies = pd.get_dummies(cohort.covariates["grade"]).to_numpy(float)[:, 1:]
        ratio = one["treatment_effect"] + (dummies - dummies.mean(axis=0)) @ one["subgroup_effects"]
    return rate * np.exp(risk + treated * ratio)


@pytest.mark.parametrize("origin", [0.0, 5.0])
@pytest.mark.parametrize("effect", list(SHAPES))
@pytest.mark.parametrize("baseline", list(BASELINES))
def test_curves_are_averages_over_patients_of_integrated_hazards(small_cohort, baseline, effect, origin):
    design = made_up(small_cohort, BASELINES[baseline], SHAPES[effect])
    grid = time_grid(CUTS, HORIZON, TIMES, LAST)
    curves = standardise(design, small_cohort, grid, np.random.default_rng(9), origin=origin)
    weights = population_weights(design.propensity, small_cohort.treatment, 12, np.random.default_rng(9))
    for draw in (0, 7):
        for arm in (0, 1):
            for time in (9.0, 12.0, 31.0, 65.0):
                place = np.argmin(np.abs(grid.time - time))
                at = grid.time[place]
                edges = [origin, *(cut for cut in CUTS if origin < cut < at), at]
                nodes, node_weights = np.polynomial.legendre.leggauss(80)
                cumulated = np.zeros(small_cohort.size)
                for start, end in pairwise(edges):
                    half = 0.5 * (end - start)
                    # t = start + (end - start) u^4 takes the edge off a hazard that is infinite at 0
                    u = 0.5 * (nodes + 1)
                    for node, weight in zip(u, node_weights, strict=True):
                        jacobian = 2 * half * 4 * node**3 * 0.5 * weight
                        spot = start + (end - start) * node**4
                        cumulated += jacobian * exact_hazards(design, small_cohort, draw, spot, arm)
                surviving = np.exp(-cumulated)
                now = exact_hazards(design, small_cohort, draw, at, arm)
                for population in range(len(POPULATIONS)):
                    share = weights[population, draw]
                    survival = share @ surviving
                    assert curves.survival[population, arm, draw, place] == pytest.approx(survival, abs=2e-6)
                    hazard = share @ (surviving * now) / survival
                    assert curves.hazard[population, arm, draw, place] == pytest.approx(hazard, rel=2e-4)


def test_reported_ratios_say_whose_and_when(small_cohort):
    grid = time_grid(CUTS, HORIZON, TIMES, LAST)
    design = made_up(small_cohort, Weibull(), SHAPES["by_interval"])
    curves = standardise(design, small_cohort, grid, np.random.default_rng(9))
    assert curves.effects == (("", 12.0), ("", 36.0), ("", LAST))
    flat = flat_draws(design.parameters)
    assert_allclose(curves.log_hazard_ratio, flat["treatment_effect_by_interval"].T)
    design = made_up(small_cohort, Weibull(), SHAPES["by_subgroup"])
    curves = standardise(design, small_cohort, grid, np.random.default_rng(9))
    assert curves.effects == tuple((label, None) for label in ("", "grade=I", "grade=II", "grade=III"))
    flat = flat_draws(design.parameters)
    shares = small_cohort.covariates["grade"].value_counts(normalize=True)[["I", "II", "III"]].to_numpy()
    assert_allclose(shares @ curves.log_hazard_ratio[1:], flat["treatment_effect"], atol=1e-12)
    away = curves.log_hazard_ratio[2:] - curves.log_hazard_ratio[1]
    assert_allclose(away, flat["subgroup_effects"].T, atol=1e-12)


def test_weights_and_pairs_are_refused_with_what_to_do():
    for adjustment in ("iptw", "overlap", "matched"):
        check_effect(adjustment, "constant")
        for effect in set(EFFECTS) - {"constant"}:
            with pytest.raises(
                InputError, match=r"--effect must be constant .* choose --adjustment none, joint or cut"
            ):
                check_effect(adjustment, effect)
    for adjustment in ("none", "joint", "cut"):
        check_effect(adjustment, "by_interval")


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("adjustment", ["none", "joint", "cut"])
@pytest.mark.parametrize("effect", list(SHAPES))
def test_a_fit_goes_to_a_tree_and_back_with_names_along_its_dimensions(small_cohort, effect, adjustment):
    baseline = BASELINES["piecewise_exponential" if adjustment == "joint" else "weibull"]
    problem = Problem(
        small_cohort, ModelSpec(baseline, SHAPES[effect]), PriorSet("default"), SETTINGS, designs=2
    )
    adjusted = ADJUSTMENTS[adjustment].sample(problem, lambda *_: None)
    tree = to_tree(adjusted, problem, {})
    posterior = tree["posterior"].to_dataset()
    if effect == "by_interval":
        assert list(posterior["treatment_effect_by_interval"]["interval"].values) == [
            "(0, 12]",
            "(12, 36]",
            "(36, inf)",
        ]
        first = posterior["treatment_effect_by_interval"].isel(interval=0)
        assert_allclose(first, posterior["treatment_effect"], rtol=1e-6)
    else:
        terms = posterior["subgroup_effects"]["subgroup"].values
        assert list(terms) == ["grade[T.II]", "grade[T.III]"]
    assert {"time", "event"} <= set(tree["posterior_predictive"].data_vars)
    again = from_tree(tree, problem, adjustment)
    grid = time_grid(CUTS, HORIZON, TIMES, float(small_cohort.time.max()))
    first, second = (estimate(one, small_cohort, grid, 1).table for one in (adjusted, again))
    # Draws are kept in single precision: where two are nearly equal, their ranks may change places.
    ranks = ["rhat", "ess_bulk", "ess_tail", "mcse"]
    pd.testing.assert_frame_equal(first.drop(columns=ranks), second.drop(columns=ranks), rtol=1e-4, atol=1e-4)
    pd.testing.assert_frame_equal(first[ranks], second[ranks], rtol=1e-2)
    assert_allclose(first["rhat"], second["rhat"], atol=1e-3)
    ratios = first[first["estimand"] == "hazard_ratio"]
    assert len(ratios) == (3 if effect == "by_interval" else 4)
    assert time_ratio_note(adjusted) == []


@pytest.mark.slow
@pytest.mark.parametrize("effect", list(SHAPES))
@pytest.mark.parametrize(
    "baseline", ["weibull", pytest.param("piecewise_exponential", marks=pytest.mark.long)]
)
def test_with_next_to_no_spread_it_is_the_constant_effect(small_cohort, baseline, effect):
    """Posterior means within four Monte Carlo errors, standard deviations within 15 %."""
    tiny = Prior("LogNormal", SMALL)
    priors = PriorSet("tiny", "", {"treatment_effect_step_sd": tiny, "subgroup_effect_sd": tiny})
    found = {}
    for shape in (SHAPES[effect], ConstantEffect()):
        drawn = sample(
            Posterior(small_cohort, ModelSpec(BASELINES[baseline], shape), priors), LONGER
        ).parameters
        found[shape.name] = drawn["treatment_effect"].ravel()
    ours, constant = found[effect], found["constant"]
    error = np.hypot(ours.std(), constant.std()) / np.sqrt(500)
    assert abs(ours.mean() - constant.mean()) < 4 * error
    assert ours.std() == pytest.approx(constant.std(), rel=0.15)


def fading_cohort(size, seed):
    """Hazard 0.03 a month, ratio 0.5 before month 12 and 1.2 after it; age confounds; followed to month 60."""
    rng = np.random.default_rng(seed)
    frame, text = simulate_frame(
        Truth(outcome={}, covariates={"age": Truth().covariates["age"]}, treatment={}), size, seed
    )
    age = frame["age"].to_numpy() - 60.0
    treated = rng.random(size) < 1 / (1 + np.exp(0.04 * age))
    risk = np.exp(0.02 * age)
    early, late = 0.03 * risk * np.where(treated, 0.5, 1.0), 0.03 * risk * np.where(treated, 1.2, 1.0)
    spent = rng.standard_exponential(size)
    death = np.where(spent < 12 * early, spent / early, 12 + (spent - 12 * early) / late)
    closing = 60 - rng.uniform(0, 24, size)
    frame = frame.assign(
        survival_months=np.minimum(death, closing),
        died=(death <= closing).astype(int),
        therapy=np.where(treated, "yes", "no"),
    )
    return validate_cohort(frame, simulated_study(text), "fading")


def fading_difference(time):
    """True survival difference of all patients, treated against not, by quadrature over age."""

    def survival(ratios):
        def of(age):
            cumulated = (
                0.03 * (ratios[0] * min(time, 12) + ratios[1] * max(time - 12, 0)) * np.exp(0.02 * age)
            )
            return np.exp(-cumulated - 0.5 * (age / 10) ** 2) / (10 * np.sqrt(2 * np.pi))

        return quad(of, -80, 80, points=[0])[0]

    return survival((0.5, 1.2)) - survival((1.0, 1.0))


def fading_fit(size, seed, baseline):
    cohort = fading_cohort(size, seed)
    spec = ModelSpec(baseline, ByInterval((12.0,)))
    problem = Problem(cohort, spec, DEFAULT, replace(SETTINGS, seed=seed))
    adjusted = ADJUSTMENTS["none"].sample(problem, lambda *_: None)
    grid = time_grid((12.0,), 40.0, (12.0, 36.0), float(cohort.time.max()))
    curves = standardise(adjusted.designs[0], cohort, grid, np.random.default_rng(seed))
    difference = curves.survival[0, 1] - curves.survival[0, 0]
    return {
        "early": (curves.log_hazard_ratio[0], np.log(0.5)),
        "late": (curves.log_hazard_ratio[1], np.log(1.2)),
        "at 12": (difference[:, grid.at(12.0)], fading_difference(12.0)),
        "at 36": (difference[:, grid.at(36.0)], fading_difference(36.0)),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "baseline",
    [PiecewiseExponential((12.0,)), pytest.param(Weibull(), marks=pytest.mark.long)],
    ids=lambda one: one.name,
)
@pytest.mark.long
def test_an_effect_that_fades_is_found_on_a_large_cohort(baseline):
    """Within three posterior standard deviations of a truth that the posterior knows well."""
    for name, (draws, truth) in fading_fit(4000, 3, baseline).items():
        assert draws.std() < 0.08, name
        assert abs(draws.mean() - truth) < 3 * draws.std(), name


def site_cohort(size, seed):
    """Log hazard ratio -0.6, and 0.5 more for those with the site, 40 % of all: -0.4 in the average patient."""
    sites = {"site": LevelCovariate({"0": 0.6, "1": 0.4})}
    truth = Truth(covariates=sites, outcome={"site[T.1]": 0.3}, treatment={"site[T.1]": 0.5})
    frame, text = simulate_frame(truth, size, seed)
    rng = np.random.default_rng([seed, 1])
    with_site, treated = frame["site"].to_numpy() == "1", frame["therapy"].to_numpy() == "yes"
    rate = 0.025 * np.exp(0.3 * with_site + treated * (-0.6 + 0.5 * with_site))
    death, closing = rng.standard_exponential(size) / rate, 72 - rng.uniform(0, 24, size)
    frame = frame.assign(survival_months=np.minimum(death, closing), died=(death <= closing).astype(int))
    return validate_cohort(frame, simulated_study(text), "sites")


def site_fit(size, seed):
    cohort = site_cohort(size, seed)
    problem = Problem(
        cohort, ModelSpec(Weibull(), BySubgroup((("site", "1"),))), DEFAULT, replace(SETTINGS, seed=seed)
    )
    adjusted = ADJUSTMENTS["none"].sample(problem, lambda *_: None)
    grid = time_grid((), 40.0, (12.0,), float(cohort.time.max()))
    curves = standardise(adjusted.designs[0], cohort, grid, np.random.default_rng(seed))
    share = (cohort.covariates["site"].astype(str) == "1").mean()
    truths = {"": -0.6 + 0.5 * share, "site=0": -0.6, "site=1": -0.1}
    return {
        name: (draws, truths[name])
        for (name, _), draws in zip(curves.effects, curves.log_hazard_ratio, strict=True)
    }


@pytest.mark.slow
@pytest.mark.long
def test_an_effect_that_differs_by_site_is_found_on_a_large_cohort():
    for name, (draws, truth) in site_fit(4000, 3).items():
        assert draws.std() < 0.1, name
        assert abs(draws.mean() - truth) < 3 * draws.std(), name


COVERED = {
    "fading": lambda size, seed: fading_fit(size, seed, PiecewiseExponential((12.0,))),
    "fading, weibull": lambda size, seed: fading_fit(size, seed, Weibull()),
    "site": site_fit,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "fit", [pytest.param(one, marks=pytest.mark.long) for one in ("fading", "fading, weibull", "site")]
)
def test_intervals_hold_the_truth(fit, full, capsys):
    """At least 90 of 100 cohorts with --full, else 2 of 3, which 95 % miss once in 140 times; default priors.

    A hazard ratio that grows by a factor of 2.4 at once, or differs by one of 1.6 between sites. Narrower priors of the
    changes held the first ratio in 78 of 100 and those by site in 85 to 89 (docs/decisions/0022-effects-that-change.md).
    """
    cohorts = 100 if full else 3
    held: dict[str, int] = {}
    for number in range(cohorts):
        found = COVERED[fit](600 + 20 * (number % 5), 500 + number)
        for name, (draws, truth) in found.items():
            low, high = np.quantile(draws, [0.025, 0.975])
            held[name] = held.get(name, 0) + int(low <= truth <= high)
    with capsys.disabled():
        print(f"\ncoverage of changing effects, {fit}: {held} of {cohorts}")
    assert min(held.values()) >= (90 if full else 2), held


def closed_form_coverage(truth, errors, prior_of, priors):
    """How often 95 % intervals of log ratios hold the truth, estimates being normal, a standard deviation integrated out.

    Given it prior and posterior are normal; the posterior is a mixture over 41 quantiles of its prior.
    """
    rng, noise = np.random.default_rng(1), np.diag(np.square(errors))
    estimates = rng.multivariate_normal(truth, noise, 4000)
    logs, middles, spreads = [], [], []
    for sd in priors.frozen.ppf((np.arange(41) + 0.5) / 41):
        whole = prior_of(sd) + noise
        gain = prior_of(sd) @ np.linalg.inv(whole)
        logs.append(stats.multivariate_normal(np.zeros(len(truth)), whole).logpdf(estimates))
        middles.append(estimates @ gain.T)
        spreads.append(np.sqrt(np.diag(prior_of(sd) - gain @ prior_of(sd))))
    weights = np.exp(np.array(logs) - np.max(logs, axis=0))
    below = stats.norm.cdf((truth - np.array(middles)) / np.array(spreads)[:, None, :])
    share = (weights[..., None] * below).sum(axis=0) / weights.sum(axis=0)[:, None]
    return ((share > 0.025) & (share < 0.975)).mean(axis=0)


def test_default_priors_leave_changes_to_the_patients():
    """Of 4000 estimates as precise as those of 640 patients: at least 90 %, for each interval and each site."""
    effect = known_parameters()["treatment_effect"].default.arguments["sigma"]
    step_sd = known_parameters()["treatment_effect_step_sd"].default
    subgroup_sd = known_parameters()["subgroup_effect_sd"].default

    def by_interval(sd):
        return effect**2 * np.ones((2, 2)) + sd**2 * np.outer([0, 1], [0, 1])

    def by_site(sd):
        return effect**2 * np.ones((2, 2)) + sd**2 * np.outer([-0.4, 0.6], [-0.4, 0.6])

    intervals = closed_form_coverage(np.log([0.5, 1.2]), [0.171, 0.110], by_interval, step_sd)
    sites = closed_form_coverage(np.array([-0.6, -0.1]), [0.130, 0.138], by_site, subgroup_sd)
    assert min(*intervals, *sites) >= 0.90
    narrow = Prior("LogNormal", {"mu": float(np.log(0.2)), "sigma": 0.6})
    assert closed_form_coverage(np.log([0.5, 1.2]), [0.171, 0.110], by_interval, narrow)[0] < 0.82


def test_simulated_cohorts_are_what_they_say():
    """The large-sample rates behind the truths above, counted."""
    cohort = fading_cohort(40_000, 1)
    first = np.minimum(cohort.time, 12.0)
    died = cohort.event & (cohort.time <= 12)
    rates = [
        died[cohort.treatment == arm].sum() / first[cohort.treatment == arm].sum() for arm in (True, False)
    ]
    assert 0.4 < rates[0] / rates[1] < 0.6
    assert simulate_cohort(Truth(), 50, 1).size == 50


@pytest.mark.slow
@pytest.mark.parametrize("effect", ["by_interval", pytest.param("by_subgroup", marks=pytest.mark.long)])
def test_treatment_that_begins_later_is_fitted_and_kept_too(small_cohort, effect):
    """Time split: replicates begin treatment before their end or never, and the density agrees with the draws'."""
    start = np.where(small_cohort.treatment, 0.3 * small_cohort.time, np.nan)
    begun = replace(small_cohort, treatment_start=start)
    spec = ModelSpec(Weibull(), SHAPES[effect], "absent", TimeSplit())
    problem = Problem(begun, spec, PriorSet("default"), SETTINGS)
    adjusted = ADJUSTMENTS["none"].sample(problem, lambda *_: None)
    tree = to_tree(adjusted, problem, {})
    replicated = tree["posterior_predictive"].to_dataset()
    started = np.isfinite(replicated["start"].to_numpy())
    assert np.all(replicated["start"].to_numpy()[started] < replicated["time"].to_numpy()[started])
    assert 0 < started.mean() < 1
    assert np.isfinite(tree["log_likelihood"]["time"].to_numpy()).all()
    assert np.isfinite(tree["prior_predictive"]["time"].to_numpy()).all()
    grid = time_grid(CUTS, HORIZON, TIMES, float(begun.time.max()))
    again = from_tree(tree, problem, "none")
    first, second = (estimate(one, begun, grid, 1).table for one in (adjusted, again))
    pd.testing.assert_frame_equal(first, second)
    assert adjusted.statistics["diverging"].mean() < 0.01
