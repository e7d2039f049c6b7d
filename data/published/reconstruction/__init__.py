"""Cohorts of pseudo-patients that reproduce every published number of a study."""

from pathlib import Path

from data.published.reconstruction.assumptions import LOOSE, STATED, Assumptions
from data.published.reconstruction.chain import run
from data.published.reconstruction.ensemble import EXACT, Reconstruction, reconstruct
from data.published.reconstruction.machine_code import drop_stale
from data.published.reconstruction.replicas import published_statistics

__all__ = ["EXACT", "LOOSE", "STATED", "Assumptions", "Reconstruction", "published_statistics", "reconstruct"]

# numba reads what it keeps when a function is first called.
drop_stale(Path(__file__).parent, run)
