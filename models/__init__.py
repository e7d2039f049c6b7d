"""Priors, baseline hazards, effects, propensity and the one likelihood, wired into PyMC models. Nothing is sampled here."""
