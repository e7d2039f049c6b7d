"""The likelihood of counts is the sum of the likelihoods of the patients whom they count."""

import numpy as np
import pytest

from data.aggregate.cohort import aggregate_cohort
from data.aggregate.counting import counted
from data.simulation.simulate import LevelCovariate, Truth, simulate_frame
from data.study.sources import load_cohort
from data.study.study import load_study
from inference.adjustments.counted import CountedPosterior
from inference.predictive.pointwise import pointwise_log_likelihood
from inference.sampling.posterior import Posterior
from models.assembly import parameter_names
from models.counted import Counted, CountedExponential
from models.effects import EFFECTS
from models.exposures import Naive
from models.priors import PriorSet
from models.specification import ModelSpec

CUTS = (6.0, 24.0)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same 400 patients one by one, and as counts."""
    place = tmp_path_factory.mktemp("counted")
    levels = {
        "grade": LevelCovariate({"I": 0.4, "II": 0.3, "III": 0.3}),
        "nodes": LevelCovariate({"no": 0.6, "yes": 0.4}),
    }
    frame, text = simulate_frame(Truth(covariates=levels, treatment={}, outcome={}), 400, seed=5)
    frame.to_csv(place / "cohort.csv", index=False)
    (place / "study.toml").write_text(f"{text}[baseline]\ncutpoints = {list(CUTS)}\n", encoding="utf-8")
    study = load_study(place)
    return load_cohort(study), aggregate_cohort(counted(study), study)


@pytest.mark.parametrize("score", ["absent", "latent"])
def test_log_likelihoods_of_counts_and_of_patients_have_the_same_sum(both, score):
    patients, counts = both
    rng, baseline = np.random.default_rng(2), CountedExponential(CUTS)
    spec = ModelSpec(baseline, EFFECTS["constant"](), score)
    one = Posterior(patients, spec, PriorSet("default", {}))
    of_counts = ModelSpec(baseline, EFFECTS["constant"](), score, Counted())
    many = CountedPosterior(counts, of_counts, PriorSet("default", {}))
    names = {parameter.name: labels for parameter, labels in parameter_names(patients, spec).items()}
    draws = {
        name: rng.normal(0, 0.5, (1, 7, *([len(labels)] if labels else []))) for name, labels in names.items()
    }
    draws["log_hazard"] = rng.normal(-3, 0.5, (1, 7, len(CUTS) + 1))
    assert isinstance(spec.exposure, Naive)
    singly, together = (pointwise_log_likelihood(posterior, draws) for posterior in (one, many))
    assert singly.keys() == together.keys() == {"time", *(["treatment"] if score == "latent" else [])}
    for name, value in singly.items():
        assert together[name].shape[-1] == counts.size < patients.size
        assert together[name].sum(axis=-1) == pytest.approx(value.sum(axis=-1), rel=1e-9)


def test_centred_steps_of_the_walk_have_the_same_prior(both):
    _, counts = both
    spec = ModelSpec(CountedExponential(CUTS), EFFECTS["constant"](), "absent", Counted())
    (walk,) = spec.baseline.components
    assert walk.latent != "log_hazard_steps"
    parameters = {one.name for one in parameter_names(counts, spec)}
    assert {"log_hazard_level", "log_hazard_step_sd"} <= parameters
