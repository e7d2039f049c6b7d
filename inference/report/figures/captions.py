"""The captions of all figures by name, and by how exposure is counted where that changes what they mean."""

from inference.report.figures import (
    adjustments,
    audit_hazard_ratios,
    balance,
    balance_by_adjustment,
    confounding,
    effect_over_time,
    effects,
    exposures,
    feedback,
    hazard,
    implied_ratios,
    imputed,
    loo,
    loo_pit,
    overlap,
    pairs_by_caliper,
    predictive_published,
    predictive_split,
    predictive_statistics,
    predictive_survival,
    prior_points,
    prior_sets,
    prior_survival,
    priors,
    reconstruction_spread,
    reconstruction_survival,
    reconstruction_targets,
    replicated_survival,
    rmst,
    subgroups,
    survival,
    timing_and_confounding,
    timing_scenarios,
    toxicity,
    treatment_calibration,
)
from inference.report.figures.diagnostics import energy, ess, forest, prior_posterior, rank, trace
from inference.report.figures.diagnostics import loo as khat

CAPTIONS: dict[str, str] = {
    "survival": survival.CAPTION,
    "effects": effects.CAPTION,
    "rmst": rmst.CAPTION,
    "hazard": hazard.CAPTION,
    "predictive_survival": predictive_survival.CAPTION,
    "predictive_statistics": predictive_statistics.CAPTION,
    "predictive_split": predictive_split.CAPTION,
    "predictive_split_statistics": predictive_split.STATISTICS,
    "predictive_published": predictive_published.CAPTION,
    "loo_pit": loo_pit.CAPTION,
    "overlap": overlap.CAPTION,
    "treatment_calibration": treatment_calibration.CAPTION,
    "balance": balance.CAPTION,
    "adjustments": adjustments.CAPTION,
    "imputed": imputed.CAPTION,
    "balance_by_adjustment": balance_by_adjustment.CAPTION,
    "exposures": exposures.CAPTION,
    "effect_over_time": effect_over_time.CAPTION,
    "subgroups": subgroups.CAPTION,
    "modalities": subgroups.GROUPS_CAPTION,
    "confounding": confounding.CAPTION,
    "timing_scenarios": timing_scenarios.CAPTION,
    "timing_and_confounding": timing_and_confounding.CAPTION,
    "feedback": feedback.CAPTION,
    "loo": loo.CAPTION,
    "prior_survival": prior_survival.CAPTION,
    "prior_points": prior_points.CAPTION,
    "priors": priors.CAPTION,
    "prior_sets": prior_sets.CAPTION,
    "toxicity": toxicity.CAPTION,
    "implied_ratios": implied_ratios.CAPTION,
    "replicated_survival": replicated_survival.CAPTION,
    "pairs_by_caliper": pairs_by_caliper.CAPTION,
    "diagnostics_trace": trace.CAPTION,
    "diagnostics_rank": rank.CAPTION,
    "diagnostics_ess": ess.CAPTION,
    "diagnostics_energy": energy.CAPTION,
    "diagnostics_forest": forest.CAPTION,
    "diagnostics_prior_posterior": prior_posterior.CAPTION,
    "diagnostics_loo": khat.CAPTION,
    "audit_hazard_ratios": audit_hazard_ratios.CAPTION,
    "reconstruction_targets": reconstruction_targets.CAPTION,
    "reconstruction_survival": reconstruction_survival.CAPTION,
    "reconstruction_spread": reconstruction_spread.CAPTION,
}

BY_EXPOSURE = {"survival": survival.DIFFER, "effects": effects.DIFFER}
"""What a caption adds for "naive", "time_split" or "landmark"."""


def caption_of(name: str, exposure: str) -> str:
    """Return the caption of a figure whose posterior counts exposure in some way (naive, time_split, landmark_<time>)."""
    return CAPTIONS[name] + BY_EXPOSURE.get(name, {}).get(
        exposure.split("_")[0] if exposure != "time_split" else exposure, ""
    )
