"""Cohorts of any size as counts by covariate pattern, arm, interval and outcome."""
