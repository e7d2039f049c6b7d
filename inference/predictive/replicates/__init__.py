"""Frequentist statistics of replicated cohorts, for posterior predictive checks."""

from inference.predictive.replicates.censoring import censoring_times, start_times
from inference.predictive.replicates.split_statistics import split_statistics
from inference.predictive.replicates.statistics import replicate_statistics

__all__ = ["censoring_times", "replicate_statistics", "split_statistics", "start_times"]
