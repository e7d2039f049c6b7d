"""The conditional hazard ratio: of a patient treated against the same patient untreated."""

from __future__ import annotations

import numpy as np

from inference.estimands.curves import Curves
from inference.estimands.estimand import Estimand, no_time


def _log_hazard_ratio(curves: Curves) -> np.ndarray:
    return curves.log_hazard_ratio[None]


def _hazard_ratio(curves: Curves) -> np.ndarray:
    return np.exp(_log_hazard_ratio(curves))


LOG_HAZARD_RATIO = Estimand(
    "log_hazard_ratio",
    "log hazard ratio, conditional on covariates",
    _log_hazard_ratio,
    "log ratio",
    no_time,
    conditional=True,
    null=0.0,
    benefit=-1,
)
HAZARD_RATIO = Estimand(
    "hazard_ratio",
    "hazard ratio, conditional on covariates",
    _hazard_ratio,
    "ratio",
    no_time,
    conditional=True,
    null=1.0,
    benefit=-1,
)
