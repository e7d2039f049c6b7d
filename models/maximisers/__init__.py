"""Where weighted likelihoods are largest: of a hazard with treatment alone, and of the treatment model."""

import numpy as np

from models.baselines import Baseline, PiecewiseExponential
from models.episodes import Episodes
from models.maximisers.piecewise_exponential import maximise_piecewise
from models.maximisers.score import maximise_score
from models.maximisers.smooth import maximise_smooth


def maximise(baseline: Baseline, episodes: Episodes, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the weighted log likelihood of the model with treatment alone is largest.

    The model has no covariates and a constant log hazard ratio; no prior enters.

    Parameters
    ----------
    baseline : Baseline
        The hazard.
    episodes : Episodes
        The times at risk.
    weights : ndarray (draw, patient)
        Finite, 0 or more; only ratios within a row matter.

    Returns
    -------
    dict of str to ndarray
        `hazard_parameters` and `treatment_effect` (draw, ...). All are NaN for a draw without a finite maximiser:
        where a hazard ratio of 0 or of infinity fits best, because no weighted event of one arm falls where the other
        arm is at risk too.

    Raises
    ------
    ValueError
        Where the weights are not one finite number of 0 or more a patient.
    """
    weights = episodes.checked_weights(weights)
    if isinstance(baseline, PiecewiseExponential):  # sums by interval stand for the patients
        return maximise_piecewise(baseline, episodes, weights)
    return maximise_smooth(baseline, episodes, weights)


__all__ = ["maximise", "maximise_score"]
