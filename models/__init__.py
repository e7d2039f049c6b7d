"""Priors, baseline hazards, effects, propensity and the one likelihood, wired into PyMC models. Nothing is sampled here."""

from data.exports import lazily

__getattr__, __dir__ = lazily(
    __name__,
    {
        "BASELINES": "models.baselines",
        "EFFECTS": "models.effects",
        "Prior": "models.priors",
        "PriorSet": "models.priors",
    },
)
