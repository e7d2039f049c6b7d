"""Draws from the prior, replicated cohorts, and the likelihood of each patient."""
