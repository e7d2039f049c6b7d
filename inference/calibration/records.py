"""Patients drawn from given parameters of a model, by formulas that the models do not share.

Hazards are those of `data.simulation.truth`, which knows nothing of the likelihood; times come by inversion of the cumulative hazard,
patient by patient, treated from a start that may be zero, later, or never.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from data.simulation.truth import PiecewiseHazard, WeibullHazard
from data.study.cohort import Cohort

CLOSING = (20.0, 80.0)  # follow-up ends evenly between these times

Hazard = PiecewiseHazard | WeibullHazard


def hazards_of(
    parameters: Mapping[str, np.ndarray], cutpoints: tuple[float, ...], log_ratios: np.ndarray
) -> tuple[Hazard, Hazard]:
    """Return the hazard of the average patient untreated, and treated.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        One draw: `log_hazard` (interval,), or `median_survival` and `weibull_shape`.
    cutpoints : tuple of float
        Of a piecewise hazard.
    log_ratios : ndarray (interval,) or (1,)
        Log hazard ratio of treatment; a Weibull hazard takes a constant one.
    """
    if "log_hazard" in parameters:
        untreated = np.exp(parameters["log_hazard"])
        treated = untreated * np.exp(log_ratios)
        return PiecewiseHazard(cutpoints, tuple(untreated)), PiecewiseHazard(cutpoints, tuple(treated))
    median, shape = float(parameters["median_survival"]), float(parameters["weibull_shape"])
    faster = float(np.exp(-log_ratios[0] / shape))  # HR = (median / median of the treated)^shape
    return WeibullHazard(median, shape), WeibullHazard(median * faster, shape)


def death_times(
    hazards: tuple[Hazard, Hazard], risk: np.ndarray, start: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return times of death (patient,).

    Parameters
    ----------
    hazards : (hazard, hazard)
        Untreated and treated, of the average patient.
    risk : ndarray (patient,)
        Log hazard ratio of each patient against the average one.
    start : ndarray (patient,)
        When treatment begins; infinite for never.
    rng : numpy.random.Generator
    """
    untreated, treated = hazards
    spent = rng.standard_exponential(len(risk)) / np.exp(risk)
    never = ~np.isfinite(start)
    begun = np.where(never, 0.0, start)
    before = untreated.cumulative(begun)
    after = treated.inverse(treated.cumulative(begun) + np.maximum(spent - before, 0.0))
    return np.where(never | (spent <= before), untreated.inverse(spent), after)


def recorded(
    skeleton: Cohort, death: np.ndarray, start: np.ndarray, rng: np.random.Generator, dated: bool
) -> Cohort:
    """Return the patients of a cohort with other times, as a study would have recorded them.

    Parameters
    ----------
    skeleton : Cohort
        Gives covariates and designs.
    death, start : ndarray (patient,)
        Of those who die or leave before the start nobody knows that they would have been treated.
    rng : numpy.random.Generator
        Draws the ends of follow-up.
    dated : bool
        Whether starts are recorded.
    """
    closing = rng.uniform(*CLOSING, skeleton.size)
    time = np.minimum(death, closing)
    treated = start < time
    return replace(
        skeleton,
        time=time,
        event=death <= closing,
        treatment=treated,
        entry=np.zeros(skeleton.size),
        treatment_start=np.where(treated, start, np.nan) if dated else None,
    )
