"""Checks of a fit: each returns results, and the report decides what to do with them."""

from inference.diagnostics.checks.convergence import chain_checks, convergence_checks, parameter_draws
from inference.diagnostics.checks.designs import balance_behind, design_checks
from inference.diagnostics.checks.exposure import exposure_checks
from inference.diagnostics.checks.feedback import effect_moved, feedback_checks
from inference.diagnostics.checks.loo_pit import loo_pit_checks
from inference.diagnostics.checks.notes import extrapolation_checks, median_notes, time_ratio_note
from inference.diagnostics.checks.overlap import overlap_checks
from inference.diagnostics.checks.predictive import predictive_checks
from inference.diagnostics.checks.predictive_split import split_predictive_checks
from inference.diagnostics.checks.published import published_checks
from inference.diagnostics.checks.result import CheckResult, checks_table, failed
from inference.diagnostics.checks.treatment_calibration import treatment_calibration_checks

__all__ = [
    "CheckResult",
    "balance_behind",
    "chain_checks",
    "checks_table",
    "convergence_checks",
    "design_checks",
    "effect_moved",
    "exposure_checks",
    "extrapolation_checks",
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
