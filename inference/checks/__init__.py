"""Checks of a fit: each returns results, and the report decides what to do with them."""

from inference.checks.convergence import chain_checks, convergence_checks, parameter_draws
from inference.checks.designs import balance_behind, design_checks
from inference.checks.exposure import exposure_checks
from inference.checks.feedback import effect_moved, feedback_checks
from inference.checks.loo_pit import loo_pit_checks
from inference.checks.notes import median_notes, time_ratio_note
from inference.checks.overlap import overlap_checks
from inference.checks.predictive import predictive_checks
from inference.checks.predictive_split import split_predictive_checks
from inference.checks.published import published_checks
from inference.checks.result import CheckResult, checks_table, failed
from inference.checks.treatment_calibration import treatment_calibration_checks

__all__ = [
    "CheckResult",
    "balance_behind",
    "chain_checks",
    "checks_table",
    "convergence_checks",
    "design_checks",
    "effect_moved",
    "exposure_checks",
    "failed",
    "feedback_checks",
    "loo_pit_checks",
    "median_notes",
    "overlap_checks",
    "parameter_draws",
    "predictive_checks",
    "published_checks",
    "split_predictive_checks",
    "time_ratio_note",
    "treatment_calibration_checks",
]
