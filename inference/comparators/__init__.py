"""The frequentist analysis of a cohort: thin adapters over lifelines, statsmodels and scipy."""

from inference.comparators.cox_model import CoxResult, cox, independent_columns
from inference.comparators.log_rank_test import log_rank
from inference.comparators.pooled import mean_curve, pooled_comparators
from inference.comparators.proportional_hazards import proportional_hazards_test
from inference.comparators.published import published_comparators
from inference.comparators.restricted_mean import RestrictedMean, rmst, rmst_difference
from inference.comparators.survival import KaplanMeier, first_time_at_or_below, kaplan_meier, median_follow_up
from inference.comparators.table import COLUMNS, comparators

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
