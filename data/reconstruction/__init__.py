"""Cohorts of pseudo-patients that reproduce every published number of a study."""

from data.reconstruction.assumptions import LOOSE, STATED, Assumptions
from data.reconstruction.ensemble import EXACT, Reconstruction, reconstruct
from data.reconstruction.replicas import published_statistics

__all__ = ["EXACT", "LOOSE", "STATED", "Assumptions", "Reconstruction", "published_statistics", "reconstruct"]
