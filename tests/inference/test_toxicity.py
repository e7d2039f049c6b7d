"""The toxicity posterior equals quadrature and is kept; risks, contrasts and exact intervals from draws that are written down."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from data.published.toxicity import toxicity_evidence
from inference.published.toxicity import MAIN, read_toxicity, sample_toxicity, scenarios_of, toxicity_of
from inference.published.toxicity_summaries import contrast_table, exact_interval, risk

SEED = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("toxicity")


@pytest.fixture(scope="module")
def toxicity(evidence, folder):
    found = toxicity_of(evidence, SEED, folder)
    assert found is not None
    return found


def slices(prior, points):
    """Midpoints of slices of a prior that have equal probability, so that they weigh alike."""
    return prior.frozen.ppf((np.arange(points) + 0.5) / points)


def by_quadrature(scenario):
    """Posterior means of the risks in a typical series, and P(harm), by sums over a grid: no sampling, no PyMC.

    Series are independent given level, spread, drug and timing, so each is integrated over its own shift.
    """
    priors, arms = scenario.priors, scenario.arms
    counts = {"typical_log_odds": 40, "between_series_sd": 24, "drug_effect": 60, "timing_effect": 20}
    axes = np.ix_(*(slices(priors[name], points) for name, points in counts.items()))
    level, spread, drug, timing = axes
    shifts = stats.norm.ppf((np.arange(24) + 0.5) / 24)
    log_likelihood = np.zeros(tuple(counts.values()))
    for series in np.unique(arms.series):
        of_series = np.zeros(tuple(counts.values()))
        for shift in shifts:
            log_terms = 0.0
            for place in np.flatnonzero(arms.series == series):
                at = level + spread * shift + arms.exposed[place] * drug + arms.timing[place] * timing
                log_terms = log_terms + arms.cases[place] * at - arms.size[place] * np.logaddexp(0, at)
            of_series += np.exp(log_terms) / len(shifts)
        log_likelihood += np.log(of_series)
    weight = np.exp(log_likelihood - log_likelihood.max())
    weight /= weight.sum()
    means = {name: float((weight * value).sum()) for name, value in risks_of(level, drug, timing).items()}
    return means, float((weight * (timing > 0)).sum())


def risks_of(level, drug, timing):
    return {
        "none": expit(level),
        "any": expit(level + drug),
        "sequential": expit(level + drug - timing / 2),
        "concurrent": expit(level + drug + timing / 2),
    }


@pytest.mark.slow
def test_the_posterior_is_that_of_quadrature(evidence, toxicity):
    scenario = scenarios_of(toxicity.evidence)[0]
    means, harm = by_quadrature(scenario)
    draws = toxicity.posterior
    level, drug, timing = (draws[name] for name in ("typical_log_odds", "drug_effect", "timing_effect"))
    sampled = risks_of(level, drug, timing)
    for name, expected in means.items():
        error = sampled[name].std() / np.sqrt(1500)  # at least so many effective draws
        assert sampled[name].mean() == pytest.approx(expected, abs=4 * error + 0.002), name
    assert (timing > 0).mean() == pytest.approx(harm, abs=0.02)


@pytest.mark.slow
def test_every_reading_has_converged(toxicity):
    assert [check.status for check in toxicity.checks] == ["pass"] * 4
    assert {check.name.split(":")[0] for check in toxicity.checks} == {"convergence"}


@pytest.mark.slow
def test_risks_and_contrasts_say_what_the_series_say(toxicity):
    risks = toxicity.risks.set_index(["series", "exposure"])
    stumpf = risks.loc[("Stumpf 2019", "any")]
    assert stumpf["crude"] == 9 / 23
    # The model draws an arm towards the others, and is surer of it than its counts alone.
    assert risks.loc[("", "none"), "median"] < stumpf["median"] < stumpf["crude"]
    assert stumpf["upper"] - stumpf["lower"] < stumpf["crude_upper"] - stumpf["crude_lower"]
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN].set_index(["contrast", "quantity"])
    difference, needed = (main.loc[("drug", name)] for name in ("risk_difference", "number_needed_to_harm"))
    assert difference["lower"] > 0
    assert needed["median"] == pytest.approx(1 / difference["median"])
    assert needed["lower"] == pytest.approx(1 / difference["upper"])
    assert needed["upper"] == pytest.approx(1 / difference["lower"])
    timing = main.loc["timing"]
    assert timing.loc["risk_difference", "lower"] < 0 < timing.loc["risk_difference", "upper"]
    assert timing.loc["number_needed_to_harm", ["median", "lower", "upper"]].isna().all()
    assert 0.4 < timing.loc["risk_difference", "probability_of_harm"] < 0.8


@pytest.mark.slow
def test_a_series_that_is_left_out_says_nothing(toxicity):
    drug = toxicity.contrasts[
        (toxicity.contrasts["contrast"] == "timing") & (toxicity.contrasts["quantity"] == "odds_ratio")
    ].set_index("scenario")
    # Without Geraud nothing is known of timing: its prior comes back, Normal(0, 0.7) on the log odds ratio.
    alone = np.log(drug.loc["without E074", ["median", "lower", "upper"]].astype(float))
    np.testing.assert_allclose(alone, [0, -1.96 * 0.7, 1.96 * 0.7], atol=0.1)
    assert "E074: 1/2 and 2/7" in drug.index


@pytest.mark.slow
def test_draws_are_kept_and_only_made_again_for_other_inputs(evidence, toxicity, folder, monkeypatch):
    def never(*_):
        raise AssertionError("sampled again")

    monkeypatch.setattr(sample_toxicity, "function", never)
    again = toxicity_of(evidence, SEED, folder)
    assert again is not None
    assert again.contrasts.equals(toxicity.contrasts)
    with pytest.raises(AssertionError, match="sampled again"):
        toxicity_of(evidence, SEED + 1, folder)
    item = replace(next(one for one in evidence.review if one.id == "E072"), upper="12")
    other = replace(evidence, review=tuple(item if one.id == "E072" else one for one in evidence.review))
    with pytest.raises(AssertionError, match="sampled again"):
        toxicity_of(other, SEED, folder)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws(toxicity):
    scenarios = scenarios_of(toxicity.evidence)[:1]
    again = read_toxicity(toxicity.evidence, scenarios, sample_toxicity.function(scenarios, SEED))
    for name, draws in toxicity.posterior.items():
        np.testing.assert_array_equal(again.posterior[name], draws)


def test_scenarios_leave_out_each_series_and_try_each_reading(evidence):
    found = toxicity_evidence(evidence)
    scenarios = {scenario.name: scenario for scenario in scenarios_of(found)}
    assert list(scenarios) == [MAIN, "E074: 1/2 and 2/7", "without E074", "without E075", "wide prior"]
    assert scenarios["without E074"].arms.size.tolist() == [0, 0, 23, 22]
    assert scenarios["E074: 1/2 and 2/7"].arms.cases.tolist() == [1, 2, 9, 1]
    assert scenarios["wide prior"].priors["drug_effect"].arguments["sigma"] == 2.0


def test_a_study_without_such_series_is_skipped(evidence, tmp_path):
    assert toxicity_of(replace(evidence, review=()), 1, tmp_path) is None
    assert not list(tmp_path.iterdir())


def draws(without, drug, timing=0.0, shift=0.0):
    size = np.size(without)
    return {
        "typical_log_odds": logit(np.broadcast_to(without, size)),
        "drug_effect": np.broadcast_to(np.asarray(drug, dtype=float), size),
        "timing_effect": np.full(size, timing),
        "series_shift": np.full((size, 1), shift),
    }


def test_risks_add_on_the_log_odds_scale():
    made = draws(np.array([0.2]), np.log(4), timing=np.log(2), shift=np.log(3))
    # Odds 1/4; with the drug 1; together 1 sqrt(2), in sequence 1 / sqrt(2); in the series three times as many.
    assert risk(made, "none")[0] == pytest.approx(0.2)
    assert risk(made, "any")[0] == pytest.approx(0.5)
    assert risk(made, "concurrent")[0] == pytest.approx(np.sqrt(2) / (1 + np.sqrt(2)))
    assert risk(made, "sequential")[0] == pytest.approx(1 / (1 + np.sqrt(2)))
    assert risk(made, "any", 0)[0] == pytest.approx(0.75)
    assert risk(made, "none", 0)[0] == pytest.approx(0.75 / 1.75)


def test_contrasts_of_known_risks():
    table = contrast_table(draws(np.full(100, 0.2), np.log(4))).set_index(["contrast", "quantity"])["median"]
    assert table["drug", "risk_difference"] == pytest.approx(0.3)
    assert table["drug", "risk_ratio"] == pytest.approx(2.5)
    assert table["drug", "odds_ratio"] == pytest.approx(4.0)
    assert table["drug", "number_needed_to_harm"] == pytest.approx(1 / 0.3)


def test_no_number_is_needed_where_the_difference_may_be_zero():
    drug = np.linspace(-0.5, 2.5, 1001)
    table = contrast_table(draws(np.full(1001, 0.2), drug)).set_index(["contrast", "quantity"])
    assert np.isnan(table.loc[("drug", "number_needed_to_harm"), "median"])
    assert table.loc[("drug", "risk_difference"), "probability_of_harm"] == pytest.approx(5 / 6, abs=2e-3)


@pytest.mark.parametrize(("cases", "size"), [(0, 5), (5, 5), (9, 23), (1, 22)])
def test_exact_intervals_are_those_of_statsmodels(cases, size):
    expected = proportion_confint(cases, size, method="beta")
    np.testing.assert_allclose(exact_interval(cases, size), expected)
