"""Figures, one a file: draws and tables in, a matplotlib Figure out; nothing is fitted and nothing written.

Every module has a CAPTION that says how to read its figure.
"""

from inference.report.figures.adjustments import adjustments_figure
from inference.report.figures.balance import balance_figure
from inference.report.figures.balance_by_adjustment import balance_by_adjustment_figure
from inference.report.figures.confounding import confounding_figure
from inference.report.figures.diagnostics import DIAGNOSTICS
from inference.report.figures.effect_over_time import effect_over_time_figure
from inference.report.figures.effects import effects_figure
from inference.report.figures.exposures import exposures_figure
from inference.report.figures.feedback import feedback_figure
from inference.report.figures.hazard import hazard_figure
from inference.report.figures.implied_ratios import implied_ratios_figure
from inference.report.figures.loo import loo_figure
from inference.report.figures.loo_pit import loo_pit_figure
from inference.report.figures.overlap import overlap_figure
from inference.report.figures.pairs_by_caliper import pairs_by_caliper_figure
from inference.report.figures.predictive_published import predictive_published_figure
from inference.report.figures.predictive_split import (
    predictive_split_figure,
    predictive_split_statistics_figure,
)
from inference.report.figures.predictive_statistics import predictive_statistics_figure
from inference.report.figures.predictive_survival import predictive_survival_figure
from inference.report.figures.prior_points import prior_points_figure
from inference.report.figures.prior_sets import prior_sets_figure
from inference.report.figures.prior_survival import prior_survival_figure
from inference.report.figures.priors import prior_posterior_figure
from inference.report.figures.reconstruction_spread import reconstruction_spread_figure
from inference.report.figures.reconstruction_survival import reconstruction_survival_figure
from inference.report.figures.reconstruction_targets import reconstruction_targets_figure
from inference.report.figures.rendering import png_bytes, reword, svg_text
from inference.report.figures.replicated_survival import replicated_survival_figure
from inference.report.figures.rmst import rmst_figure
from inference.report.figures.style import style
from inference.report.figures.subgroups import subgroups_figure
from inference.report.figures.survival import survival_figure
from inference.report.figures.timing_and_confounding import timing_and_confounding_figure
from inference.report.figures.timing_scenarios import timing_figure
from inference.report.figures.toxicity import toxicity_figure
from inference.report.figures.treatment_calibration import treatment_calibration_figure

__all__ = [
    "DIAGNOSTICS",
    "adjustments_figure",
    "balance_by_adjustment_figure",
    "balance_figure",
    "confounding_figure",
    "effect_over_time_figure",
    "effects_figure",
    "exposures_figure",
    "feedback_figure",
    "hazard_figure",
    "implied_ratios_figure",
    "loo_figure",
    "loo_pit_figure",
    "overlap_figure",
    "pairs_by_caliper_figure",
    "png_bytes",
    "predictive_published_figure",
    "predictive_split_figure",
    "predictive_split_statistics_figure",
    "predictive_statistics_figure",
    "predictive_survival_figure",
    "prior_points_figure",
    "prior_posterior_figure",
    "prior_sets_figure",
    "prior_survival_figure",
    "reconstruction_spread_figure",
    "reconstruction_survival_figure",
    "reconstruction_targets_figure",
    "replicated_survival_figure",
    "reword",
    "rmst_figure",
    "style",
    "subgroups_figure",
    "survival_figure",
    "svg_text",
    "timing_and_confounding_figure",
    "timing_figure",
    "toxicity_figure",
    "treatment_calibration_figure",
]
