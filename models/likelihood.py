"""The one likelihood: a right-censored, left-truncated survival time, patient by patient."""

from typing import Any

import numpy as np

from models.baselines.baseline import Baseline
from models.components import Values


def log_likelihood(
    event: Any, log_hazard: Any, cumulative_hazard: Any, linear_predictor: Any, xp: Any
) -> Any:
    r"""Return the log likelihood of each patient's time.

    .. math:: \log L_i = d_i \log h_i(t_i) - [H_i(t_i) - H_i(e_i)]

    with the hazard proportional to the baseline: :math:`h_i(t) = h_0(t) \exp(\eta_i)` (Andersen and Gill 1982,
    doi 10.1214/aos/1176345976).

    Parameters
    ----------
    event : array (patient,)
        1 for a death, 0 for a censored time.
    log_hazard : array (..., patient)
        Log baseline hazard at the end of the time at risk.
    cumulative_hazard : array (..., patient)
        Baseline hazard cumulated from entry to the end of the time at risk.
    linear_predictor : array (..., patient)
        Log hazard ratio of each patient against the baseline.
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., patient)
        In nats, of the density per time unit.
    """
    return event * (log_hazard + linear_predictor) - xp.exp(linear_predictor) * cumulative_hazard


def simulate_times(
    baseline: Baseline,
    parameters: Values,
    linear_predictor: np.ndarray,
    entry: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return event times drawn from the model, each given survival to the patient's entry.

    The cumulative hazard at the event is unit exponential beyond that at entry (doi 10.1002/sim.2059).

    Parameters
    ----------
    baseline : Baseline
        Hazard of the average untreated patient.
    parameters : mapping of str to ndarray
        Its parameters, draws first.
    linear_predictor : ndarray (..., patient)
        Log hazard ratio of each patient against the baseline.
    entry : ndarray (patient,)
        Start of the time at risk.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (..., patient)
        Uncensored times, at or after `entry`.
    """
    spent = rng.standard_exponential(linear_predictor.shape) * np.exp(-linear_predictor)
    if np.any(entry > 0):
        spent = spent + baseline.cumulative_hazard(parameters, baseline.basis(entry), np)
    return baseline.time_at(parameters, spent)
