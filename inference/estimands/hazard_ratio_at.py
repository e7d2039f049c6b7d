"""The marginal hazard ratio at the study's times: of those of the population who are still alive then."""

import numpy as np

from inference.estimands.curves import Curves
from inference.estimands.estimand import Estimand, survival_times


def _hazard_ratio_at(curves: Curves) -> np.ndarray:
    """Return the ratio of the marginal hazards, NaN where nobody is at risk (before a landmark).

    It moves with time even where the conditional ratio does not, because the survivors of the two arms come to differ
    (Hernan 2010, doi 10.1097/EDE.0b013e3181c1ea43). At a cut point it is that of the interval that ends there.
    """
    hazard = curves.hazard[..., [curves.grid.at(time) for time in curves.grid.times]]
    control, treated = hazard[:, 0], hazard[:, 1]
    ratio = np.divide(treated, control, out=np.full_like(control, np.nan), where=control > 0)
    return np.moveaxis(ratio, -1, 1)


HAZARD_RATIO_AT = Estimand(
    "hazard_ratio_at",
    "hazard ratio of the population at a time",
    _hazard_ratio_at,
    "ratio",
    survival_times,
    null=1.0,
    benefit=-1,
)
