"""Cohorts with a known truth."""
