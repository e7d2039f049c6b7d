"""Overlap weighting: those who might have had either treatment (Li, Morgan and Zaslavsky 2018, doi 10.1080/01621459.2016.1260466)."""

from inference.adjustments.weighted import weighted_adjustment

OVERLAP = weighted_adjustment("overlap", population="overlap")
