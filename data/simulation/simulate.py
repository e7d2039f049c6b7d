"""Cohorts with a known effect, confounding and censoring."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from data.simulation.truth import (
    LevelCovariate,
    NormalCovariate,
    PiecewiseHazard,
    Truth,
    WeibullHazard,
    true_rmst_difference,
    true_survival,
)
from data.study.cohort import Cohort, validate_cohort
from data.study.study import Study, parse_study

__all__ = [
    "LevelCovariate",
    "NormalCovariate",
    "PiecewiseHazard",
    "Truth",
    "WeibullHazard",
    "simulate_cohort",
    "simulate_frame",
    "simulated_study",
    "true_rmst_difference",
    "true_survival",
]


def simulate_cohort(truth: Truth, size: int, seed: int) -> Cohort:
    """Validated patients drawn from a known truth; the same seed gives the same patients.

    Raises
    ------
    InputError
        If the draw cannot be analysed, such as a small one without any event.
    """
    frame, text = simulate_frame(truth, size, seed)
    return validate_cohort(frame, simulated_study(text), origin=f"simulated cohort (seed {seed})")


def simulated_study(text: str) -> Study:
    """The study of a simulated cohort, without a file."""
    return parse_study(text, Path("simulated") / "study.toml")


def simulate_frame(truth: Truth, size: int, seed: int) -> tuple[pd.DataFrame, str]:
    """Patients and the text of a study file for them, as one would write both to a folder.

    Parameters
    ----------
    truth : Truth
    size : int
        Number of patients.
    seed : int

    Returns
    -------
    frame : DataFrame
        Columns ``patient, survival_months`` (or another unit), ``died, therapy`` (yes or no), ``entry`` where entry is
        delayed, ``treatment_start`` where treatment is (missing for the never treated), and the covariates. To be
        written to ``cohort.csv`` beside the study file.
    text : str
        The study file; both formulas hold all covariates.
    """
    draws = np.random.default_rng(seed)
    parts = [_entered(truth, size, draws)]
    while truth.latest_entry > 0 and sum(map(len, parts)) < size:  # who dies before entry is never seen
        parts.append(_entered(truth, size, draws))
    patients = pd.concat(parts, ignore_index=True).head(size)
    names = pd.DataFrame({"patient": [f"P{number:05d}" for number in range(1, size + 1)]})
    return pd.concat([names, patients], axis=1), _study_text(truth)


def _entered(truth: Truth, size: int, draws: np.random.Generator) -> pd.DataFrame:
    """Those of a population of `size` who lived to come under observation."""
    columns = {name: _draw_covariate(kind, size, draws) for name, kind in truth.covariates.items()}
    logit = truth.treatment_intercept + _predictor(truth, truth.treatment, columns, size)
    treated = draws.random(size) < 1 / (1 + np.exp(-logit))
    risk = _predictor(truth, truth.outcome, columns, size)
    entry = draws.uniform(0, truth.latest_entry, size)
    spent = draws.standard_exponential(size)
    censored = entry + truth.closing - draws.uniform(0, truth.accrual, size)
    start = np.zeros(size)
    if truth.mean_delay > 0:  # drawn last: without a delay the same seed draws the same patients as ever
        start = draws.exponential(truth.mean_delay, size)
        death = _death_after_delay(truth, np.where(treated, start, np.inf), spent / np.exp(risk))
        treated &= start < np.minimum(death, censored)
    else:
        death = truth.baseline.inverse(spent / np.exp(truth.log_hazard_ratio * treated + risk))
    frame = pd.DataFrame({_time_column(truth): np.minimum(death, censored)})
    frame["died"] = (death <= censored).astype(int)
    frame["therapy"] = np.where(treated, "yes", "no")
    if truth.latest_entry > 0:
        frame["entry"] = entry
    if truth.mean_delay > 0:
        frame["treatment_start"] = np.where(treated, start, np.nan)
    return pd.concat([frame, pd.DataFrame(columns)], axis=1)[death > entry]


def _death_after_delay(truth: Truth, start: np.ndarray, spent: np.ndarray) -> np.ndarray:
    """Time of death where the hazard ratio acts from `start` on; infinite for the never treated.

    `spent` is the cumulative hazard at death, in units of the untreated patient's.
    """
    begun = np.isfinite(start)
    before = truth.baseline.cumulative(np.where(begun, start, 0.0))
    after = (spent - before) / np.exp(truth.log_hazard_ratio)
    return truth.baseline.inverse(np.where(begun & (spent > before), before + after, spent))


def _draw_covariate(
    kind: NormalCovariate | LevelCovariate, size: int, draws: np.random.Generator
) -> np.ndarray:
    if isinstance(kind, NormalCovariate):
        return draws.normal(kind.mean, kind.sd, size)
    return draws.choice(list(kind.shares), size=size, p=list(kind.shares.values()))


def _predictor(truth: Truth, coefficients, columns: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Sum of coefficient times column, each column centred at its population mean."""
    total = np.zeros(size)
    for name, kind in truth.covariates.items():
        if isinstance(kind, NormalCovariate):
            total += coefficients.get(name, 0.0) * (columns[name] - kind.mean)
        else:
            for level, share in list(kind.shares.items())[1:]:
                total += coefficients.get(f"{name}[T.{level}]", 0.0) * ((columns[name] == level) - share)
    return total


def _time_column(truth: Truth) -> str:
    return f"survival_{truth.time_unit}"


def _study_text(truth: Truth) -> str:
    formula = json.dumps(" + ".join(truth.covariates) or "1")
    covariates = "\n".join(
        f"{name} = {{levels = {json.dumps(list(kind.shares))}}}"
        if isinstance(kind, LevelCovariate)
        else f"{name} = {{}}"
        for name, kind in truth.covariates.items()
    )
    entry = 'entry = "entry"\n' if truth.latest_entry > 0 else ""
    start = 'treatment_start = "treatment_start"\n' if truth.mean_delay > 0 else ""
    return f"""\
name = "simulated"
title = "Simulated cohort with a known effect"
time_unit = {json.dumps(truth.time_unit)}

[cohort]
source = "file"
path = "cohort.csv"

[cohort.columns]
time = {json.dumps(_time_column(truth))}
event = "died"
treatment = "therapy"
id = "patient"
{entry}{start}
[treatment]
treated = "yes"
treated_label = "Therapy"
control_label = "No therapy"

[covariates]
{covariates}

[propensity]
formula = {formula}
[outcome]
formula = {formula}
"""
