"""Two simulated cohorts with the covariates of li2024, in the frame of a reconstruction; they know no published number."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data.published.evidence import load_evidence
from data.simulation.simulate import Truth, simulate_frame
from data.simulation.truth import LevelCovariate
from data.study.study import load_study
from inference.published.reanalysis.replicate import pseudo_patients, replicate


def simulated(study, number):
    """A cohort with a known effect and confounding by brain metastasis, and the modality of everybody treated."""
    covariates = {
        name: LevelCovariate({level: 1 / len(kind.levels) for level in kind.levels})
        for name, kind in study.covariates.items()
    }
    truth = Truth(
        log_hazard_ratio=-0.7,
        covariates=covariates,
        outcome={"brain[T.1]": 0.5},
        treatment={"brain[T.1]": 0.6},
        closing=90.0,
    )
    frame, _ = simulate_frame(truth, 300, seed=70 + number)
    rng = np.random.default_rng(number)
    treatment = (frame["therapy"] == "yes").astype(int)
    matched = np.zeros(len(frame), dtype=int)
    for arm in (0, 1):
        matched[rng.choice(np.flatnonzero(treatment == arm), 90, replace=False)] = 1
    patients = pd.DataFrame(
        {
            "cohort": number,
            "patient": np.arange(1, len(frame) + 1),
            "treatment": treatment,
            "matched": matched,
            "time": frame["survival_months"].round(4),
            "event": frame["died"],
            **{name: frame[name] for name in study.covariates},
        }
    )
    treated = patients.loc[patients["treatment"] == 1, "patient"].to_numpy()
    modalities = pd.DataFrame(
        {
            "cohort": number,
            "patient": treated,
            "rt_modality": rng.choice(["3D-CRT", "IMRT", "SBRT"], len(treated)),
        }
    )
    return patients, modalities


@pytest.fixture(scope="session")
def li2024():
    """The study, its evidence, simulated cohorts in a reconstruction's frames, and each as pseudo-patients."""
    study = load_study("li2024")
    parts = [simulated(study, number) for number in (1, 2)]
    patients, modalities = (pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True))
    return SimpleNamespace(
        study=study,
        evidence=load_evidence(study),
        patients=patients,
        modalities=modalities,
        pseudo=list(pseudo_patients(patients, modalities, study)),
    )


@pytest.fixture(scope="session")
def replication(li2024):
    """The paper's analysis on both cohorts."""
    return replicate(li2024.patients, li2024.modalities, li2024.study, li2024.evidence)


@pytest.fixture(scope="session")
def rows(li2024):
    """The first cohort as a plain frame."""
    return li2024.patients[li2024.patients["cohort"] == 1].reset_index(drop=True)
