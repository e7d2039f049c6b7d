"""Agreement of a fit's predictions with the patients: their times, each left out, and their treatments."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from inference.adjustments import ADJUSTMENTS, AdjustedSample, Problem
from inference.diagnostics.loo_pit import impute_pit
from inference.diagnostics.treatment_calibration import treatment_calibration
from inference.predictive.pointwise import left_out_patients


def predictions(
    adjusted: AdjustedSample, problem: Problem, survival: np.ndarray | None, replicated: bool
) -> xr.Dataset:
    """Return the leave-one-out probabilities of times, and the calibration of the treatment model.

    Parameters
    ----------
    adjusted : AdjustedSample
    problem : Problem
        Gives the patients and the seed.
    survival : ndarray (patient,) or None
        From `inference.diagnostics.loo`, where patients were left out.
    replicated : bool
        Whether there are replicated cohorts, of treatments too.

    Returns
    -------
    Dataset
        `pit` (imputation, patient left out), and what `treatment_calibration` returns, which weights and pairs leave out: they
        are judged by the balance that they reach.
    """
    cohort, seed = problem.cohort, problem.settings.seed
    judged = replicated and not ADJUSTMENTS[adjusted.adjustment].population
    found = treatment_calibration(cohort, seed) if judged else xr.Dataset()
    if survival is None:
        return found
    known = left_out_patients(cohort.size)
    pit = impute_pit(survival[known], cohort.event[known], np.random.default_rng([seed, 7]))
    return found.assign(pit=(("imputation", "patient"), pit))


def of_cohorts(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the predictions of several cohorts (cohort, ...), with one imputation of each; of nothing, nothing."""
    if not parts[0].data_vars:
        return parts[0]
    first = [one.isel(imputation=0, missing_dims="ignore") for one in parts]
    return xr.concat(first, dim="cohort", join="override")
