"""Imputation: observed cells stay, draws follow what was observed of others, and completed cohorts are those of the study."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, NelsonAalenFitter
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import log_softmax

from data.errors import CohortWarning, InputError
from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.imputation import impute, multinomial_posterior
from data.study.imputed_cohorts import load_cohorts
from data.study.imputed_outcome import PRIOR_SD, Outcome, cumulated_hazard, drawn_about, outcome_posterior
from data.study.sources import load_cohort
from data.study.study import load_study

LEVELS = ["a", "b", "c"]


@pytest.fixture(scope="module")
def table():
    """Covariates of 3000 patients with an outcome; x and k are missing where z is high, or where a treated patient died."""
    rng = np.random.default_rng(1)
    z, treated = rng.normal(size=3000), rng.random(3000) < 0.5
    x = 1.5 * z + rng.normal(size=3000)
    k = np.argmax(np.outer(z, [-0.6, 0.0, 1.2]) + rng.gumbel(size=(3000, 3)), axis=1)
    death = rng.exponential(np.exp(-0.7 * x - 0.8 * (k == 2) - treated))
    end = rng.exponential(1.5, 3000)
    outcome = Outcome(np.minimum(death, end), death <= end, np.zeros(3000), treated)
    whole = pd.DataFrame({"x": x, "z": z, "k": pd.Categorical.from_codes(k, LEVELS)})
    gone = whole.copy()
    lost = 1.5 * outcome.event * treated - 1
    gone.loc[rng.random(3000) < 1 / (1 + np.exp(-0.5 * z - lost)), "x"] = np.nan
    gone.loc[rng.random(3000) < 1 / (1 + np.exp(-z - lost)), "k"] = np.nan
    return whole, gone, outcome


@pytest.fixture(scope="module")
def imputed(table):
    """Three imputations."""
    _, gone, outcome = table
    return impute(gone, outcome, 3, seed=5)


def cox(covariates, outcome):
    """Log hazard ratios of treatment, x, z and two levels of k."""
    columns = pd.get_dummies(covariates, columns=["k"], drop_first=True, dtype=float)
    frame = columns.assign(treated=outcome.treatment.astype(float), time=outcome.time, event=outcome.event)
    return CoxPHFitter().fit(frame, "time", "event").params_[["treated", "x", "z", "k_b", "k_c"]].to_numpy()


def test_observed_cells_stay_and_the_rest_follows_what_is_known(table, imputed):
    whole, gone, _ = table
    for completed in imputed.covariates:
        assert not completed.isna().to_numpy().any()
        assert (completed.dtypes == gone.dtypes).all()
        for name in gone:
            known = gone[name].notna()
            assert (completed.loc[known, name] == gone.loc[known, name]).all()
        assert set(completed["x"]) <= set(gone["x"].dropna())
    means = [one["x"].mean() for one in imputed.covariates]
    assert gone["x"].mean() < whole["x"].mean() - 0.3
    assert_allclose(means, whole["x"].mean(), atol=0.1)
    shares = [one["k"].value_counts(normalize=True)[LEVELS].to_numpy() for one in imputed.covariates]
    expected = whole["k"].value_counts(normalize=True)[LEVELS].to_numpy()
    assert np.abs(gone["k"].value_counts(normalize=True)[LEVELS] - expected).max() > 0.07
    assert_allclose(shares, np.tile(expected, (3, 1)), atol=0.04)
    # and so does how x hangs on z, of which complete cases lose a part
    slope = [np.polyfit(one["z"], one["x"], 1)[0] for one in imputed.covariates]
    assert_allclose(slope, np.polyfit(whole["z"], whole["x"], 1)[0], atol=0.08)
    assert set(imputed.trace) == {"x", "k = a", "k = b", "k = c"}
    assert imputed.trace["x"].shape == (3, 20)


def test_hazard_ratios_are_those_of_the_whole_table(table, imputed):
    """Within 0.1, three standard errors of what half of the cells cost; complete cases are off by twice that."""
    whole, gone, outcome = table
    expected = cox(whole, outcome)
    found = np.mean([cox(one, outcome) for one in imputed.covariates], axis=0)

    assert_allclose(found, expected, atol=0.1)
    kept = gone.notna().all(axis=1).to_numpy()
    known = Outcome(outcome.time[kept], outcome.event[kept], outcome.entry[kept], outcome.treatment[kept])
    assert abs(cox(gone[kept], known) - expected)[0] > 0.2


def test_the_same_seed_gives_the_same_imputations_however_many(table):
    _, gone, outcome = table
    few = Outcome(outcome.time[:200], outcome.event[:200], outcome.entry[:200], outcome.treatment[:200])
    some, more = (impute(gone[:200], few, count, seed=5) for count in (2, 3))
    for one, other in zip(some.covariates, more.covariates, strict=False):
        pd.testing.assert_frame_equal(one, other)
    assert not more.covariates[0].equals(more.covariates[2])
    assert not some.covariates[0].equals(impute(gone[:200], few, 1, seed=6).covariates[0])


def test_a_factor_is_drawn_from_the_posterior_mode_and_curvature():
    rng = np.random.default_rng(3)
    predictors = np.column_stack([np.ones(300), rng.normal(size=(300, 2))])
    levels = np.argmax(predictors @ rng.normal(size=(3, 3)) + rng.gumbel(size=(300, 3)), axis=1)
    prior = np.repeat([(10 * PRIOR_SD) ** -2, PRIOR_SD**-2, PRIOR_SD**-2], 2)

    def negative(flat):
        logits = np.column_stack([np.zeros(300), predictors @ flat.reshape(3, 2)])
        return -log_softmax(logits, axis=1)[np.arange(300), levels].sum() + 0.5 * (prior * flat**2).sum()

    found = minimize(negative, np.zeros(6), method="BFGS", options={"gtol": 1e-6})
    mode, (factor, _) = multinomial_posterior(predictors, levels, 3)
    assert_allclose(mode.ravel(), found.x, atol=1e-4)
    steps = 1e-3 * np.eye(6)
    curvature = [
        [negative(found.x + a + b) - negative(found.x + a - b) - negative(found.x - a + b) + negative(found.x - a - b)
         for b in steps] for a in steps
    ]  # fmt: skip
    lower = np.tril(factor)
    assert_allclose(lower @ lower.T, np.array(curvature) / 4e-6, rtol=1e-3, atol=1e-3)


def test_extreme_values_are_imputed_and_imputed_from():
    """A heavy tail, 30 standard deviations out, that decides the hazard; warnings are errors."""
    rng = np.random.default_rng(6)
    x, z = np.exp(2.5 * rng.normal(size=150)), rng.normal(size=150)
    x[0] = x.max() * 50
    time = rng.exponential(1 / (1 + x))
    outcome = Outcome(time, time < 2, np.zeros(150), z > 0)
    gone = pd.DataFrame({"x": x, "z": z})
    gone.loc[rng.random(150) < 0.3, "x"] = np.nan
    gone.loc[rng.random(150) < 0.3, "z"] = np.nan
    (completed,) = impute(gone, outcome, 1, seed=1).covariates
    assert np.isfinite(completed.to_numpy()).all()
    assert set(completed["x"]) <= set(gone["x"].dropna())


@pytest.mark.parametrize("late", [False, True])
def test_the_hazard_is_that_of_nelson_and_aalen(late):
    rng = np.random.default_rng(4)
    entry = rng.uniform(0, 2, 200).round(1) * late
    time, event = entry + rng.exponential(5, 200).round(1) + 0.1, rng.random(200) < 0.6
    outcome = Outcome(time, event, entry, rng.random(200) < 0.5)
    fitted = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(time, event, entry=entry if late else None)
    at = fitted.cumulative_hazard_at_times
    expected = at(time).to_numpy() - (at(entry).to_numpy() if late else 0.0)
    assert_allclose(cumulated_hazard(outcome, np.ones(200)), expected, rtol=1e-10, atol=1e-12)


def test_the_hazard_given_hazard_ratios_is_that_of_breslow():
    rng = np.random.default_rng(4)
    time, event, x = rng.exponential(5, 200).round(1) + 0.1, rng.random(200) < 0.6, rng.normal(size=200)
    frame = pd.DataFrame({"time": time, "event": event, "x": x - x.mean()})
    model = CoxPHFitter().fit(frame, "time", "event")
    outcome = Outcome(time, event, np.zeros(200), x > 0)
    found = cumulated_hazard(outcome, np.exp(frame["x"] * model.params_["x"]).to_numpy())
    steps = model.baseline_cumulative_hazard_["baseline cumulative hazard"]
    assert_allclose(found, steps.loc[time], rtol=1e-8, atol=1e-10)


def test_coefficients_and_hazards_drawn_in_turn_have_the_mean_and_covariance_of_coxs_model():
    """Of 800 draws the mean is within 4 standard errors, standard deviations are within 10 %."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 2))
    time = rng.exponential(np.exp(-x @ [0.8, -0.5]))
    outcome = Outcome(time, time < 1.5, np.zeros(400), x[:, 0] > 0)
    design, hazard, draws = np.column_stack([np.ones(400), x]), cumulated_hazard(outcome, np.ones(400)), []
    for _ in range(820):
        draws.append(drawn_about(*outcome_posterior(design, outcome, hazard), rng)[1:])
        hazard = cumulated_hazard(outcome, np.exp(x @ draws[-1]), rng)
    frame = pd.DataFrame(x, columns=["u", "v"]).assign(time=outcome.time, event=outcome.event)
    model = CoxPHFitter().fit(frame, "time", "event")
    sd = model.standard_errors_.to_numpy()
    assert_allclose(np.mean(draws[20:], axis=0), model.params_, atol=4 * sd.max() / np.sqrt(600))
    assert_allclose(np.std(draws[20:], axis=0), sd, rtol=0.1)


def test_completed_cohorts_share_all_but_what_was_imputed(tmp_path, with_gaps):
    frame = with_gaps(tmp_path, '[missing]\nmethod = "impute"\ndelta = {age = 4.0}\n')
    cohorts, imputation = load_cohorts(load_study(tmp_path), 3, seed=1)
    assert imputation is not None
    assert len({cohort.sha256 for cohort in cohorts}) == 3
    assert imputation.cells == {name: int(frame[name].isna().sum()) for name in ("age", "grade")}
    assert imputation.incomplete == int(frame[["age", "grade"]].isna().any(axis=1).sum())
    lacking = frame["age"].isna().to_numpy()
    for cohort, shifted in zip(cohorts, imputation.shifted, strict=True):
        assert_array_equal(cohort.time, cohorts[0].time)
        assert_array_equal(cohort.covariates["age"][~lacking], frame["age"][~lacking].astype(float))
        moved = shifted.covariates["age"] - cohort.covariates["age"]
        assert_allclose(moved, 4.0 * lacking)
        assert (shifted.covariates["grade"] == cohort.covariates["grade"]).all()
    assert imputation.complete is not None
    assert imputation.complete.size == 120 - imputation.incomplete


def test_complete_cases_are_a_choice_and_a_warning_with_counts(tmp_path, with_gaps):
    frame = with_gaps(tmp_path, '[missing]\nmethod = "complete"\n')
    lacking = int(frame[["age", "grade"]].isna().any(axis=1).sum())
    with pytest.warns(CohortWarning, match=f"{lacking} of 120 patients are left out.*age .*grade"):
        cohort = load_cohort(load_study(tmp_path))
    assert cohort.size == 120 - lacking


def test_without_a_missing_cell_there_is_one_cohort(tmp_path, with_gaps):
    with_gaps(tmp_path, '[missing]\nmethod = "impute"\n', cells=0.0)
    cohorts, imputation = load_cohorts(load_study(tmp_path), 3, seed=1)
    assert (len(cohorts), imputation) == (1, None)
    assert cohorts[0].sha256 == load_cohort(load_study(tmp_path)).sha256


@pytest.mark.parametrize(
    ("section", "column", "words"),
    [
        ("", "age", 'age [missing] "impute" "complete" row'),
        ('[missing]\nmethod = "impute"\n', "survival_months", "survival_months missing row"),
        ('[missing]\nmethod = "impute"\n', "therapy", "therapy missing row"),
        ('[missing]\nmethod = "complete"\n', "died", "died missing row"),
    ],
)
def test_what_is_not_imputed_is_refused_with_rows(tmp_path, with_gaps, section, column, words):
    frame = with_gaps(tmp_path, section, cells=0.0)
    frame[column] = frame[column].astype(object)
    frame.loc[[3, 8], column] = np.nan
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(InputError) as refused:
        load_cohorts(load_study(tmp_path), 3, seed=1)
    assert not [word for word in words.split() if word not in str(refused.value)]
    assert "2 rows" in str(refused.value)


def test_a_covariate_without_a_cell_is_refused(tmp_path, with_gaps):
    frame = with_gaps(tmp_path, '[missing]\nmethod = "impute"\n')
    frame.assign(age=np.nan).to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(InputError, match="column 'age' must have a cell that is not missing"):
        load_cohorts(load_study(tmp_path), 3, seed=1)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('method = "drop"', "refuse complete impute"),
        ('method = "impute"\nimputations = 1', "imputations 2"),
        ('method = "impute"\ndelta = {grade = 1.0}', "delta continuous grade age"),
        ('method = "impute"\ndelta = {weight = 1.0}', "delta continuous weight age"),
        ('method = "complete"\ndelta = {age = 1.0}', "delta method impute complete"),
        ('method = "impute"\nrounds = 5', "rounds known key"),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(section, words):
    text = simulate_frame(Truth(), 10, seed=1)[1]
    with pytest.raises(InputError) as refused:
        simulated_study(f"{text}\n[missing]\n{section}\n")
    assert not [word for word in words.split() if word not in str(refused.value)]


def test_a_single_imputation_and_a_shift_of_true_and_false_are_refused(tmp_path, with_gaps, rewrite):
    frame = with_gaps(tmp_path, '[missing]\nmethod = "impute"\n')
    with pytest.raises(InputError, match=r"--cohorts must be at least 2 .* but found 1"):
        load_cohorts(load_study(tmp_path), 1, seed=1)
    frame["smoker"] = np.where(np.arange(120) % 3 == 0, "true", "false")
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    rewrite(tmp_path / "study.toml", "[covariates]", "[covariates]\nsmoker = {}")
    rewrite(tmp_path / "study.toml", 'method = "impute"\n', 'method = "impute"\ndelta = {smoker = 1.0}\n')
    with pytest.raises(InputError, match="delta must name continuous covariates, but found smoker"):
        load_cohorts(load_study(tmp_path), 3, seed=1)
