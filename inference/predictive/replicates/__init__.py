"""Frequentist statistics of replicated cohorts, for posterior predictive checks."""
