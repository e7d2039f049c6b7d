"""Leave-one-out scores and probabilities: those of ArviZ, closed forms, exact leaving out, and where they cannot be computed."""

import numpy as np
import pytest
import xarray as xr
from arviz_stats import loo
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import logsumexp

from data.simulation.simulate import Truth, simulate_cohort
from inference.adjustments.adjusted import AdjustedSample, DesignSample
from inference.diagnostics.checks.loo_pit import loo_pit_checks
from inference.diagnostics.loo import _relative_efficiency, leave_one_out, psis
from inference.diagnostics.loo_pit import impute_pit, left_out_survival, log_survival, uniformity
from inference.predictive import pointwise
from inference.predictive.pointwise import kept_log_likelihood, left_out_patients, total_log_likelihood
from inference.sampling.posterior import Posterior
from models.baselines import BASELINES, PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures import TimeSplit
from models.priors import PriorSet
from models.specification import ModelSpec


def by_patient(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1)


def test_a_likelihood_that_no_draw_moves_has_no_score():
    elpd, pareto_k, _ = psis(np.full((3, 200), -1.5), 1.0)
    assert np.isnan(elpd).all()
    assert np.isnan(pareto_k).all()
    assert elpd.shape == (3,)


def test_scores_of_a_nearly_constant_likelihood_are_its_level():
    elpd, _, log_weights = psis(-1.5 + 0.01 * np.random.default_rng(2).standard_normal((3, 1000)), 1.0)
    np.testing.assert_allclose(np.exp(log_weights).sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(elpd, -1.5, atol=0.02)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
@pytest.mark.parametrize("chains", [1, 2, 4])
def test_scores_are_those_of_arviz(chains):
    rng = np.random.default_rng(chains)
    slow = np.cumsum(rng.standard_normal((chains, 300)), axis=1) / 10.0
    heavy = rng.standard_t(3, (chains, 300, 7)) * np.linspace(0.1, 2.0, 7)
    values = -1.0 + heavy + slow[..., None]
    posterior = xr.Dataset(
        {"a": (("chain", "draw"), slow), "b": (("chain", "draw", "term"), heavy[..., :2] + slow[..., None])}
    )
    group = xr.Dataset({"time": (("chain", "draw", "patient"), values)})
    fit = xr.DataTree.from_dict({"/log_likelihood": group, "/posterior": posterior})
    expected = loo(fit, pointwise=True, var_name="time")
    elpd, pareto_k, _ = psis(by_patient(values), _relative_efficiency(posterior))
    np.testing.assert_allclose(elpd, expected.elpd_i, rtol=1e-9)
    np.testing.assert_allclose(pareto_k, expected.pareto_k, rtol=1e-9)


def test_other_faults_are_not_hidden(monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("something else")

    monkeypatch.setattr("arviz_stats.base.array_stats.psislw", broken)
    with pytest.raises(ValueError, match="something else"):
        psis(np.full((3, 200), -1.5), 1.0)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_of_many_patients_some_are_left_out_and_the_sum_is_estimated(made, monkeypatch):
    """Values by parts of patients are those of all at once; a fifth of the patients gives the sum of all to a few hundredths."""
    cohort = simulate_cohort(Truth(latest_entry=5.0), 400, seed=3)
    design = made(cohort, PiecewiseExponential((12.0, 36.0)), draws=100)
    adjusted = AdjustedSample("none", (design,), {}, {})
    posterior = xr.Dataset({"a": (("chain", "draw"), design.parameters["treatment_effect"])})
    whole, values = leave_one_out(adjusted, posterior), kept_log_likelihood(adjusted)["time"]
    total = total_log_likelihood(adjusted)["time"]
    monkeypatch.setattr(pointwise, "MOST_LEFT_OUT", 80)
    monkeypatch.setattr("models.arrays.TOGETHER", 7_000)  # 35 patients of 200 draws at a time
    some, known = leave_one_out(adjusted, posterior), left_out_patients(400)
    np.testing.assert_allclose(total_log_likelihood(adjusted)["time"], total, rtol=1e-6)
    np.testing.assert_allclose(kept_log_likelihood(adjusted)["time"], values[..., known], rtol=1e-5)
    assert len(known) == 80
    assert np.flatnonzero(np.isfinite(some.pareto_k)).tolist() == known.tolist()
    for one, other in zip(some, whole, strict=True):
        np.testing.assert_allclose(one[known], other[known], rtol=1e-4, atol=1e-6)
    within = logsumexp(by_patient(values.astype(float)), axis=1) - np.log(200)
    cost = whole.elpd - within
    error = 400 * cost[known].std() / np.sqrt(80)
    assert some.elpd.sum() == pytest.approx(within.sum() + 5 * cost[known].sum(), rel=1e-5)
    assert abs(some.elpd.sum() - whole.elpd.sum()) < 4 * error


CONSTANT = EFFECTS["constant"]()


def wrapped(*designs):
    return AdjustedSample("none", designs, {}, {})


def exponential(cohort, rates):
    """A posterior of one hazard, the same for both arms and constant: rates (chain, draw)."""
    spec = ModelSpec(PiecewiseExponential(()), CONSTANT)
    hazards = {"log_hazard_level": np.log(rates), "log_hazard": np.log(rates)[..., None]}
    parameters = {"treatment_effect": np.zeros(rates.shape)} | hazards
    posterior = Posterior(cohort, spec, PriorSet("default"))
    return DesignSample(posterior, parameters, np.full((1, cohort.size), 0.5))


def left_out(design):
    """The patients of a posterior, each left out, with the survival of each."""
    posterior = xr.Dataset({"treatment_effect": (("chain", "draw"), design.parameters["log_hazard"][..., 0])})
    left = leave_one_out(wrapped(design), posterior)
    return left, left.survival


def simulated(cohort_of, size, shape, censored, seed):
    """Weibull times, half of the patients entering late, with about a share `censored` of censored times."""
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(size) < 0.5, rng.exponential(0.3, size), 0.0)
    time = (entry**shape + rng.exponential(1.0, size)) ** (1.0 / shape)
    end = entry + rng.exponential(0.9 * (1.0 - censored) / censored, size)
    return cohort_of(np.minimum(time, end), time <= end, rng.random(size) < 0.5, entry)


def posterior_of(cohort, seed, draws=1000):
    """The posterior of a constant hazard under a Gamma(0.5, 0.5) prior, which is Gamma again: drawn exactly."""
    events, at_risk = cohort.event.sum() + 0.5, (cohort.time - cohort.entry).sum() + 0.5
    rates = np.random.default_rng(seed).gamma(events, 1.0 / at_risk, (2, draws // 2))
    return exponential(cohort, rates)


def p_value(cohort, seed):
    _, survival = left_out(posterior_of(cohort, seed))
    return uniformity(impute_pit(survival, cohort.event, np.random.default_rng(seed)))[0]


def test_survival_of_a_few_draws_is_the_closed_form(cohort_of):
    cohort = cohort_of([2.0, 5.0, 4.0], [1, 0, 1], [1, 0, 0], [0.0, 3.0, 1.0])
    rates = np.array([[0.1, 0.3], [0.2, 0.7]])
    weights = np.random.default_rng(1).dirichlet(np.ones(4), 3)
    design = exponential(cohort, rates)
    survived = log_survival(design.posterior, design.parameters).reshape(4, 3)
    survival = left_out_survival(survived.T, np.log(weights))
    at_risk = cohort.time - cohort.entry
    by_hand = [weights[i] @ np.exp(-rates.ravel() * at_risk[i]) for i in range(3)]
    assert_allclose(survival, by_hand, rtol=1e-12)
    pit = impute_pit(survival, cohort.event, np.random.default_rng(1))
    assert_allclose(pit[:, cohort.event], np.tile(1.0 - survival[cohort.event], (20, 1)))
    assert np.all(pit[:, ~cohort.event] > 1.0 - survival[~cohort.event])


def test_an_untreated_stretch_before_treatment_counts_as_untreated(cohort_of):
    cohort = cohort_of([6.0, 6.0], [1, 1], [1, 0])
    object.__setattr__(cohort, "treatment_start", np.array([4.0, np.nan]))
    spec = ModelSpec(PiecewiseExponential(()), CONSTANT, exposure=TimeSplit())
    draws = {"treatment_effect": np.full((1, 1), np.log(3.0)), "log_hazard": np.full((1, 1, 1), np.log(0.1))}
    found = log_survival(Posterior(cohort, spec, PriorSet("default")), draws)
    assert_allclose(found[0, 0], [-(0.1 * 4.0 + 0.3 * 2.0), -0.6], rtol=1e-12)


@pytest.mark.parametrize("baseline", [PiecewiseExponential((12.0, 36.0)), Weibull()], ids=list(BASELINES))
def test_survival_of_the_time_is_what_times_drawn_from_the_model_do(made, baseline):
    """Against the sampler of times, which has a code of its own: the share that outlives the patient."""
    from models.lifetimes import draw_times

    cohort = simulate_cohort(Truth(latest_entry=10.0), 40, seed=4)
    design = made(cohort, baseline, draws=1)
    one = {name: value[:1, :1] for name, value in design.parameters.items()}
    survival = np.exp(log_survival(design.posterior, one))[0, 0]
    many = {name: np.repeat(value[0], 20_000, axis=0) for name, value in one.items()}
    content, spec = design.posterior.content(design.posterior.blocks), design.posterior.spec
    times = draw_times(many, content, spec, 20_000, np.random.default_rng(2))
    assert_allclose((times > cohort.time).mean(axis=0), survival, atol=4.5 * np.sqrt(0.25 / 20_000))


def test_weights_leave_a_patient_out_as_a_posterior_without_the_patient_does(cohort_of):
    """Without patient i the posterior is Gamma(a - d_i, b - t_i + e_i), under which survival is (b / (b + t))^a."""
    cohort = simulated(cohort_of, 60, 1.0, 0.5, 3)
    _, survival = left_out(posterior_of(cohort, 4, draws=20_000))
    at_risk = cohort.time - cohort.entry
    a, b = cohort.event.sum() + 0.5 - cohort.event, at_risk.sum() + 0.5 - at_risk
    assert_allclose(survival, (b / (b + at_risk)) ** a, atol=0.004)


def test_imputing_the_probability_is_imputing_the_time():
    """Times drawn from a mixture of two exponentials given survival to t have the probabilities that are imputed."""
    rng = np.random.default_rng(6)
    rates, t = np.array([0.2, 1.5]), 0.8

    def survival(time):
        return np.exp(-np.multiply.outer(time, rates)).mean(axis=-1)

    times = rng.exponential(1.0 / rng.choice(rates, 200_000))
    of_times = 1.0 - survival(times[times > t])
    imputed = np.concatenate(
        [impute_pit(survival(np.full(200, t)), np.zeros(200, dtype=bool), rng).ravel() for _ in range(10)]
    )
    assert stats.kstest(of_times, stats.uniform(1.0 - survival(t), survival(t)).cdf).pvalue > 0.01
    assert stats.ks_2samp(of_times, imputed).pvalue > 0.01


def test_without_censoring_nothing_is_imputed():
    survival = np.random.default_rng(1).random(30)
    pit = impute_pit(survival, np.ones(30, dtype=bool), np.random.default_rng(2))
    assert_array_equal(pit, 1.0 - survival[None])
    p, each = uniformity(pit)
    assert_allclose(p, each[0], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
@pytest.mark.parametrize("censored", [0.5, 0.75])
def test_under_the_true_model_few_cohorts_are_flagged(cohort_of, censored, full):
    """Cohorts of 150 with delayed entry: at most as many below 0.05 as chance allows 1 time in 1000."""
    cohorts = 200 if full else 24
    drawn = [simulated(cohort_of, 150, 1.0, censored, 100 + seed) for seed in range(cohorts)]
    assert abs(np.mean([1.0 - cohort.event.mean() for cohort in drawn]) - censored) < 0.06
    p = np.array([p_value(cohort, seed) for seed, cohort in enumerate(drawn)])
    assert np.sum(p < 0.05) <= stats.binom.ppf(0.999, cohorts, 0.05)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
@pytest.mark.parametrize("censored", [0.5, 0.75])
def test_under_the_true_model_probabilities_of_many_patients_are_uniform(cohort_of, censored):
    cohort = simulated(cohort_of, 3000, 1.0, censored, 8)
    _, survival = left_out(posterior_of(cohort, 9, draws=400))
    pit = impute_pit(survival, cohort.event, np.random.default_rng(1))
    shares = np.array([np.histogram(row, 10, (0.0, 1.0))[0] for row in pit]) / 3000
    assert np.abs(shares.mean(axis=0) - 0.1).max() < 4 * np.sqrt(0.09 / 3000)
    # Not imputed, censored times would pile up at low probabilities.
    assert np.histogram(1.0 - survival, 10, (0.0, 1.0))[0][0] / 3000 > 0.15


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_a_rising_hazard_fitted_as_a_constant_one_is_flagged(cohort_of):
    """Weibull times of shape 2, half of them censored, half of the patients entering late."""
    p = [p_value(simulated(cohort_of, 400, 2.0, 0.5, seed), seed) for seed in range(10)]
    assert max(p) < 0.05


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_a_patient_who_sways_the_fit_has_a_probability_all_the_same(cohort_of):
    time = np.append(np.full(9, 1.0) + np.arange(9) / 100, 500.0)
    cohort = cohort_of(time, np.ones(10), np.arange(10) % 2)
    left, survival = left_out(posterior_of(cohort, 5, draws=1000))
    assert left.pareto_k[-1] > 0.7
    assert np.all((survival >= 0.0) & (survival <= 1.0))
    assert survival[-1] < 1e-3 < survival[:-1].min()
    pit = impute_pit(survival, cohort.event, np.random.default_rng(1))
    (check,) = loo_pit_checks(
        xr.Dataset({"pit": (("imputation", "patient"), pit)}), cohort.event, left.pareto_k
    )
    assert 0.0 <= check.value <= 1.0
    assert check.text.endswith(f"(k-hat above 0.7): {int((left.pareto_k > 0.7).sum())}")


def test_the_check_warns_below_one_in_twenty_and_where_nothing_can_be_computed():
    even = (np.arange(200) + 0.5) / 200
    event, k = np.ones(200, dtype=bool), np.zeros(200)

    def check(pit):
        return loo_pit_checks(xr.Dataset({"pit": (("imputation", "patient"), pit[None])}), event, k)[0]

    assert check(even).status == "pass"
    assert check(even).value == pytest.approx(0.5)  # ArviZ truncates: no p value is larger
    assert check(even**2).status == "warn"
    assert check(even**2).value < 1e-3
    assert check(np.full(200, np.nan)).status == "warn"
    assert loo_pit_checks(xr.Dataset(), event, k) == []


def test_one_extreme_imputation_does_not_decide():
    rng = np.random.default_rng(3)
    pit = rng.random((20, 300))
    pit[0] = rng.random(300) ** 1.3
    p, each = uniformity(pit)
    assert each[0] < 0.01
    assert p > 2 * each[0]
