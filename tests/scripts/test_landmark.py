"""An analysis at a landmark: of those left then, in the arms that they were in, from the fits to the page."""

import json

import numpy as np
import pandas as pd
import pytest

from data.study.sources import load_cohort
from data.study.study import load_study
from data.study.subcohorts import landmark_cohort

LANDMARK = 30.0
BRIEF = ("--chains", "2", "--draws", "60", "--tune", "60", "--quick", "--quiet")


@pytest.fixture(scope="module")
def folder(rtsurv, fits_here, one_plot, tmp_path_factory):
    out = tmp_path_factory.mktemp("landmark")
    command = ("analyse", "stanford_heart", "--exposure", "landmark", "--landmark", LANDMARK)
    ended = rtsurv(*command, "--out", out, *BRIEF)
    assert ended.code in (0, 3), ended.err
    return out


@pytest.mark.slow
def test_every_number_is_of_those_left_at_the_landmark(folder):
    estimands = pd.read_csv(folder / "estimands.csv")
    assert set(estimands["exposure"]) == {"landmark_30"}
    cohort = landmark_cohort(load_cohort(load_study("stanford_heart")), LANDMARK)
    arms = pd.read_csv(folder / "tables" / "arms.csv").set_index("Arm")
    assert arms["Patients"].to_dict() == {
        "Both arms": cohort.size,
        "Transplant": cohort.treatment.sum(),
        "No transplant": (~cohort.treatment).sum(),
    }
    assert arms.loc["Both arms", "Deaths"] == cohort.event.sum()
    described = pd.read_csv(folder / "tables" / "characteristics.csv").set_index("Covariate")
    mean = cohort.covariates["age"][cohort.treatment].mean()
    (treated,) = (name for name in described.columns if name.startswith("Transplant (n = "))
    assert f"n = {cohort.treatment.sum()})" in treated
    age = described.loc["Age at acceptance, years from 48", treated].split()[0]
    assert float(age.replace("\u2212", "-")) == pytest.approx(mean, abs=0.05)


@pytest.mark.slow
def test_cox_models_of_the_terms_are_at_the_landmark_too(folder):
    """Their estimate is near the posterior median; ever against never has 0.2."""
    table = pd.read_csv(folder / "tables" / "cox.csv").set_index("Term")
    cox, posterior = (
        float(table.loc["Transplant (treatment)", name].split()[0])
        for name in ("Cox, multivariable (95 %)", "Posterior (95 %)")
    )
    assert np.log(cox / posterior) == pytest.approx(0, abs=0.25)


@pytest.mark.slow
@pytest.mark.usefixtures("no_sampling")
def test_the_page_is_made_again_from_its_fits(rtsurv, folder):
    before = (folder / "estimands.csv").read_bytes()
    assert rtsurv("report", "stanford_heart", "--out", folder, "--quiet").code in (0, 3)
    assert (folder / "estimands.csv").read_bytes() == before
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["analysis"]["exposures"] == ["landmark_30"]
