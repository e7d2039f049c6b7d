"""Overlap weighting: those who might have had either treatment (Li, Morgan and Zaslavsky 2018, doi 10.1080/01621459.2016.1260466)."""

from inference.adjustments.weighted import weighted_adjustment
from inference.frequentist.balance import overlap_weights

OVERLAP = weighted_adjustment("overlap", "overlap", overlap_weights)
