"""The effect under start-time scenarios: their distributions, pooling in closed form, cohorts whose truth is known."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

import inference.sampling.posterior as posteriors
from data.simulation.simulate import PiecewiseHazard, Truth, simulate_cohort, simulate_frame, simulated_study
from data.study.cohort import validate_cohort
from inference.sampling.approximation import approximate
from inference.sampling.engine import SamplerSettings
from inference.sampling.posterior import Posterior
from inference.sensitivity import timing
from inference.sensitivity.e_values import e_value, risk_ratio
from inference.sensitivity.start_times import (
    DELAYS,
    UNITS_PER_MONTH,
    AtStart,
    EarlyOrLater,
    Exponential,
    LastThird,
    Uniform,
    delayed,
    scenarios_of,
)
from inference.sensitivity.timing import (
    TUNE,
    TimingSettings,
    timing_of_cohort,
    timing_settings,
    why_no_scenarios,
)
from inference.sensitivity.timing_pooled import doubt_of, normal_mixture_quantiles, pooled_timing
from models.baselines import PiecewiseExponential
from models.effects import EFFECTS
from models.exposures.unknown_start import UnknownStart
from models.priors import Prior, PriorSet
from models.specification import ModelSpec

DEFAULT = PriorSet("default")
SPEC = ModelSpec(PiecewiseExponential((12.0, 36.0)), EFFECTS["constant"](), "absent")
SHORT = TimingSettings(SamplerSettings(chains=2, draws=100, tune=200, seed=4), designs=2, replicates=5)


@pytest.fixture(scope="module")
def study():
    """The study of `small_cohort`, with the intervals of the other slow test: both then share a compiled model."""
    text = simulate_frame(Truth(), 50, seed=1)[1]
    return simulated_study(text + "[baseline]\ncutpoints = [12, 36]\n")


def delayed_cohort(seed, mean_delay, size=400):
    """Candidates begin after an exponential delay if they live to it, and it changes nothing."""
    truth = Truth(log_hazard_ratio=0.0, baseline=PiecewiseHazard(), closing=90.0)
    frame, text = simulate_frame(truth, size, seed)
    rng = np.random.default_rng([seed, 1])
    start = rng.exponential(mean_delay, size)
    column = "survival_months"
    treated = (frame["therapy"] == "yes") & (start < frame[column])
    frame["therapy"] = np.where(treated, "yes", "no")
    return validate_cohort(frame, simulated_study(text), "delayed cohort")


@pytest.mark.parametrize(
    ("probability", "state", "delay"),
    [
        ([0.99, 0.97, 0.93, 0.5], "within", 3.0),
        ([0.99, 0.97, 0.95, 0.951], "beyond", np.nan),
        ([0.94, 0.99, 0.99, 0.99], "from_start", np.nan),
        ([0.96, 0.94, 0.99, 0.2], "within", 1.0),
    ],
)
def test_the_delay_of_doubt_is_where_the_line_first_falls_below(probability, state, delay):
    found = doubt_of(np.array([0.0, 2.0, 4.0, 8.0]), np.array(probability))
    assert found.state == state
    assert_allclose(found.delay, delay)


def test_quantiles_of_a_mixture_of_normals():
    one = normal_mixture_quantiles(np.array([0.3]), np.array([0.2]), (0.025, 0.5))
    assert_allclose(one, stats.norm(0.3, 0.2).ppf([0.025, 0.5]))
    mean, sd = np.array([-1.0, 0.5, 2.0]), np.array([0.3, 1.0, 0.1])
    found = normal_mixture_quantiles(mean, sd, (0.1, 0.7))
    assert_allclose([stats.norm(mean, sd).cdf(at).mean() for at in found], [0.1, 0.7], rtol=1e-9)


def written(shift, seed):
    """A cohort's result of which every number is known: the effect is normal around `shift` under three scenarios."""
    rng = np.random.default_rng(seed)
    names, draws = ["at_start", "elicited", "elicited", "last_third"], (4, 250)
    centre = shift + np.array([-0.4, -0.1, 0.1, 2.0])
    none = np.array([0.0, -0.2, -0.4, np.nan])[:, None] + np.linspace(-0.1, 0.1, 11)
    exact = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    standard = np.stack([rng.permutation(exact).reshape(draws) for _ in names])
    delay = np.array(DELAYS)
    return xr.Dataset(
        {
            "log_hazard_ratio": (("run", "chain", "draw"), centre[:, None, None] + 0.2 * standard),
            "label": ("run", [name.upper() for name in names]),
            "divergences": ("run", [0, 1, 0, 0]),
            "delay_mean": ("delay", shift - 0.4 + 0.1 * delay),
            "delay_sd": ("delay", np.full(len(delay), 0.2)),
            "delay_naive_adjusted": (("delay", "replicate"), -0.1 * delay[:, None] + np.linspace(-0.1, 0.1, 11)),
            "naive": (("run", "replicate"), none),
            "naive_adjusted": (("run", "replicate"), none),
            "split": (("run", "replicate"), 0.0 * none),
            "median": (("run", "replicate", "arm"), np.where(np.arange(11) < 6, 20.0, np.inf)[:, None] + np.zeros((4, 11, 2))),
            "survival": (("run", "replicate", "arm", "time"), np.full((4, 11, 2, 1), 0.6)),
            "reachable": ("run", [1.0, 0.9, 0.8, 1.0]),
            "candidates": ("run", [0.5, 0.6, 0.7, np.nan]),
            "observed_naive": -0.3,
            "observed_naive_adjusted": -0.35,
        },
        coords={
            "scenario": ("run", names),
            "delay": delay,
            "arm": ["control", "treated"],
            "time": [12.0],
        },
    )  # fmt: skip


def test_pooling_gives_every_draw_of_every_cohort_the_same_weight():
    pooled = pooled_timing([written(0.1, 1), written(-0.1, 2)])
    table = pooled.scenarios.set_index("scenario")
    assert list(table.index) == ["at_start", "elicited", "last_third"]
    assert list(table["runs"]) == [2, 4, 2]
    mean, sd = np.array([-0.3, -0.5]), np.full(2, 0.2)
    ends = np.exp(normal_mixture_quantiles(mean, sd, (0.5, 0.025, 0.975)))
    assert_allclose(table.loc["at_start", ["hazard_ratio", "lower", "upper"]].astype(float), ends, rtol=0.01)
    benefit = table.loc["at_start", "probability_of_benefit"]
    assert_allclose(benefit, stats.norm.cdf(-mean / sd).mean(), atol=0.002)
    of_four = stats.norm.cdf(-np.array([0.0, 0.2, -0.2, 0.0]) / 0.2).mean()
    assert_allclose(table.loc["elicited", "probability_of_benefit"], of_four, atol=0.002)
    assert_allclose(table.loc["elicited", "no_effect"], np.exp(-0.3))
    # where no draw shows a benefit, there is nothing to explain away; else that of the median hazard ratio, a monotone function
    effect = table["hazard_ratio"].to_numpy()
    assert_allclose(table["e_value"], e_value(np.minimum(risk_ratio(effect), 1.0)), rtol=0.01)
    assert (table["e_value_lower"] >= 1.0).all()
    # Of 22 replicates around -0.2 and 22 around -0.4, those at or below -0.35: none, and 8 of 11 twice.
    assert_allclose(table.loc["elicited", "as_low"], 16 / 44)
    assert np.isnan(table.loc["last_third", "no_effect"])
    assert list(table["divergences"]) == [0, 2, 0]
    assert (table["rhat"] < 1.02).all()
    assert_allclose(pooled.observed, np.exp(-0.35))
    assert_allclose(pooled.approximation, 0.0, atol=1e-3)
    # Two normals around -0.4 + 0.1 delay -+ 0.1.
    centres = np.array([-0.3, -0.5]) + 0.1 * pooled.delays["delay"].to_numpy()[:, None]
    expected = stats.norm.cdf(-centres / 0.2).mean(axis=1)
    assert_allclose(pooled.delays["probability_of_benefit"], expected, rtol=1e-9)
    assert_allclose(pooled.doubt.delay, doubt_of(np.array(DELAYS), np.array(expected)).delay)
    assert_allclose(pooled.delays["no_effect"], np.exp(-0.1 * np.array(DELAYS)))


def test_the_table_of_no_effect_holds_every_quantity():
    table = pooled_timing([written(0.0, 1)]).no_effect.set_index(["scenario", "quantity", "arm"])
    assert_allclose(table.loc[("elicited", "naive", ""), "estimate"], np.exp(-0.3))
    median = table.loc[("at_start", "median", "treated")]
    assert (median["estimate"], median["upper"]) == (20.0, np.inf)
    assert_allclose(table.loc[("at_start", "survival", "control"), "estimate"], 0.6)
    assert np.isnan(table.loc[("last_third", "naive", ""), "estimate"])
    assert table.loc[("last_third", "naive", ""), "replicates"] == 0


def test_scenarios_need_a_known_unit_and_no_late_entry(study, small_cohort):
    assert why_no_scenarios(study, [small_cohort]) == ""
    cycles = study.model_copy(update={"time_unit": "cycles"})
    assert "(cycles) is not known" in why_no_scenarios(cycles, [small_cohort])
    late = simulate_cohort(Truth(latest_entry=6.0), 60, seed=1)
    assert "after time zero" in why_no_scenarios(study, [small_cohort, late])


def test_what_decides_a_result_decides_its_name(small_cohort):
    other = PriorSet("other", "", {"treatment_effect": Prior("Normal", {"mu": 0.0, "sigma": 0.3})})
    key, rest = timing_of_cohort.key, (SPEC, (24.0,))
    keys = {
        key(small_cohort, 0, *rest, DEFAULT, SHORT),
        key(small_cohort, 1, *rest, DEFAULT, SHORT),
        key(small_cohort, 0, *rest, other, SHORT),
        key(small_cohort, 0, *rest, DEFAULT, dataclasses.replace(SHORT, designs=3)),
        key(small_cohort, 0, SPEC, (36.0,), DEFAULT, SHORT),
        key(simulate_cohort(Truth(), 120, seed=12), 0, *rest, DEFAULT, SHORT),
    }
    assert len(keys) == 6
    assert key(small_cohort, 0, *rest, PriorSet("renamed"), SHORT) in keys


def test_few_cohorts_compute_more_each():
    assert timing_settings(1, SHORT.sampler).designs == 20
    assert timing_settings(20, SHORT.sampler).designs == 1
    assert 20 * timing_settings(20, SHORT.sampler).replicates >= 400
    assert timing_settings(1, SHORT.sampler).sampler == dataclasses.replace(SHORT.sampler, tune=TUNE)
    assert timing_settings(1, SamplerSettings(tune=60)).sampler.tune == 60
    draws = [timing_settings(count, SamplerSettings(draws=4000)).sampler.draws for count in (1, 2, 20)]
    assert draws == [1000, 500, 250]


@pytest.mark.slow
@pytest.mark.long
def test_a_cohort_is_computed_once_with_one_compilation_beside_the_treatment_model(
    small_cohort, tmp_path, monkeypatch, compilations
):
    treatment = Posterior(small_cohort, None, DEFAULT)
    blocks = treatment.blocks
    # a worker that fitted models has it
    posteriors.compiled_for(treatment, blocks, treatment.content(blocks))
    rest = (0, SPEC, (24.0, 48.0), DEFAULT, SHORT)
    with compilations() as compiled:
        found = timing_of_cohort(tmp_path, small_cohort, *rest)
    assert len(compiled) <= 1
    names = ["at_start", "elicited", "elicited", "uniform_12", "uniform_24", "last_third"]
    assert found["scenario"].to_numpy().tolist() == names
    # The later treatment may have begun, the more of the naive benefit is immortal time.
    means = found["log_hazard_ratio"].mean(("chain", "draw")).to_numpy()
    assert means[0] < means[3] < means[4] < means[5]
    assert (np.diff(found["delay_mean"]) > 0).all()
    shown = found["delay_naive_adjusted"].mean("replicate").to_numpy()
    assert shown[-1] < shown[3] < shown[0]
    # The normal approximation without delay is of the same posterior as the draws of the naive scenario.
    naive = found["log_hazard_ratio"][0]
    assert_allclose(found["delay_mean"][0], means[0], atol=0.35 * float(naive.std()))
    assert_allclose(found["delay_sd"][0], naive.std(), rtol=0.2)

    def never(*_):
        raise AssertionError("kept results must be read")

    monkeypatch.setattr(timing, "sample", never)
    again = timing_of_cohort(tmp_path, small_cohort, *rest)
    xr.testing.assert_identical(again, found)
    with pytest.raises(AssertionError, match="must be read"):
        timing_of_cohort(tmp_path, small_cohort, 1, *rest[1:])


@pytest.mark.slow
def test_delays_alone_fool_the_naive_analysis_and_not_the_true_scenario(full, capsys):
    """No effect, starts after 12 months on average: 95 % intervals hold 1 in 90 to 99 of 100 cohorts, or 16 of 20."""
    cohorts, baseline = (100 if full else 20), PiecewiseExponential((12.0, 36.0))
    held, fooled, naive, true = 0, 0, [], []
    for number in range(cohorts):
        cohort = delayed_cohort(3000 + number, 12.0)
        found = {}
        for name, starts in (("naive", AtStart("", "")), ("true", Exponential("", "", 12.0))):
            spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", UnknownStart(starts))
            found[name] = approximate(Posterior(cohort, spec, DEFAULT), "treatment_effect")
        mean, sd = found["true"]
        held += abs(mean) <= 1.96 * sd
        fooled += found["naive"][0] + 1.96 * found["naive"][1] < 0
        naive.append(found["naive"][0])
        true.append(mean / sd)
    with capsys.disabled():
        print(
            f"\nno effect, mean delay 12 months, {cohorts} cohorts: 1 held by {held} intervals of the true scenario, "
            f"{fooled} naive intervals below 1, naive hazard ratio {np.exp(np.mean(naive)):.2f}"
        )
    low, high = (90, 99) if full else (16, 20)
    assert low <= held <= high
    assert fooled > cohorts / 2
    assert np.mean(naive) < -0.3
    assert abs(np.mean(true)) < 4 / np.sqrt(cohorts)


LAWS = {
    "uniform": (Uniform("", "", 12.0), stats.uniform(0, 12)),
    "exponential": (Exponential("", "", 7.0), stats.expon(scale=7)),
}
MIXED = EarlyOrLater("", "", 0.3, 8.0, 2.0)
END = np.array([0.4, 1.9, 2.0, 6.0, 30.0, 90.0])
EVERY = [*(scenario for scenario, _ in LAWS.values()), MIXED, LastThird("", ""), AtStart("", "")]


@pytest.mark.parametrize("name", list(LAWS))
def test_distributions_are_those_of_scipy(name):
    scenario, law = LAWS[name]
    probability = np.linspace(0, 0.999, 40)
    assert_allclose(scenario.cdf(END), law.cdf(END), atol=1e-14)
    assert_allclose(scenario.quantile(probability), law.ppf(probability), rtol=1e-12, atol=1e-14)


def test_the_mixture_is_its_two_parts():
    expected = 0.3 * stats.uniform(0, 2).cdf(END) + 0.7 * stats.expon(scale=8).cdf(END)
    assert_allclose(MIXED.cdf(END), expected, atol=1e-14)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.97, 1.0])
@pytest.mark.parametrize("mean", [0.3, 8.0, 60.0])
def test_quantiles_of_the_mixture_undo_its_distribution(share, mean):
    scenario = EarlyOrLater("", "", share, mean, 2.0)
    probability = np.concatenate([[0.0], np.linspace(0.001, 0.999, 200)])
    start = scenario.quantile(probability)
    assert_allclose(scenario.cdf(start), probability, atol=1e-12)
    assert (np.diff(start) >= 0).all()


@pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: type(scenario).__name__)
def test_bins_lie_before_the_end_and_sum_to_the_chance_of_a_start(scenario):
    starts, weights = scenario.bins(END, 16)
    count = 1 if isinstance(scenario, AtStart) else 16
    assert starts.shape == weights.shape == (len(END), count)
    assert (starts >= 0).all()
    assert (starts <= END[:, None]).all()
    assert (weights > 0).all()
    assert_allclose(weights.sum(axis=1), scenario.cdf(END), rtol=1e-12)


def test_bins_have_the_mean_of_the_starts_before_the_end():
    """E[R; R < t], by its integral: half of t^2 / 12 evenly over 12; m - (t + m) e^(-t/m) for an exponential."""
    starts, weights = Uniform("", "", 12.0).bins(END, 16)
    assert_allclose((starts * weights).sum(axis=1), np.minimum(END, 12.0) ** 2 / 24.0, rtol=1e-10)
    starts, weights = Exponential("", "", 7.0).bins(END, 60)
    assert_allclose((starts * weights).sum(axis=1), 7 - (END + 7) * np.exp(-END / 7), rtol=2e-4)
    starts, weights = LastThird("", "").bins(END, 16)
    assert_allclose((starts * weights).sum(axis=1), END * 5 / 6, rtol=1e-12)


@pytest.mark.parametrize("scenario", EVERY[:3], ids=lambda scenario: type(scenario).__name__)
def test_draws_follow_the_distribution(scenario):
    drawn = scenario.draw(np.full(4000, 5.0), np.random.default_rng(1))
    assert stats.kstest(drawn, scenario.cdf).pvalue > 0.001


def test_the_last_third_follows_the_patients_own_time():
    end = np.random.default_rng(2).exponential(20, (4, 1000))
    share = LastThird("", "").draw(end, np.random.default_rng(1)) / end
    assert stats.kstest(share.ravel(), stats.uniform(2 / 3, 1 / 3).cdf).pvalue > 0.001
    assert not AtStart("", "").draw(end, np.random.default_rng(1)).any()


@pytest.mark.parametrize("unit", list(UNITS_PER_MONTH))
def test_scenarios_mean_the_same_in_every_unit(unit):
    """Six months are six months, however they are counted."""
    month = {"months": 1, "days": 365.25 / 12, "weeks": 365.25 / 12 / 7, "years": 1 / 12}[unit]
    ours, months = (scenarios_of(one, np.random.default_rng(3), 2) for one in (unit, "months"))
    at = np.array([0.5, 6.0, 20.0])
    for own, other in zip([*ours, *delayed(unit)], [*months, *delayed("months")], strict=True):
        assert (own.name, own.label) == (other.name, other.label)
        assert_allclose(own.cdf(at * month), other.cdf(at), rtol=1e-12)


def test_the_elicited_scenario_is_drawn_from_its_prior():
    drawn = [one for one in scenarios_of("months", np.random.default_rng(5), 3000) if one.name == "elicited"]
    assert len(drawn) == 3000
    shares = [one.share for one in drawn]
    means = [np.log(one.mean) for one in drawn]
    assert stats.kstest(shares, stats.beta(2, 2).cdf).pvalue > 0.001
    assert stats.kstest(means, stats.norm(np.log(8), 0.8).cdf).pvalue > 0.001
    assert {one.window for one in drawn} == {2.0}


def test_names_are_one_for_each_scenario_and_delays_begin_at_zero():
    names = [one.name for one in scenarios_of("days", np.random.default_rng(0))]
    assert names == ["at_start", "elicited", "uniform_12", "uniform_24", "last_third"]
    assert isinstance(delayed("days")[0], AtStart)
    assert_allclose([one.mean for one in delayed("years")[1:]], np.array(DELAYS[1:]) / 12)
