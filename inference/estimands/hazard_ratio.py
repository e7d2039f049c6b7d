"""The conditional hazard ratio: of a patient treated against the same patient untreated."""

import numpy as np

from inference.estimands.estimand import Estimand, no_time

LOG_HAZARD_RATIO = Estimand(
    "log_hazard_ratio",
    "log hazard ratio, conditional on covariates",
    lambda curves: curves.log_hazard_ratio[None],
    "log ratio",
    no_time,
    conditional=True,
    null=0.0,
    benefit=-1,
)
HAZARD_RATIO = Estimand(
    "hazard_ratio",
    "hazard ratio, conditional on covariates",
    lambda curves: np.exp(curves.log_hazard_ratio[None]),
    "ratio",
    no_time,
    conditional=True,
    null=1.0,
    benefit=-1,
)
