r"""Calibration of the treatment model: share of the treated against fitted probability of treatment.

The share is the isotonic regression of treatment on the fitted probability (pool adjacent violators), and how far the two are
apart is the miscalibration component of the Brier score (Dimitriadis, Gneiting and Jordan 2021, doi 10.1073/pnas.2016191118).

A model agrees better with the treatments that it was fitted to than with others, and leaving patients out turns that round: the
treated are then a little less likely to be. Tests with treatments replicated around either are too weak or too strict (decision 0028).
Here the model is fitted anew to every replicated cohort of treatments, as it was to the cohort: by the score that weights and
pairs rest on, at its maximum under a wide prior. The prior of `joint` and `cut` shrinks that score, and does not bend it.
"""

import numpy as np
import xarray as xr
from scipy.optimize import isotonic_regression

from data.study.cohort import Cohort
from models.maximisers import maximise_score
from models.propensity import given_score, probability_of_treatment

REPLICATES = 199
GRID = np.linspace(0.0, 1.0, 101)
DIGITS = 12  # the same covariates have the same probability, whatever the last digits of a product

_REMEMBERED: dict[tuple, xr.Dataset] = {}


def treatment_calibration(cohort: Cohort, seed: int) -> xr.Dataset:
    """Return the calibration of a cohort's treatment model; cached in this process, because the fits of a cohort share it.

    Parameters
    ----------
    cohort : Cohort
    seed : int
        Of the replicated treatments.

    Returns
    -------
    Dataset
        By `propensity`, the fitted probability: the share of the treated `share`, NaN beyond the cohort's own range, and
        the 95 % limits `lower` and `upper` of each point in cohorts whose treatment follows the model. The `miscalibration`,
        and that of replicated cohorts, `replicated_miscalibration` (replicate). Empty where the treatment model has no terms.
    """
    if not cohort.propensity.terms:
        return xr.Dataset()
    key = (cohort.treatment.tobytes(), cohort.propensity.values.tobytes(), cohort.propensity.given, seed)
    if key not in _REMEMBERED:
        _REMEMBERED.clear()
        rng = np.random.default_rng([seed, 5])
        _REMEMBERED[key] = _calibration(cohort, rng)
    return _REMEMBERED[key]


def _calibration(cohort: Cohort, rng: np.random.Generator) -> xr.Dataset:
    values, treatment, given = cohort.propensity.values, cohort.treatment, bool(cohort.propensity.given)
    if given:  # nothing is fitted, to the cohort or to replicates
        fitted = probability_of_treatment(given_score(cohort.propensity, 1), values)[0].round(DIGITS)
    else:
        fitted = fitted_probability(values, treatment[None])[0]
    treatments = np.less(rng.random((REPLICATES, len(fitted))), fitted)
    refitted = np.broadcast_to(fitted, treatments.shape) if given else fitted_probability(values, treatments)
    share, miscalibration = isotonic_share(treatment, fitted)
    replicated = [isotonic_share(treatments[row], refitted[row]) for row in range(REPLICATES)]
    lower, upper = np.quantile([curve for curve, _ in replicated], [0.025, 0.975], axis=0)
    inside = (fitted.min() <= GRID) & (fitted.max() >= GRID)
    by_propensity = {
        name: ("propensity", np.where(inside, curve, np.nan))
        for name, curve in (("share", share), ("lower", lower), ("upper", upper))
    }
    return xr.Dataset(
        {
            **by_propensity,
            "miscalibration": miscalibration,
            "replicated_miscalibration": ("replicate", [value for _, value in replicated]),
        },
        coords={"propensity": GRID},
    )


def fitted_probability(values: np.ndarray, treatments: np.ndarray) -> np.ndarray:
    """Return the probability of treatment at the maximum of each cohort of treatments (draw, patient), from centred columns (patient, term)."""
    best = maximise_score(values, treatments, np.ones(treatments.shape))
    return probability_of_treatment(best, values).round(DIGITS)


def isotonic_share(treatment: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, float]:
    r"""Return the share of the treated by probability, and the miscalibration.

    .. math:: \frac1n \sum_i (a_i - p_i)^2 - \frac1n \sum_i (a_i - \hat c(p_i))^2

    with the isotonic regression :math:`\hat c`, which minimises the second sum: never below 0, and 0 where it is p itself.

    Parameters
    ----------
    treatment : ndarray of bool (patient,)
    probability : ndarray (patient,)
        Patients with the same probability have the same share.

    Returns
    -------
    share : ndarray (grid,)
        On `GRID`: between patients linear, beyond them that of the nearest.
    miscalibration : float
    """
    # Treated first: equal probabilities are pooled, as any decrease is.
    order = np.lexsort((~treatment, probability))
    treated, sorted_probability = treatment[order].astype(float), probability[order]
    calibrated = isotonic_regression(treated).x
    gained = np.mean((treated - sorted_probability) ** 2) - np.mean((treated - calibrated) ** 2)
    return np.interp(GRID, sorted_probability, calibrated), float(gained)
