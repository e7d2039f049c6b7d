"""Inverse probability of treatment weighting: the whole cohort, had all been treated, against had none been."""

from inference.adjustments.weighted import weighted_adjustment

IPTW = weighted_adjustment("iptw", population="all")
