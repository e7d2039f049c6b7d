"""More cohorts for the effect by subgroup than for all else: which fits pool them, and where they come from."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import inference.published.cohort_cache
from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.sources import validate_cohort
from data.study.study import load_study
from inference.fits.plan import AnalysisSettings, plan
from inference.fits.stored import StoredModel
from models.priors import PriorSet
from scripts.options import FULL, INTERACTION_COHORTS, Sampling
from scripts.patients import Patients, with_further

SUBGROUPS = ("by_interval", "by_subgroup")


@pytest.mark.parametrize(
    ("sampling", "known", "pooled"),
    [
        (Sampling(), FULL["cohorts"], INTERACTION_COHORTS),
        (Sampling(cohorts=20), 20, 20),
        (Sampling(cohorts=70), 70, 70),
        (Sampling(quick=True), 3, 3),
        (Sampling(), 1, 1),
    ],
    ids=["in full", "stated", "stated, more", "quick", "patients"],
)
def test_only_a_full_run_over_cohorts_pools_more_of_them_for_subgroups(sampling, known, pooled):
    study = load_study("li2024")
    settings = AnalysisSettings(
        "default",
        designs={"cut": 1},
        effects=SUBGROUPS,
        cohorts=known,
        interaction_cohorts=sampling.interaction_cohorts(study, known),
    )
    made = plan(PriorSet("default"), [PriorSet("vague")], settings)
    counts = {one.effect: one.cohorts for one in made.effects}
    assert counts == {"by_interval": known, "by_subgroup": pooled}
    assert {one.cohorts for one in made.requests if one.effect != "by_subgroup"} == {known}


def test_each_model_is_fitted_to_its_own_cohorts(tmp_path):
    truth = Truth()
    study = simulated_study(simulate_frame(truth, 80, 1)[1] + "[report]\nsubgroups = ['grade']\n")
    cohorts = [validate_cohort(simulate_frame(truth, 80, number)[0], study, "x") for number in range(1, 6)]
    settings = AnalysisSettings(
        "default", designs={"cut": 1}, effects=SUBGROUPS, cohorts=2, interaction_cohorts=5
    )
    for request in plan(PriorSet("default"), [], settings).requests:
        model = StoredModel(study, cohorts, request, tmp_path)
        count = 5 if request.effect == "by_subgroup" else 2
        assert len(set(model.keys)) == len(model.fits) == count
        assert not model.held()


@pytest.fixture
def published(tmp_path):
    """A study that leaves horizon and intervals open, two of its cohorts, and what draws further ones."""
    frame, text = simulate_frame(Truth(), 150, 1)
    (tmp_path / "study.toml").write_text(text + "[baseline]\nintervals = 4\n", encoding="utf-8")
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    study = load_study(str(tmp_path))

    def drawn(number):
        one, _ = simulate_frame(Truth(closing=72.0 - 4.0 * number), 150, number)
        return one

    cohorts = tuple(validate_cohort(drawn(number), study, "x") for number in (1, 2))
    asked = []

    def ensemble(study, evidence, count, seed, folder, done, first, executor):
        asked.append((count, first, folder.name))
        parts = [drawn(number).assign(cohort=number, matched=0) for number in range(first, first + count)]
        return SimpleNamespace(patients=pd.concat(parts, ignore_index=True))

    patients = Patients(study, cohorts, SimpleNamespace(evidence=None))
    return SimpleNamespace(patients=patients, ensemble=ensemble, asked=asked, folder=tmp_path)


def test_further_cohorts_come_after_the_first_and_what_is_open_suits_all(published, monkeypatch):
    monkeypatch.setattr(inference.published.cohort_cache, "ensemble_of", published.ensemble)
    before, folder = published.patients, published.folder
    assert with_further(before, str(folder), 2, 7, folder, lambda *_: None) is before
    assert published.asked == []
    after = with_further(before, str(folder), 5, 7, folder, lambda *_: None)
    assert published.asked == [(3, 3, "further")]
    assert after.cohorts is before.cohorts
    assert len(after.further) == 3
    assert len(after.every) == 5
    shortest = min(float(one.time.max()) for one in after.every)
    assert after.study.report.horizon is not None
    assert after.study.report.horizon <= shortest
    events = np.concatenate([one.time[one.event] for one in after.every])
    assert np.allclose(after.study.baseline.cutpoints, np.quantile(events, [0.25, 0.5, 0.75]))
    assert replace(after, further=()).every == before.cohorts
