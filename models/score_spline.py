"""The propensity score as a natural cubic spline of the log hazard: a straight line, and columns of curvature beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.arrays import matrix_vector
from models.priors import Parameter, Prior

QUANTILES = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Of the score at which the knots lie (Harrell 2015, doi 10.1007/978-3-319-19425-7, table 2.3)."""
FLAT = 1e-6  # sd of a column, against that of the most curved one, below which the knots cannot tell it from a straight line

PROPENSITY_CURVATURE = Parameter(
    "propensity_curvature",
    "real",
    Prior(
        "Normal",
        {"mu": 0.0, "sigma": 0.5},
        "a standard deviation of departure from a straight line in the score multiplies the hazard by 0.4 to 2.7",
    ),
    "log hazard ratio for one standard deviation of a departure from a straight line in the score",
    dim="curvature",
)


@dataclass(frozen=True, eq=False)
class ScoreSpline:
    r"""A natural cubic spline of a score, with knots and columns fixed.

    Column k at a score s is

    .. math:: c_k(s) = \alpha_k + \beta_k s + \sum_j \omega_{jk} (s - \xi_j)_+^3,
        \qquad \sum_j \omega_{jk} = \sum_j \omega_{jk} \xi_j = 0,

    the truncated power basis of Hastie, Tibshirani and Friedman (2009, doi 10.1007/978-0-387-84858-7, section 5.2.1): beyond
    the first and last knot a straight line. Over the patients whose score the knots are from, columns have mean 0 and standard
    deviation 1, and are uncorrelated with the score and with each other. So the coefficient of the score keeps the meaning that
    it has without them, and independent priors of equal width do not depend on which basis of the spline was chosen.
    """

    knots: np.ndarray  # (knot,): on the scale of the score, log odds; increasing
    powers: np.ndarray  # (knot, column): weights of the truncated powers
    line: np.ndarray  # (2, column): intercept and slope

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of curvature: their numbers, from 1."""
        return tuple(str(number + 1) for number in range(self.powers.shape[1]))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What a model holds of it as data."""
        return {"spline_knots": self.knots, "spline_powers": self.powers, "spline_line": self.line}


def score_spline(score: np.ndarray) -> ScoreSpline | None:
    """Return the spline whose knots are quantiles of a score; None where a straight line is all that fits.

    Parameters
    ----------
    score : ndarray (patient,)
        Such as that at the maximum of the treatment model's likelihood.

    Returns
    -------
    ScoreSpline or None
        Knots that coincide count once. With two of them left, or a score of two values, nothing is left to be curved.
    """
    knots = np.unique(np.quantile(score, QUANTILES))
    if len(knots) < 3:
        return None
    natural = _natural(knots)
    curved = np.maximum(score[:, None] - knots, 0.0) ** 3 @ natural
    straight = np.column_stack([np.ones(len(score)), score])
    line, *_ = np.linalg.lstsq(straight, curved, rcond=None)
    _, sizes, right = np.linalg.svd(curved - straight @ line, full_matrices=False)
    kept = sizes > FLAT * np.linalg.norm(curved - curved.mean(axis=0))
    if not kept.any():
        return None
    turned = np.sqrt(len(score)) * right[kept].T / sizes[kept]
    return ScoreSpline(knots, natural @ turned, -line @ turned)


def curvature(parameters: Mapping[str, Any], content: Mapping[str, Any], score: Any, xp: Any) -> Any:
    """Return what the curvature adds to the log hazard of each patient.

    Parameters
    ----------
    parameters : mapping of str to array
        `propensity_curvature` (..., column).
    content : mapping of str to array
        Holds `ScoreSpline.arrays`.
    score : array (..., patient)
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., patient)
    """
    coefficients = parameters[PROPENSITY_CURVATURE.name]
    weights = matrix_vector(content["spline_powers"], coefficients, xp)
    line = matrix_vector(content["spline_line"], coefficients, xp)
    powers = xp.maximum(score[..., None] - content["spline_knots"], 0.0) ** 3
    return line[..., 0, None] + line[..., 1, None] * score + (powers * weights[..., None, :]).sum(axis=-1)


def _natural(knots: np.ndarray) -> np.ndarray:
    """Return the weights (knot, column) of the truncated powers in the natural spline's columns d_k - d_{K-1}, k = 1 .. K-2."""
    divided = np.vstack([np.diag(1.0 / (knots[-1] - knots[:-1])), -1.0 / (knots[-1] - knots[:-1])])
    return divided[:, :-1] - divided[:, [-1]]
