r"""Leave-one-out probability of each patient's time (LOO-PIT), censored times imputed.

Under a model that describes the patients these probabilities are uniform between 0 and 1 (Suorsa and Vehtari 2026, doi
10.48550/arXiv.2601.01662, for survival times with censoring).
"""

import numpy as np

from inference.predictive.pointwise import Content, pointwise_log_likelihood
from inference.sampling.posterior import Posterior

IMPUTATIONS = 20
CERTAIN = 1e-12  # a p value is kept as far from 0 and 1, where the Cauchy quantile is infinite


def left_out_survival(log_survived: np.ndarray, log_weights: np.ndarray) -> np.ndarray:
    r"""Return the probability that each patient, left out, survives the own time at risk.

    .. math:: S_i = \sum_s w_{is} \, e^{-[H_i(t_i \mid \theta_s) - H_i(e_i \mid \theta_s)]}

    given survival to entry.

    Parameters
    ----------
    log_survived : ndarray (patient, draw)
        From `log_survival`.
    log_weights : ndarray (patient, draw)
        From `inference.diagnostics.loo.psis`.

    Returns
    -------
    ndarray (patient,)
        Between 0 and 1; NaN where the weights are.
    """
    return np.clip(np.einsum("pd,dp->p", np.exp(log_weights), np.exp(log_survived).T), 0.0, 1.0)


def log_survival(
    posterior: Posterior, parameters: dict[str, np.ndarray], content: Content | None = None
) -> np.ndarray:
    """Return the log probability of surviving from entry to the end of the time at risk: (chain, draw, patient).

    It is the log likelihood of the same time without an event, whatever the baseline, the effect, and the exposure.

    Parameters
    ----------
    posterior : Posterior
        An outcome model.
    parameters : dict of str to ndarray (chain, draw, ...)
    content : mapping of str to ndarray, optional
        Arrays of the model of some patients, of all unless stated.
    """
    content = posterior.content(posterior.blocks) if content is None else content
    without = {**content, "event": np.zeros_like(content["event"])}
    return pointwise_log_likelihood(posterior, parameters, without, treatment=False)["time"]


def impute_pit(survival: np.ndarray, event: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    r"""Return the leave-one-out probability of each patient's time, with those of censored times imputed.

    Of a patient with the event it is :math:`F_i(t_i) = 1 - S_i`. Of a censored one the event lies beyond :math:`t_i`, and is
    drawn from the patient's own leave-one-out distribution given that, :math:`T \sim F_i \mid T > t_i`. F is continuous and
    increases, so that :math:`F_i(T)` is then uniform on :math:`(F_i(t_i), 1)`: no time need be drawn.

    Parameters
    ----------
    survival : ndarray (patient,)
        From `left_out_survival`.
    event : ndarray of bool (patient,)
    rng : numpy.random.Generator
        Source of the imputations.

    Returns
    -------
    ndarray (imputation, patient)
        Rows differ for censored patients only; one row without censored patients.
    """
    rows = 1 if event.all() else IMPUTATIONS
    beyond = np.where(event, 1.0, rng.random((rows, len(survival))))
    return 1.0 - beyond * survival


def uniformity(pit: np.ndarray) -> tuple[float, np.ndarray]:
    r"""Return the p value of uniform leave-one-out probabilities, and that of each imputation.

    Each imputation is tested by ArviZ's pointwise order test, which holds its level although patients that are left out one
    at a time share all others (Tesso and Vehtari 2026, doi 10.48550/arXiv.2603.02928). Imputations share the patients with
    events, and so their p values are put together by Cauchy's combination, which holds its level under dependence (Liu and
    Xie 2020, doi 10.1080/01621459.2018.1554485):

    .. math:: p = \tfrac12 - \tfrac1\pi \arctan \frac1M \sum_m \tan[(\tfrac12 - p_m) \pi]

    Parameters
    ----------
    pit : ndarray (imputation, patient)

    Returns
    -------
    p : float
        At most 0.5, because the test leaves out points that agree with a uniform distribution better than chance; NaN where
        the probabilities are.
    each : ndarray (imputation,)
    """
    from arviz_stats.base import array_stats  # as in `inference.fits.datatree`

    if not np.isfinite(pit).all():
        return float("nan"), np.full(len(pit), np.nan)
    each = np.atleast_1d(array_stats.uniformity_test(pit, axis=-1, method="pot_c")[0])
    quantiles = np.tan((0.5 - np.clip(each, CERTAIN, 1.0 - CERTAIN)) * np.pi)
    return float(0.5 - np.arctan(quantiles.mean()) / np.pi), each
