"""Fits of counts against fits of the patients whom they count."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from data.aggregate.cohort import load_aggregate
from data.aggregate.counting import counted
from data.aggregate.table import write_aggregate
from data.errors import NotEstimableError
from data.simulation.simulate import LevelCovariate, NormalCovariate, Truth, simulate_frame
from data.study.sources import load_cohort
from data.study.study import load_study, parse_study
from inference.adjustments.counted import COUNTED_ADJUSTMENTS
from inference.adjustments.counted_sums import many_bootstrapped
from inference.adjustments.counted_weights import Bootstrapped, bootstrapped, counted_score, maximised_counts
from inference.diagnostics.checks.counted import counted_balance
from inference.fits.fits import FitSummary, read_fit
from inference.fits.requests import FitRequest, problem_of
from inference.fits.sampled_fit import sampled_fit
from inference.fits.tables import RowWeights
from inference.frequentist.balance import overlap_weights, standardised_differences
from inference.frequentist.counted import counted_comparators
from inference.report.observed_arms import followed_by_arm
from inference.sampling.settings import SamplerSettings
from models.episodes import episodes_of
from models.maximisers import maximise, maximise_score
from models.priors import PriorSet
from models.propensity import probability_of_treatment

TRUTH = Truth(
    covariates={
        "age": NormalCovariate(60, 10),
        "grade": LevelCovariate({"I": 0.4, "II": 0.3, "III": 0.3}),
        "nodes": LevelCovariate({"no": 0.6, "yes": 0.4}),
    },
    treatment={"age": 0.03, "grade[T.III]": 0.6, "nodes[T.yes]": 0.5},
    outcome={"age": 0.03, "grade[T.II]": 0.3, "grade[T.III]": 0.6, "nodes[T.yes]": 0.4},
    log_hazard_ratio=-0.4,
)
PRIORS = PriorSet("default", {})


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A study and 5,000 patients one by one, and the same as counts."""
    place = tmp_path_factory.mktemp("registry")
    frame, text = simulate_frame(TRUTH, 5000, seed=3)
    frame.to_csv(place / "cohort.csv", index=False)
    text = text.replace("age = {}", "age = {bins = [50, 60, 70]}")
    text += "[baseline]\ncutpoints = [6, 12, 24, 36]\n[report]\nhorizon = 36\ntimes = [12, 36]\n"
    (place / "study.toml").write_text(text, encoding="utf-8")
    study = load_study(place)
    write_aggregate(counted(study), place / "table.parquet")
    text = re.sub(r"\[cohort\.columns\].*?\[treatment\]", "[treatment]", text, flags=re.DOTALL)
    text = text.replace('source = "file"', 'source = "aggregate"').replace("cohort.csv", "table.parquet")
    counts, settled, _ = load_aggregate(parse_study(text, study.file))
    return (study, load_cohort(study)), (settled, counts)


def test_numbers_at_risk_at_cut_points_are_those_of_the_patients(both):
    (_, patients), (_, counts) = both
    cuts = [0.0, *counts.counts.cutpoints]
    beyond = np.nextafter(cuts, np.inf)  # who leaves at a cut point has left
    alone, together = followed_by_arm([patients]), followed_by_arm([counts])
    for arm in ("treated", "control"):
        assert together[arm].until(cuts) == alone[arm].until(list(beyond))


def request(
    adjustment: str, designs: int = 1, draws: int = 1000, baseline: str = "piecewise_exponential"
) -> FitRequest:
    settings = SamplerSettings(4, draws, 300, 1)
    return FitRequest(baseline, adjustment, "constant", PRIORS, settings, designs, left_out=False)


@pytest.mark.parametrize("draws_of", [bootstrapped, many_bootstrapped])
def test_bootstrap_draws_of_counts_have_the_moments_of_the_patients(both, draws_of):
    (study, patients), (_, counts) = both
    cuts = np.array(study.baseline.cutpoints)
    drawn = next(iter(draws_of(counts.counts, 4000, np.random.default_rng(1), 0)))
    starts = np.concatenate([[0.0], cuts])
    spent = np.clip(np.minimum(patients.time[:, None], np.append(cuts, np.inf)) - starts, 0.0, None)
    ends = np.searchsorted(cuts, patients.time)
    died = np.eye(len(starts))[ends] * patients.event[:, None]
    own = np.column_stack([np.ones(patients.size), died, spent])[patients.treatment]
    arm = counts.treatment
    of_rows = drawn.sums(np.ones_like(drawn.patients), arm)
    sums = np.column_stack([drawn.patients[:, arm].sum(axis=1), of_rows])
    covariance = own.T @ own  # of sums of independent weights with mean and variance 1
    error = np.sqrt(np.diag(covariance) / len(sums))
    assert np.abs((sums.mean(axis=0) - own.sum(axis=0)) / error).max() < 4
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    # The error of a covariance, against the product of two standard deviations, is at most sqrt(2 / draws).
    assert (np.abs(np.cov(sums.T) - covariance) / scale).max() < 4.5 * np.sqrt(2 / len(sums))


def test_without_the_bootstrap_score_and_effect_are_those_of_the_patients(both):
    (_, patients), (study, counts) = both
    found = counted_score(counts, counts.counts.patients[None])
    singly = maximise_score(patients.propensity.values, patients.treatment, np.ones((1, patients.size)))
    for name, value in singly.items():
        assert found[name] == pytest.approx(value, abs=1e-6)
    problem = problem_of(study, counts, request("overlap"))
    propensity = probability_of_treatment(found, counts.propensity.values)
    table = counts.counts
    every = Bootstrapped(table.patients[None], table.deaths[None], table.exposure[None])
    weighted = maximised_counts(problem, overlap_weights(propensity, counts.treatment), every)
    own = probability_of_treatment(singly, patients.propensity.values)
    of_patients = overlap_weights(own, patients.treatment)
    one_by_one = maximise(problem.spec.baseline, episodes_of(patients, False), of_patients)
    assert weighted["treatment_effect"] == pytest.approx(one_by_one["treatment_effect"], abs=1e-6)
    assert weighted["log_hazard"] == pytest.approx(one_by_one["log_hazard"], abs=1e-6)


def test_bootstrap_weights_of_rows_are_sums_of_those_of_their_patients():
    patients = np.array([1.0, 3.0, 50.0])
    drawn = RowWeights(np.random.default_rng(1), patients).standard_exponential((20_000, 3))
    assert drawn.mean(axis=0) == pytest.approx(patients, rel=0.03)
    assert drawn.var(axis=0) == pytest.approx(patients, rel=0.06)


def test_balance_is_that_of_the_patients(both):
    (_, patients), (_, counts) = both
    rng = np.random.default_rng(3)
    slopes = rng.normal(0, 0.3, (1, len(counts.propensity.terms)))
    given = {"propensity_intercept": np.array([0.1]), "propensity_coefficients": slopes}
    designs = (one.propensity.values for one in (counts, patients))
    rows, singly = (probability_of_treatment(given, values)[0] for values in designs)
    found = counted_balance(counts, rows, "overlap")
    weights = overlap_weights(singly, patients.treatment)
    expected = standardised_differences(patients.propensity, patients.treatment, weights)
    for name in ("difference_before", "difference_after"):
        assert found[name].to_numpy() == pytest.approx(expected[name].to_numpy(), abs=1e-8)


def test_poisson_regression_is_the_maximum_of_the_patients_likelihood(both):
    (study, patients), (_, counts) = both
    table = counted_comparators(counts).set_index(["statistic", "method"])["estimate"]
    baseline = problem_of(study, patients, request("none")).spec.baseline
    alone = maximise(baseline, episodes_of(patients, False), np.ones((1, patients.size)))
    ratio = table["hazard_ratio"].iloc[0]
    assert np.log(ratio) == pytest.approx(float(alone["treatment_effect"][0]), abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"baseline": "weibull"}, "needs each patient's time"),
        ({"adjustment": "matched"}, "pairs single patients"),
    ],
)
def test_what_needs_single_patients_is_refused_with_the_reason(both, changed, reason):
    _, (study, counts) = both
    with pytest.raises(NotEstimableError, match=reason):
        problem_of(study, counts, request(**({"adjustment": "joint"} | changed)))


def compared(both, adjustment: str, designs: int) -> list[FitSummary]:
    summaries = []
    for study, cohort in both:
        asked = request(adjustment, designs)
        tree = sampled_fit.function(study.name, asked.named, problem_of(study, cohort, asked), whole=False)
        summaries.append(read_fit(study, cohort, asked, tree))
    return summaries


@pytest.mark.long
@pytest.mark.parametrize("adjustment", COUNTED_ADJUSTMENTS)
def test_the_posterior_of_counts_is_that_of_the_patients(both, adjustment):
    designs = {"cut": 20, "iptw": 4000, "overlap": 4000}.get(adjustment, 1)
    fits = compared(both, adjustment, designs)
    singly, together = (one.estimands for one in fits)
    error = np.sqrt(singly["mcse"] ** 2 + together["mcse"] ** 2)
    if adjustment == "cut":
        # so few designs that their choice shows: the error between them is that of 20 draws
        error = np.hypot(error, singly["sd"] / np.sqrt(designs))
    apart = ((singly["mean"] - together["mean"]) / error).abs()
    assert apart.max() < norm.isf(1e-4 / 2 / len(apart))
    assert (together["sd"] / singly["sd"]).between(0.9, 1.1).all()
    # Every parameter of the model, that of treatment included where both are one: 1000 kept draws.
    names = [one.draws["parameter_name"].to_numpy() for one in fits]
    known = [name for name in names[0] if name in set(names[1]) and "steps" not in name]
    values = [
        one.draws["parameter"]
        .assign_coords(parameter_name=own)
        .sel(parameter_name=known)
        .to_numpy()
        .reshape(len(known), -1)
        for one, own in zip(fits, names, strict=True)
    ]
    spread = np.sqrt(sum(one.var(axis=1) for one in values) / (designs if adjustment == "cut" else 500))
    assert (np.abs(values[0].mean(axis=1) - values[1].mean(axis=1)) / spread).max() < norm.isf(
        1e-4 / 2 / len(known)
    )
    assert len(known) >= (6 if adjustment in ("iptw", "overlap") else 12)
