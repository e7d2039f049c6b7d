"""Inverse probability of treatment weighting: the whole cohort, had all been treated, against had none been."""

from inference.adjustments.weighted import weighted_adjustment
from inference.frequentist.balance import iptw_weights

IPTW = weighted_adjustment("iptw", "all", iptw_weights)
