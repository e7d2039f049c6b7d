"""Estimands by name, in the order of the tables."""

from inference.estimands.estimand import Estimand
from inference.estimands.hazard_ratio import HAZARD_RATIO, LOG_HAZARD_RATIO
from inference.estimands.hazard_ratio_at import HAZARD_RATIO_AT
from inference.estimands.marginal_hazard_ratio import MARGINAL_HAZARD_RATIO
from inference.estimands.median import MEDIAN_CONTROL, MEDIAN_DIFFERENCE, MEDIAN_TREATED
from inference.estimands.rmst import RMST_CONTROL, RMST_DIFFERENCE, RMST_TREATED
from inference.estimands.survival import SURVIVAL_CONTROL, SURVIVAL_DIFFERENCE, SURVIVAL_TREATED

ESTIMANDS: dict[str, Estimand] = {
    estimand.name: estimand
    for estimand in (
        LOG_HAZARD_RATIO,
        HAZARD_RATIO,
        MARGINAL_HAZARD_RATIO,
        SURVIVAL_TREATED,
        SURVIVAL_CONTROL,
        SURVIVAL_DIFFERENCE,
        RMST_TREATED,
        RMST_CONTROL,
        RMST_DIFFERENCE,
        MEDIAN_TREATED,
        MEDIAN_CONTROL,
        MEDIAN_DIFFERENCE,
        HAZARD_RATIO_AT,
    )
}
