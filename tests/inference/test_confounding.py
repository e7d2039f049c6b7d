"""The grid of hidden confounders: closed forms on written grids, draws, and cohorts whose confounder is known."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal
from scipy import stats
from scipy.optimize import brentq

import inference.sensitivity.confounding as module
from data.simulation.simulate import Truth, simulate_cohort
from inference.sampling.approximation import approximate, approximate_each
from inference.sampling.engine import Sample, SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity.confounding import (
    BELOW,
    BEYOND,
    EFFECT,
    REACHED,
    SYMMETRIC,
    ConfoundingGrid,
    Strengths,
    confounding_checks,
    confounding_of_cohort,
    effect_at,
    needed_strength,
    pooled_confounding,
)
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.priors import Prior, PriorSet
from models.specification import ModelSpec

SPEC = ModelSpec(PiecewiseExponential((12.0, 36.0)), EFFECTS["constant"]())
DEFAULT = PriorSet("default")
SMALL = Strengths(0.2, (1.0, 1.5, 2.5), (0.0, 0.2, 0.5))
SHORT = SamplerSettings(chains=2, draws=1000, tune=300, seed=4)
NOTHING_CHECKED = pd.DataFrame({"shift": [0.0], "sd_ratio": [1.0]})


def written(start, slope, sd):
    """A grid whose means are start + slope x difference x log(hazard ratio of U), a row a cohort."""
    strengths = Strengths()
    product = np.outer(np.log(strengths.hazard_ratios), strengths.differences)
    start, sd = (np.asarray(value, dtype=float)[:, None, None] for value in (start, sd))
    mean = start + slope * product
    return ConfoundingGrid(strengths, mean, np.broadcast_to(sd, mean.shape).copy(), NOTHING_CHECKED)


def test_one_cohort_gives_a_lognormal_also_between_the_cells():
    grid = written([-0.4], 1.2, [0.15])
    ratio, difference = np.array([1.0, 1.37, 4.0, 2.0]), np.array([0.0, 0.17, 0.6, 0.33])
    expected = stats.norm(-0.4 + 1.2 * difference * np.log(ratio), 0.15)
    found = effect_at(grid, ratio, difference)
    for name, level in (("median", 0.5), ("lower", 0.025), ("upper", 0.975)):
        assert_allclose(found[name], np.exp(expected.ppf(level)), rtol=1e-9)
    assert_allclose(found["probability_of_benefit"], expected.cdf(0), rtol=1e-9)


def test_cohorts_are_pooled_with_equal_weights():
    """Against the quantiles of draws of every cohort, laid end to end."""
    means, sds = [-0.6, -0.3, 0.1], [0.1, 0.2, 0.15]
    point = np.array([1.0]), np.array([0.0])
    found = effect_at(written(means, 1.0, sds), *point).iloc[0]
    slices = (np.arange(100_000) + 0.5) / 100_000
    draws = np.concatenate([stats.norm(mean, sd).ppf(slices) for mean, sd in zip(means, sds, strict=True)])
    expected = np.exp(np.quantile(draws, [0.5, 0.025, 0.975]))
    assert_allclose(found[["median", "lower", "upper"]].astype(float), expected, rtol=1e-4)
    assert found["probability_of_benefit"] == pytest.approx((draws < 0).mean(), abs=1e-5)


def test_the_strength_that_is_needed_is_where_a_closed_form_says():
    start, slope, sd = -0.4, 1.2, 0.15
    found = needed_strength(written([start], slope, [sd])).set_index(["line", "probability"])
    for probability in (0.95, 0.5):
        shift = -start - stats.norm.ppf(probability) * sd  # of the mean, until the probability is reached
        for difference in (0.3, 0.6):
            row, ratio = found.loc[(f"{difference:g}", probability)], np.exp(shift / slope / difference)
            if ratio > 4:
                assert row["state"] == BEYOND
                assert np.isnan(row["hazard_ratio"])
            else:
                assert row["state"] == REACHED
                assert row["hazard_ratio"] == pytest.approx(ratio, rel=1e-4)
            assert row["difference"] == difference
        equal = brentq(lambda ratio, shift=shift: slope * 0.2 * (ratio - 1) * np.log(ratio) - shift, 1.0, 4.0)
        row = found.loc[(SYMMETRIC, probability)]
        assert row["hazard_ratio"] == pytest.approx(equal, rel=1e-4)
        assert row["difference"] == pytest.approx(0.2 * (equal - 1), rel=1e-3)
    assert set(found["state"]) == {REACHED, BEYOND}


def test_where_nothing_hidden_is_needed_that_is_said():
    found = needed_strength(written([-0.1], 1.2, [0.15]))
    by_probability = found[found["line"] == "0.3"].set_index("probability")["state"]
    assert by_probability[0.95] == BELOW
    assert by_probability[0.5] == REACHED
    strong = needed_strength(written([-3.0], 0.1, [0.15]))
    assert set(strong["state"]) == {BEYOND}
    assert strong["hazard_ratio"].isna().all()


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ((0.2, (1.5, 2.0), (0.0, 0.1)), "hazard ratios must rise from 1, but found"),
        ((0.2, (1.0, 1.0), (0.0, 0.1)), "hazard ratios must rise from 1, but found"),
        ((0.2, (1.0, 2.0), (0.0, 0.3, 0.2)), "differences must rise from 0, but found"),
        ((0.5, (1.0, 2.0), (0.0, 0.5)), "prevalences must be between 0 and 1, but found 0.5 to 1"),
        ((0.0, (1.0, 2.0), (0.0, 0.5)), "prevalences must be between 0 and 1, but found 0 to 0.5"),
    ],
)
def test_impossible_strengths_are_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        Strengths(*axes)


def test_checks_warn_where_the_approximation_is_off():
    grid = written([-0.4], 1.2, [0.15])
    assert [check.status for check in confounding_checks(grid)] == ["pass", "pass"]
    off = pd.DataFrame({"shift": [0.01, -0.3], "sd_ratio": [1.0, 0.7]})
    found = confounding_checks(ConfoundingGrid(grid.strengths, grid.mean, grid.sd, off))
    assert [(check.status, round(check.value, 6)) for check in found] == [("warn", 0.3), ("warn", 0.3)]


@pytest.fixture
def counted(monkeypatch):
    """Stand-ins for the engine that return what their confounder implies, and count how often they are asked."""
    asked = []

    def near(posterior, parameter):
        hidden = posterior.spec.exposure
        asked.append((posterior.cohort.sha256, hidden))
        gap = hidden.p_control - hidden.p_treated
        return -0.4 + gap * hidden.log_hazard_ratio + 1e-3 * posterior.cohort.size, 0.15

    def drawn(posterior, settings):
        mean, sd = near(posterior, EFFECT)
        values = np.random.default_rng(settings.seed).normal(mean, sd, (settings.chains, settings.draws))
        return Sample({EFFECT: values}, {}, ())

    def near_each(posteriors, parameter):
        return [near(posterior, parameter) for posterior in posteriors]

    monkeypatch.setattr(module, "approximate_each", near_each)
    monkeypatch.setattr(module, "sample", drawn)
    return asked


def grid_of(cohorts, spec, priors, strengths, settings):
    """The grid of several cohorts, computed and not kept."""
    rest = (spec, priors, settings, strengths)
    return pooled_confounding(
        [confounding_of_cohort.function(cohort, number, *rest) for number, cohort in enumerate(cohorts)]
    )


def test_every_cell_is_computed_with_its_confounder(counted, cohort_of):
    rng = np.random.default_rng(1)
    cohorts = [cohort_of(rng.uniform(1, 60, size), np.ones(size), np.arange(size) % 2) for size in (20, 30)]
    grid = grid_of(cohorts, SPEC, DEFAULT, SMALL, SHORT)
    # one for the first row of each cohort, and three of the first that are sampled
    assert len(counted) == 2 * (1 + 2 * 3) + 3
    product = np.outer(np.log(SMALL.hazard_ratios), SMALL.differences)
    assert_allclose(grid.mean, -0.4 + product + 1e-3 * np.array([20, 30])[:, None, None], atol=1e-12)
    assert {hidden.p_treated for _, hidden in counted} == {0.2}
    assert grid.strengths == SMALL
    cells = grid.checked[["hazard_ratio", "difference"]].to_numpy().tolist()
    assert cells == [[1.0, 0.0], [1.5, 0.2], [2.5, 0.5]]
    assert grid.checked["shift"].abs().max() < 0.1


def test_a_grid_is_kept_until_something_that_decides_it_changes(counted, cohort_of, tmp_path):
    rng = np.random.default_rng(1)
    cohort, another = (cohort_of(rng.uniform(1, 60, 20), np.ones(20), np.arange(20) % 2) for _ in range(2))
    rest = (0, SPEC, DEFAULT, SHORT, SMALL)
    first, computed = confounding_of_cohort(tmp_path, cohort, *rest), len(counted)
    again = confounding_of_cohort(tmp_path, cohort, *rest)
    assert len(counted) == computed
    assert_allclose(pooled_confounding([again]).sd, pooled_confounding([first]).sd, rtol=0)
    assert_frame_equal(pooled_confounding([again]).checked, pooled_confounding([first]).checked)
    narrow = PriorSet("default", "", {EFFECT: Prior("Normal", {"mu": 0.0, "sigma": 0.2})})
    others = (
        (another, *rest),
        (cohort, 0, SPEC, narrow, SHORT, SMALL),
        (cohort, 0, ModelSpec(Weibull(), EFFECTS["constant"]()), *rest[2:]),
        (cohort, *rest[:-1], Strengths(0.3, SMALL.hazard_ratios, SMALL.differences)),
    )
    for other in others:
        before = len(counted)
        assert not confounding_of_cohort.held(tmp_path, *other)
        confounding_of_cohort(tmp_path, *other)
        assert len(counted) > before


@pytest.fixture(scope="module")
def computed(small_cohort, compilations):
    """A grid of two cohorts of different sizes, and how often a model was compiled for it."""
    cohorts = [small_cohort, simulate_cohort(Truth(), 150, seed=12)]
    with compilations() as compiled:
        return grid_of(cohorts, SPEC, DEFAULT, SMALL, SHORT), len(compiled)


@pytest.mark.slow
def test_the_model_is_compiled_once_for_all_cells_and_cohorts(computed):
    assert computed[1] <= 1  # none, where a test before it compiled the same structure


@pytest.mark.slow
def test_the_approximation_agrees_with_draws(computed):
    checked = computed[0].checked
    error = 3 / np.sqrt(checked["ess"])
    assert (checked["shift"].abs() < 0.08 + error).all()
    assert ((checked["sd_ratio"] - 1).abs() < 0.05 + error).all()


@pytest.mark.slow
def test_more_of_it_among_the_untreated_leaves_less_of_a_benefit(computed):
    """Of a stronger condition still less; without a difference the benefit is not explained by it."""
    mean = computed[0].mean
    assert np.all(np.diff(mean[:, 1:], axis=2) > 0)
    assert np.all(np.diff(mean[:, :, 1:], axis=1) > 0)
    assert np.all(np.diff(mean[:, :, 0], axis=1) <= 0)


HIDDEN = UnmeasuredConfounder(0.2, 0.6, float(np.log(2.5)))
TRUE_EFFECT = -0.3
WIDE = PriorSet("wide", "", {EFFECT: Prior("Normal", {"mu": 0.0, "sigma": 3.0})})  # draws nothing towards 0


def confounded(cohort_of, seed, delayed, size=350):
    """Patients with a covariate, and a condition that is left out of the data; shares are those at time zero.

    With delayed entry only those are seen who live long enough: among them the condition is rarer.
    """
    rng = np.random.default_rng(seed)
    drawn = 2 * size if delayed else size
    severity = rng.normal(0, 1, drawn)
    treated = rng.random(drawn) < 1 / (1 + np.exp(-0.5 * severity))
    has = rng.random(drawn) < np.where(treated, HIDDEN.p_treated, HIDDEN.p_control)
    relative = np.exp(TRUE_EFFECT * treated + 0.3 * severity + HIDDEN.log_hazard_ratio * has)
    death = rng.standard_exponential(drawn) / (0.02 * relative)
    entry = rng.uniform(0, 20, drawn) * delayed
    seen = np.flatnonzero(death > entry)[:size]
    death, entry = death[seen], entry[seen]
    censored = entry + rng.uniform(40, 90, len(seen))
    return cohort_of(
        np.minimum(death, censored), death <= censored, treated[seen], entry, severity=severity[seen]
    )


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.* they are taken as equal:data.errors.CohortWarning"
)  # by chance, of so many
@pytest.mark.long
@pytest.mark.parametrize("delayed", [False, True], ids=["from the start", "delayed entry"])
def test_the_effect_is_found_where_the_confounder_is_as_strong_as_it_was(cohort_of, delayed, full, capsys):
    """Naively it is far off; with the true strength, 95 % intervals hold it about as often as they say."""
    cohorts = 100 if full else 40
    # both share one compiled model
    strengths = {"naive": UnmeasuredConfounder(0.2, 0.2, 0.0), "true strength": HIDDEN}
    found = {name: [] for name in strengths}
    for number in range(cohorts):
        cohort = confounded(cohort_of, 5000 + number, delayed)
        for name, hidden in strengths.items():
            spec = ModelSpec(SPEC.baseline, SPEC.effect, "absent", hidden)
            found[name].append(approximate(Posterior(cohort, spec, WIDE), EFFECT))
    bias, held = {}, {}
    for name, moments in found.items():
        mean, sd = np.array(moments).T
        bias[name] = round(float((mean - TRUE_EFFECT).mean() / sd.mean()), 3)
        held[name] = int((np.abs(mean - TRUE_EFFECT) < 1.959964 * sd).sum())
    with capsys.disabled():
        print(f"\nhidden confounder, delayed {delayed}, {cohorts} cohorts: bias in sd {bias}, {held=}")
    assert bias["naive"] < -1.5
    assert held["naive"] < 0.7 * cohorts
    assert abs(bias["true strength"]) < 0.05 + 3 / np.sqrt(cohorts)
    assert held["true strength"] >= 0.9 * cohorts


@pytest.mark.slow
def test_draws_at_the_true_strength_say_the_same(cohort_of):
    cohort = confounded(cohort_of, 1, True)
    posterior = Posterior(cohort, ModelSpec(SPEC.baseline, SPEC.effect, "absent", HIDDEN), WIDE)
    mean, sd = approximate(posterior, EFFECT)
    draws = sample(posterior, SamplerSettings(2, 2000, 300, seed=3)).parameters[EFFECT]
    assert mean == pytest.approx(draws.mean(), abs=0.08 * sd)
    assert sd == pytest.approx(draws.std(), rel=0.06)


@pytest.mark.slow
def test_a_search_that_begins_at_a_neighbour_ends_where_its_own_would(cohort_of):
    """Cells from one end of a grid to the other: moments to a thousandth of a standard deviation.

    Spreads of the hazard's steps are estimated once for a grid; by a cell of its own they would hardly differ.
    """
    cohort = confounded(cohort_of, 1, False)
    cells = [UnmeasuredConfounder(0.2, 0.2 + step, np.log(4.0)) for step in (0.0, 0.3, 0.6)]
    specs = [ModelSpec(SPEC.baseline, SPEC.effect, "absent", cell) for cell in cells]
    posteriors = [Posterior(cohort, spec, WIDE) for spec in specs]
    each = np.array(approximate_each(posteriors, EFFECT))
    direct = np.array([approximate_each([posteriors[0], posterior], EFFECT)[1] for posterior in posteriors])
    assert_allclose(each[:, 0], direct[:, 0], atol=1e-3 * direct[:, 1].min())
    assert_allclose(each[:, 1], direct[:, 1], rtol=1e-3)
    alone = np.array([approximate(posterior, EFFECT) for posterior in posteriors])
    assert_allclose(each[:, 0], alone[:, 0], atol=0.02 * alone[:, 1].min())
    assert_allclose(each[:, 1], alone[:, 1], rtol=0.02)
    assert np.ptp(alone[:, 0]) > alone[0, 1]
