"""Power scaling: how the effect moves if its prior, or the likelihood, counts slightly more or less."""

from __future__ import annotations

import xarray as xr

LIKELIHOODS = ("time", "treatment")
EFFECT = "treatment_effect"


def power_scaling(fit: xr.DataTree) -> tuple[float, float]:
    """Return how sensitive the treatment effect is to a slightly stronger or weaker prior, and likelihood.

    Kallioinen, Paananen, Bürkner and Vehtari 2024, doi 10.1007/s11222-023-10366-5; the prior that is scaled is that
    of the effect, the likelihood all of it.

    Parameters
    ----------
    fit : DataTree
        With log_prior and log_likelihood; of a single design.

    Returns
    -------
    prior, likelihood : float
        Distances between the base and the scaled posterior; above 0.05 counts as sensitive. NaN for pooled designs, in
        which draws do not line up with log likelihoods, and for pairs and weights, which no likelihood of all patients has.
    """
    if "design" in fit["posterior"].dims or "log_likelihood" not in fit.children:
        return float("nan"), float("nan")
    from arviz_stats import psense  # as in `inference.fits.datatree`

    present = [name for name in LIKELIHOODS if name in fit["log_likelihood"]]
    of_prior = psense(fit, var_names=[EFFECT], group="prior", group_var_names=[EFFECT])
    of_likelihood = psense(fit, var_names=[EFFECT], group="likelihood", group_var_names=present)
    return float(of_prior[EFFECT]), float(of_likelihood[EFFECT])
