"""Between cut and joint: both ends, what lies between, and a case in which feedback is known to do harm."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from data.simulation.simulate import Truth, simulate_cohort
from data.study.sources import load_cohort
from data.study.study import load_study
from data.study.subcohorts import landmark_cohort, some_patients
from inference.adjustments import ADJUSTMENTS, Problem
from inference.adjustments.adjusted import flat_draws
from inference.fits.requests import FitRequest
from inference.report.figures.feedback import feedback_figure
from inference.report.sections.feedback import feedback_section
from inference.sampling.approximation import approximate_each
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity.feedback import (
    ETAS,
    FEEDBACK,
    feedback_convergence,
    feedback_of_cohort,
    pooled_feedback,
    tempered_effect,
)
from inference.sensitivity.score_alone import outcome_models
from inference.sensitivity.sensitivity import MainAnalysis
from models.baselines import PiecewiseExponential
from models.effects import EFFECTS
from models.exposures import Naive, TimeSplit
from models.exposures.tempered import Tempered
from models.priors import Prior, PriorSet
from models.propensity import propensity_score
from models.specification import ModelSpec, outcome_spec

PRIORS = PriorSet("default")
SPEC = ModelSpec(PiecewiseExponential(()), EFFECTS["constant"]())
SETTINGS = SamplerSettings(chains=2, draws=400, tune=300, seed=5)
STRONG = Truth(
    outcome={"age": 0.06, "grade[T.II]": 0.8, "grade[T.III]": 1.5},
    treatment={"age": 0.06, "grade[T.II]": 0.8, "grade[T.III]": 1.5},
    log_hazard_ratio=-0.4,
)


def ask(cohort, adjustment, designs=8):
    adjusted = ADJUSTMENTS[adjustment].sample(
        Problem(cohort, SPEC, PRIORS, SETTINGS, designs), lambda *_: None
    )
    return np.stack([one.parameters["treatment_effect"] for one in adjusted.designs], axis=-1)


@pytest.mark.slow
def test_the_ends_are_cut_and_joint():
    cohort = simulate_cohort(STRONG, 300, seed=4)
    for eta, adjustment in ((0.0, "cut"), (1.0, "joint")):
        expected = ask(cohort, adjustment)
        tempered = tempered_effect(cohort, SPEC, PRIORS, eta, 8, SETTINGS)
        found, coefficients = tempered.effect, tempered.coefficients
        spread = expected.std()
        # the means over 8 designs differ by chance: between designs, and by about 1 / sqrt(ESS) within each
        error = np.hypot(found.mean(axis=(0, 1)).std() / np.sqrt(8), 0.05 * spread)
        assert found.mean() == pytest.approx(expected.mean(), abs=4 * error)
        assert found.std() == pytest.approx(spread, rel=0.15)
        assert coefficients.shape == (800, 3)


@pytest.fixture(scope="module")
def transplants():
    study = load_study("stanford_heart")
    cohort = load_cohort(study)
    main = FitRequest("piecewise_exponential", "joint", "constant", PRIORS, SETTINGS, exposure="time_split")
    return MainAnalysis(study, (cohort,), main)


def test_exposure_counts_as_in_the_main_model(transplants):
    ((cohort, _, spec, *_),) = FEEDBACK.arguments(transplants)
    assert (cohort.size, spec.exposure) == (103, TimeSplit())
    main = dataclasses.replace(transplants.main, exposure="landmark_30")
    ((cohort, _, spec, *_),) = FEEDBACK.arguments(dataclasses.replace(transplants, main=main))
    assert cohort.size == landmark_cohort(transplants.cohorts[0], 30.0).size < 103
    assert spec.exposure == Naive()


@pytest.mark.slow
@pytest.mark.long
def test_with_treatment_split_at_its_start_the_effect_is_that_of_cox(transplants):
    """Cox: ever against never -1.7, treatment split at its start -0.01."""
    ((cohort, _, spec, *_),) = FEEDBACK.arguments(transplants)
    found = tempered_effect(cohort, spec, PRIORS, 1.0, 2, SETTINGS)
    assert found.effect.mean() == pytest.approx(-0.1, abs=0.2)


@pytest.mark.slow
@pytest.mark.long
def test_feedback_does_harm_where_the_outcome_model_omits_the_covariates():
    """Zigler et al. 2013, doi 10.1111/j.1541-0420.2012.01830.x: the outcome then pulls the score towards itself."""
    cohort = simulate_cohort(STRONG, 4000, seed=8)
    bare = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
    quick = dataclasses.replace(SETTINGS, draws=200)
    off, moved = [], []
    for eta in (0.0, 1.0):
        tempered = tempered_effect(bare, SPEC, PRIORS, eta, 2, quick)
        off.append(abs(tempered.effect.mean() - STRONG.log_hazard_ratio))
        moved.append(tempered.coefficients)
    shift = (moved[1].mean(axis=0) - moved[0].mean(axis=0)) / moved[0].std(axis=0)
    assert np.abs(shift).max() > 3
    assert off[1] > off[0]


@pytest.mark.slow
@pytest.mark.long
def test_what_was_computed_is_kept(small_cohort, tmp_path, monkeypatch):
    quick = SamplerSettings(chains=2, draws=20, tune=50, seed=1)
    first = feedback_of_cohort(tmp_path, small_cohort, 0, SPEC, PRIORS, quick, 1)
    assert first["log_hazard_ratio"].shape == (2, len(ETAS), 2, 20, 1)
    assert first["outcome"].to_numpy().tolist() == ["covariates", "score"]
    monkeypatch.setattr("inference.sensitivity.feedback.tempered_effect", None)
    xr.testing.assert_equal(feedback_of_cohort(tmp_path, small_cohort, 0, SPEC, PRIORS, quick, 1), first)


def made(shift, alone=0.0):
    """Draws that move by `shift` from power 0 to 1, and by `alone` where the score stands alone."""
    rng = np.random.default_rng(2)
    moves = np.multiply.outer([shift, alone], ETAS)[..., None, None, None]
    draws = rng.normal(-0.5, 0.1, (2, len(ETAS), 2, 300, 1)) + moves
    means = np.outer(ETAS, [0.1, -0.4])
    return xr.Dataset(
        {
            "log_hazard_ratio": (("outcome", "eta", "chain", "draw", "design"), draws),
            "coefficient_mean": (("outcome", "eta", "term"), np.stack([means, 3 * means])),
            "coefficient_sd": (("outcome", "eta", "term"), np.full((2, len(ETAS), 2), 0.2)),
            "divergences": (("outcome", "eta"), np.arange(2 * len(ETAS)).reshape(2, -1)),
            "score_rhat": (
                ("outcome", "eta"),
                np.stack([np.full(len(ETAS), 1.004), 1.0 + np.array(ETAS) / 10]),
            ),
        },
        coords={"outcome": ["covariates", "score"], "eta": list(ETAS), "term": ["age", "grade"]},
    )


def of(table, outcome):
    return table[table["outcome"] == outcome].reset_index(drop=True)


def test_cohorts_are_pooled_with_equal_weights():
    table = of(pooled_feedback([made(0.0), made(0.2)]), "covariates")
    draws = np.concatenate(
        [made(shift)["log_hazard_ratio"].to_numpy()[0, -1].ravel() for shift in (0.0, 0.2)]
    )
    assert_allclose(table["hazard_ratio"].iloc[-1], np.exp(np.median(draws)), rtol=1e-10)
    assert_allclose(table["probability_of_benefit"].iloc[-1], (draws < 0).mean())
    assert table["shift"].iloc[0] == 0.0
    assert table["shift"].iloc[-1] == pytest.approx(1.0, abs=0.2)  # 0.1 of a standard deviation of 0.1
    assert table["term"].iloc[-1] == "grade"
    assert table["largest_shift"].iloc[-1] == pytest.approx(-2.0)
    alone = of(pooled_feedback([made(0.0, 0.3), made(0.0, 0.3)]), "score")
    assert alone["shift"].iloc[-1] == pytest.approx(3.0, abs=0.2)
    assert alone["largest_shift"].iloc[-1] == pytest.approx(-6.0)
    assert alone["divergences"].tolist() == [10, 12, 14, 16, 18]


def test_chains_that_disagree_fail_the_check():
    good = made(0.0)
    apart = good.copy(deep=True)
    apart["log_hazard_ratio"][1, 2, 0] += 0.5
    for one, status in ((good, "pass"), (apart, "fail")):
        effect, beside, divergent, alone, of_alone = feedback_convergence(pooled_feedback([one]))
        assert effect.status == status
        assert (beside.value, beside.status) == (1.004, "pass")
        assert (divergent.value, divergent.status) == (10, "fail")
        assert (alone.value, alone.status) == (pytest.approx(1.1), "warn")
        assert (of_alone.value, of_alone.status) == (35, "warn")


def test_a_cohort_in_which_chains_end_in_different_scores_is_not_hidden_by_others():
    one, other = made(0.0), made(0.0)
    one["score_rhat"][0, 3] = 1.7
    table = pooled_feedback([other, one, other])
    assert of(table, "covariates")["score_rhat"].tolist() == [1.004, 1.004, 1.004, 1.7, 1.004]
    statuses = {check.name: check.status for check in feedback_convergence(table)}
    assert statuses["convergence: feedback, covariates and score, R-hat of the score"] == "fail"


def test_the_score_alone_is_a_spline_without_outcome_coefficients_and_keeps_the_other_priors():
    cohort = simulate_cohort(Truth(), 80, seed=2)
    own = Prior("Normal", {"mu": 0.0, "sigma": 0.1})
    priors = PriorSet(
        "own",
        term_overrides={"outcome_coefficients": {"age": own}, "propensity_coefficients": {"age": own}},
    )
    models = outcome_models(cohort, priors, SPEC)
    assert list(models) == ["covariates", "score"]
    assert models["covariates"].spec == SPEC
    alone = models["score"]
    assert alone.cohort.outcome.terms == ()
    assert alone.cohort.propensity.terms == cohort.propensity.terms
    assert list(alone.priors.term_overrides) == ["propensity_coefficients"]
    assert alone.spec.spline.columns == ("1", "2", "3")
    assert list(outcome_models(alone.cohort, alone.priors, SPEC)) == ["score"]


@pytest.mark.parametrize(("shift", "moves"), [(0.0, False), (0.2, True)])
def test_the_section_sends_to_the_cut_where_feedback_moves_the_effect(shift, moves):
    table = pooled_feedback([made(shift, 0.3)])
    section = feedback_section(table, [])
    assert ("read the cut" in section.paragraphs[1]) == moves
    assert f"{of(table, 'score')['shift'].iloc[-1]:.2f} standard deviations" in section.paragraphs[0]
    assert "grade" in section.paragraphs[2]
    assert [row.cells[1].text for row in section.tables[0].rows] == 2 * ["0", "0.25", "0.5", "0.75", "1"]
    assert "score alone, as a spline, at 0.75, 1." in section.paragraphs[3]


def test_where_chains_agree_nothing_is_said_of_several_scores():
    table = pooled_feedback([made(0.0)])
    assert len(feedback_section(table.assign(score_rhat=1.01), []).paragraphs) == 3


def test_the_figure_has_every_exponent():
    figure = feedback_figure(pooled_feedback([made(0.1)]))
    effect, shift = figure.axes
    assert_allclose(effect.lines[1].get_xdata(), ETAS)
    whole = [line.get_ydata() for line in shift.lines if len(line.get_ydata()) == len(ETAS)]
    assert_allclose(whole[0], 2.0 * np.array(ETAS))
    assert_allclose(whole[1], 6.0 * np.array(ETAS))


def test_marks_are_open_where_chains_ended_in_different_scores():
    table = pooled_feedback([made(0.1)])
    chance = table["eta"].isin((0.75, 1.0)) & (table["outcome"] == "score")
    effect, shift = feedback_figure(table.assign(score_rhat=np.where(chance, 1.7, 1.0))).axes
    for axes, column in ((effect, "hazard_ratio"), (shift, "largest_shift")):
        found = [
            line.get_ydata()
            for line in axes.lines
            if line.get_markerfacecolor() == "white" and len(line.get_ydata())
        ]
        assert_allclose(np.concatenate(found), table.loc[chance, column].abs())


def nonlinear_cohort(cohort_of, number, size=500):
    """Patients whose treatment hangs on a score, and whose hazard on its square; treatment does nothing."""
    rng = np.random.default_rng([18, number])
    covariates = rng.normal(size=(size, 3))
    score = 1.5 * covariates.sum(axis=1) / np.sqrt(3)
    treated = rng.random(size) < 1 / (1 + np.exp(1 - score))
    died = rng.exponential(12 * np.exp(-0.3 * (score**2 - 2.25)))
    closed = rng.uniform(20, 60, size)
    columns = {f"x{column + 1}": covariates[:, column] for column in range(3)}
    return cohort_of(np.maximum(np.minimum(died, closed), 0.01), died <= closed, treated, **columns)


@pytest.mark.slow
@pytest.mark.long
def test_the_spline_removes_the_confounding_that_a_straight_line_leaves(cohort_of):
    """40 cohorts: 0.162 left by a line, 0.014 by the spline (standard error 0.015), 0.128 without adjustment."""
    left = {"line": [], "spline": []}
    for number in range(12):
        cohort = nonlinear_cohort(cohort_of, number)
        curved = outcome_models(cohort, PRIORS, SPEC)["score"]
        quick = dataclasses.replace(SETTINGS, chains=1, draws=100, seed=number)
        treatment = flat_draws(sample(Posterior(cohort, None, PRIORS), quick).parameters)
        scores = propensity_score(
            {"propensity_coefficients": treatment["propensity_coefficients"][::25]},
            cohort.propensity.values,
            np,
        )
        for name, spec in (("line", SPEC), ("spline", curved.spec)):
            given = dataclasses.replace(spec, score="given")
            posteriors = [Posterior(curved.cohort, given, curved.priors, score) for score in scores]
            left[name].append(np.mean([mean for mean, _ in approximate_each(posteriors, "treatment_effect")]))
    errors = {name: np.std(values, ddof=1) / np.sqrt(len(values)) for name, values in left.items()}
    assert np.mean(left["line"]) > 3 * errors["line"]
    assert abs(np.mean(left["spline"])) < 3 * errors["spline"]
    apart = np.subtract(left["line"], left["spline"])
    assert apart.mean() > 0.08


@pytest.mark.slow
@pytest.mark.long
def test_chains_of_a_score_that_the_outcome_bends_do_not_diverge():
    """gbsg2, where covariates hardly decide on treatment: 13 of 4000 draws diverged at an acceptance of 0.8."""
    study = load_study("gbsg2")
    cohort = load_cohort(study)
    spec = outcome_spec(study, cohort, "piecewise_exponential", "constant", "latent")
    alone = outcome_models(cohort, PRIORS, spec)["score"]
    half = dataclasses.replace(alone.spec, exposure=Tempered(0.5))
    drawn = sample(Posterior(alone.cohort, half, alone.priors), SamplerSettings(seed=20248020))
    assert drawn.statistics["diverging"].sum() == 0
