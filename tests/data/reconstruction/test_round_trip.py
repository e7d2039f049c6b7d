"""A study with patients, published as summaries only, and reconstructed from them."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from scipy import stats

from data.published.reconstruction import reconstruct
from data.simulation.simulate import LevelCovariate, Truth, simulate_frame

TRUTH = Truth(
    log_hazard_ratio=-0.5,
    covariates={"grade": LevelCovariate({"I": 0.4, "II": 0.6}), "node": LevelCovariate({"0": 0.5, "1": 0.5})},
    outcome={"grade[T.II]": 0.5, "node[T.1]": 0.3},
    treatment={"grade[T.II]": 0.6, "node[T.1]": -0.3},
)
SIZE, COHORTS = 500, 4
LEVELS = {"grade": ("I", "II"), "node": ("0", "1")}


def matched_on(frame, names):
    """Mark three quarters of the possible pairs of patients alike in these covariates."""
    frame["matched"] = 0
    for _, alike in frame.groupby(list(names)):
        pairs = min((alike["treatment"] == arm).sum() for arm in (0, 1)) * 3 // 4
        for arm in (0, 1):
            frame.loc[alike.index[alike["treatment"] == arm][:pairs], "matched"] = 1
    return frame


@pytest.fixture(scope="module")
def patients():
    """The real patients of the simulated study, with pairs matched on both covariates."""
    frame, _ = simulate_frame(TRUTH, SIZE, 5)
    frame = frame.rename(columns={"survival_months": "time", "died": "event"})
    frame["treatment"] = (frame["therapy"] == "yes").astype(int)
    return matched_on(frame, LEVELS)


def cox_of(rows, names):
    second, node = (rows["grade"] == "II") * 1.0, (rows["node"] == "1") * 1.0
    design = pd.DataFrame({"II": second, "node": node, "yes": rows["treatment"] * 1.0})
    return CoxPHFitter().fit(design[names].assign(time=rows["time"], event=rows["event"]), "time", "event")


@pytest.fixture(scope="module")
def made(patients, published):
    study, evidence = published(patients, LEVELS, ["grade"])
    return reconstruct(study, evidence, COHORTS, 1, workers=1)


@pytest.mark.slow
def test_what_was_published_is_met(made):
    assert made.missed.empty, made.conflicts
    assert made.targets["target"].nunique() > 35


@pytest.mark.slow
def test_the_matched_hazard_ratio_is_that_of_the_patients(patients, made):
    own = cox_of(patients[patients["matched"] == 1], ["II", "yes"]).hazard_ratios_["yes"]
    for _, cohort in made.patients.groupby("cohort"):
        reached = cox_of(cohort[cohort["matched"] == 1], ["II", "yes"]).hazard_ratios_["yes"]
        assert reached == pytest.approx(own, abs=0.02)


@pytest.mark.slow
def test_the_adjusted_effect_in_all_covers_the_truth(patients, made):
    """It is not published: cohorts differ in it, and the pooled interval (Rubin's rules) holds the truth."""
    fits = [cox_of(cohort, ["II", "node", "yes"]) for _, cohort in made.patients.groupby("cohort")]
    estimates = np.array([fit.params_["yes"] for fit in fits])
    within = np.mean([fit.standard_errors_["yes"] ** 2 for fit in fits])
    error = np.sqrt(within + (1 + 1 / COHORTS) * estimates.var(ddof=1))
    assert abs(estimates.mean() - TRUTH.log_hazard_ratio) < 1.96 * error
    own = cox_of(patients, ["II", "node", "yes"]).params_["yes"]
    assert estimates.mean() == pytest.approx(own, abs=error)
    assert error < 0.2


WARD = {"grade": ("I", "II", "III"), "node": ("0", "1"), "site": ("0", "1"), "age": ("<50", "≥50")}


def ward(seed, size=320):
    """A small study: four correlated covariates, all prognostic, three related to the treatment, losses at any time."""
    draws = np.random.default_rng(seed)
    latent = draws.normal(size=(size, 4)) * np.sqrt(0.6) + draws.normal(size=(size, 1)) * np.sqrt(0.4)
    cuts = ([-0.52, 0.52], [0.0], [0.25], [-0.13])
    levels = np.column_stack([np.digitize(latent[:, k], cut) for k, cut in enumerate(cuts)])
    treated = draws.random(size) < 1 / (1 + np.exp(0.2 - (levels - [1, 0.5, 0.4, 0]) @ [0.3, -0.3, 0.4, 0]))
    hazard = 0.023 * np.exp((levels - [1, 0.5, 0.4, 0.5]) @ [0.3, 0.3, 0.4, 0.2] - 0.5 * treated)
    death, closing = draws.exponential(1 / hazard), 84 - draws.uniform(0, 36, size)
    lost = np.where(draws.random(size) < 0.1, draws.uniform(0, 84, size), closing)
    frame = pd.DataFrame({"time": np.minimum(death, lost) + 1e-3, "event": (death <= lost) * 1})
    frame["treatment"] = treated * 1
    for column, (name, own) in enumerate(WARD.items()):
        frame[name] = np.array(own, object)[levels[:, column]]
    return matched_on(frame, ("grade", "node"))


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("phase", ["after", "before"])
def test_consistent_publications_are_not_reported_as_missed(published, phase):
    """Of 20 publications at most one, with the Cox rows of the matched set or of all patients in print."""
    refused = []
    for seed in range(10):
        study, evidence = published(ward(seed), WARD, ["grade", "node", "site", "age"], phase, (12, 36, 60))
        made = reconstruct(study, evidence, 1, 900 + seed, workers=1)
        assert made.targets["target"].nunique() > 70
        if not made.missed.empty:
            refused.append((seed, made.conflicts))
    assert len(refused) <= (1 if phase == "after" else 0), refused


def hard_ward(seed, size=500):
    """Patients beyond the generative model: a strong confounder that is not printed, correlated, changing the effect, which fades."""
    draws = np.random.default_rng(seed)
    latent = draws.normal(size=(size, 2))
    grade = latent[:, 0] > -0.25
    node = 0.7 * latent[:, 0] + np.sqrt(0.51) * latent[:, 1] > 0
    treated = draws.random(size) < 1 / (1 + np.exp(0.2 - 0.6 * (grade - 0.6) - 0.9 * (node - 0.5)))
    spent = draws.exponential(size=size) / np.exp(0.5 * (grade - 0.6) + 0.8 * (node - 0.5))
    early = np.log(2) / 30 * np.where(treated, np.exp(-0.5 + 0.8 * (node - 0.5)), 1)
    late = early * np.where(treated, np.exp(0.6), 1)
    death = np.where(spent < 18 * early, spent / early, 18 + (spent - 18 * early) / late)
    closing = 72 - draws.uniform(0, 24, size)
    frame = pd.DataFrame({"time": np.minimum(death, closing) + 1e-3, "event": (death <= closing) * 1})
    frame["treatment"] = treated * 1
    frame["grade"], frame["node"] = np.where(grade, "II", "I"), np.where(node, "1", "0")
    return matched_on(frame, LEVELS)


@pytest.mark.slow
@pytest.mark.long
def test_a_truth_beyond_the_generative_model_is_covered(published):
    """Pseudo-patients lie as far from the real ones as cohorts differ, and intervals over cohorts hold the real estimate."""
    off, expected, held, cohorts = [], [], [], 4
    for seed in range(12):
        frame = hard_ward(seed)
        own = cox_of(frame, ["II", "node", "yes"]).params_["yes"]
        study, evidence = published(frame, LEVELS, ["grade"])
        made = reconstruct(study, evidence, cohorts, 2000 + seed, workers=1)
        assert made.missed.empty
        fits = [cox_of(cohort, ["II", "node", "yes"]) for _, cohort in made.patients.groupby("cohort")]
        estimates = np.array([fit.params_["yes"] for fit in fits])
        off.append(estimates.mean() - own)
        expected.append(estimates.var(ddof=1) * (1 + 1 / cohorts))
        held.append(abs(off[-1]) < stats.t.ppf(0.975, cohorts - 1) * np.sqrt(expected[-1]))
    ratio = np.sqrt(np.mean(np.square(off)) / np.mean(expected))
    assert 0.8 < ratio < 1.3
    assert sum(held) >= 11
