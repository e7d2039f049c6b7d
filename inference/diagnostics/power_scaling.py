"""Power scaling: how the effect moves if its prior, or the likelihood, counts slightly more or less."""

import xarray as xr

from inference.adjustments import ADJUSTMENTS, AdjustedSample
from inference.predictive.log_prior import log_prior
from inference.predictive.pointwise import total_log_likelihood

EFFECT = "treatment_effect"


def power_scaling(adjusted: AdjustedSample, posterior: xr.Dataset) -> tuple[float, float]:
    """Return how sensitive the treatment effect is to a slightly stronger or weaker prior, and likelihood.

    Kallioinen, Paananen, Bürkner and Vehtari 2024, doi 10.1007/s11222-023-10366-5; the prior that is scaled is that
    of the effect, the likelihood all of it.

    Parameters
    ----------
    adjusted : AdjustedSample
    posterior : Dataset
        Its draws as they are kept.

    Returns
    -------
    prior, likelihood : float
        Distances between the base and the scaled posterior; above 0.05 counts as sensitive. NaN for pooled designs, in
        which draws do not line up with log likelihoods, and for pairs and weights, which no likelihood of all patients has.
    """
    if "design" in posterior.dims or ADJUSTMENTS[adjusted.adjustment].population:
        return float("nan"), float("nan")
    from arviz_base import dict_to_dataset
    from arviz_stats import psense  # as in `inference.fits.datatree`

    likelihood = total_log_likelihood(adjusted)
    fit = xr.DataTree.from_dict(
        {
            "/posterior": posterior[[EFFECT]],
            "/log_prior": dict_to_dataset({EFFECT: log_prior(adjusted.designs[0])[EFFECT]}),
            "/log_likelihood": dict_to_dataset(likelihood),
        }
    )
    of_prior = psense(fit, var_names=[EFFECT], group="prior", group_var_names=[EFFECT])
    of_likelihood = psense(fit, var_names=[EFFECT], group="likelihood", group_var_names=list(likelihood))
    return float(of_prior[EFFECT]), float(of_likelihood[EFFECT])
