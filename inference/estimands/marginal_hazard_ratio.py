"""The marginal hazard ratio: an average, up to the horizon, over the marginal curves."""

import numpy as np

from inference.estimands.curves import Curves
from inference.estimands.estimand import Estimand, whole_horizon


def _average_hazard_ratio(curves: Curves) -> np.ndarray:
    r"""Return the average hazard ratio of Kalbfleisch and Prentice.

    .. math:: \frac{\int_0^\tau h_1 S_1 S_0 \, dt}{\int_0^\tau h_0 S_1 S_0 \, dt}

    the odds that, of two patients of whom one is treated, the treated dies first, if either dies by the horizon
    (Kalbfleisch and Prentice 1981, doi 10.1093/biomet/68.1.105). It is the common ratio where hazards are proportional.
    """
    weight = curves.grid.quadrature * curves.survival[:, 0] * curves.survival[:, 1]
    first = (weight[:, None] * curves.hazard).sum(axis=-1)
    return (first[:, 1] / first[:, 0])[:, None]


MARGINAL_HAZARD_RATIO = Estimand(
    "marginal_hazard_ratio",
    "average hazard ratio up to the horizon, of the population",
    _average_hazard_ratio,
    "ratio",
    whole_horizon,
    null=1.0,
    benefit=-1,
)
