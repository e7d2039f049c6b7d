"""The frequentist analysis of a cohort: thin adapters over lifelines, statsmodels and scipy."""

from inference.frequentist.cox_model import CoxResult, cox, independent_columns
from inference.frequentist.log_rank import log_rank
from inference.frequentist.pooled import mean_curve, pooled_comparators
from inference.frequentist.proportional_hazards import proportional_hazards_test
from inference.frequentist.published import published_comparators
from inference.frequentist.restricted_mean import RestrictedMean, rmst, rmst_difference
from inference.frequentist.survival import KaplanMeier, first_time_at_or_below, kaplan_meier, median_follow_up
from inference.frequentist.table import COLUMNS, comparators

__all__ = [
    "COLUMNS",
    "CoxResult",
    "KaplanMeier",
    "RestrictedMean",
    "comparators",
    "cox",
    "first_time_at_or_below",
    "independent_columns",
    "kaplan_meier",
    "log_rank",
    "mean_curve",
    "median_follow_up",
    "pooled_comparators",
    "proportional_hazards_test",
    "published_comparators",
    "rmst",
    "rmst_difference",
]
