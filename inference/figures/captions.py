"""The captions of all figures by name."""

from inference.figures import (
    audit_hazard_ratios,
    balance,
    effects,
    hazard,
    implied_ratios,
    loo,
    overlap,
    predictive_statistics,
    predictive_survival,
    prior_points,
    prior_sets,
    prior_survival,
    priors,
    rmst,
    survival,
    toxicity,
)
from inference.figures.diagnostics import energy, ess, forest, prior_posterior, rank, trace
from inference.figures.diagnostics import loo as khat

CAPTIONS: dict[str, str] = {
    "survival": survival.CAPTION,
    "effects": effects.CAPTION,
    "rmst": rmst.CAPTION,
    "hazard": hazard.CAPTION,
    "predictive_survival": predictive_survival.CAPTION,
    "predictive_statistics": predictive_statistics.CAPTION,
    "overlap": overlap.CAPTION,
    "balance": balance.CAPTION,
    "loo": loo.CAPTION,
    "prior_survival": prior_survival.CAPTION,
    "prior_points": prior_points.CAPTION,
    "priors": priors.CAPTION,
    "prior_sets": prior_sets.CAPTION,
    "toxicity": toxicity.CAPTION,
    "implied_ratios": implied_ratios.CAPTION,
    "diagnostics_trace": trace.CAPTION,
    "diagnostics_rank": rank.CAPTION,
    "diagnostics_ess": ess.CAPTION,
    "diagnostics_energy": energy.CAPTION,
    "diagnostics_forest": forest.CAPTION,
    "diagnostics_prior_posterior": prior_posterior.CAPTION,
    "diagnostics_loo": khat.CAPTION,
    "audit_hazard_ratios": audit_hazard_ratios.CAPTION,
}
