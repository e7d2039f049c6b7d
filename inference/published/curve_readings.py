"""Published curves beside those of the pseudo-patients: how far each cohort is from every point that was read."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.published.reconstruction.curve_targets import figure_name
from data.study.cells import canonical
from inference.predictive.replicates.risk_sets import ProductLimit
from inference.published.cohort_differences import GRID_POINTS, product_limit


def curve_readings(evidence: Evidence, patients: pd.DataFrame) -> pd.DataFrame:
    """Return how far the Kaplan-Meier curve of every cohort is from every point read.

    Parameters
    ----------
    evidence : Evidence
    patients : DataFrame
        Of a reconstruction.

    Returns
    -------
    DataFrame
        ``figure, arm, cohort, time, survival, off``: the point as read, and the cohort's curve minus it, in units of what the
        reading of survival tells apart. Of the ordinates that the curve takes while the time is not told apart from the
        point's, the nearest counts. Errors that all points of an axis share are in `off`.
    """
    parts = []
    for curve in evidence.curves:
        half = curve.time_resolution / 2
        for cohort, survival in _cohorts_of(curve, patients):
            nearest = np.clip(curve.survival, survival(curve.time + half), survival(curve.time - half))
            parts.append(
                pd.DataFrame(
                    {
                        "figure": figure_name(curve),
                        "arm": curve.arm,
                        "cohort": cohort,
                        "time": curve.time,
                        "survival": curve.survival,
                        "off": (nearest - curve.survival) / curve.survival_resolution,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def cohort_curves(evidence: Evidence, patients: pd.DataFrame) -> pd.DataFrame:
    """Return the Kaplan-Meier curves of every cohort, for each published curve: ``figure, arm, cohort, time, survival``."""
    parts = []
    for curve in evidence.curves:
        grid = np.linspace(0, curve.time[-1], GRID_POINTS)
        for cohort, survival in _cohorts_of(curve, patients):
            drawn = {"time": grid, "survival": survival(grid)}
            parts.append(
                pd.DataFrame({"figure": figure_name(curve), "arm": curve.arm, "cohort": cohort, **drawn})
            )
    return pd.concat(parts, ignore_index=True)


def patients_behind(curve: PublishedCurve, patients: pd.DataFrame) -> pd.DataFrame:
    """Return the pseudo-patients of all cohorts whom a published curve is of."""
    inside = patients["treatment"] == (curve.arm == "treated")
    if curve.phase == "after":
        inside &= patients["matched"] == 1
    if curve.subgroup:
        column, _, level = curve.subgroup.partition("=")
        inside &= patients[column].map(canonical) == canonical(level)
    return patients[inside]


def _cohorts_of(curve: PublishedCurve, patients: pd.DataFrame) -> Iterator[tuple[Hashable, ProductLimit]]:
    """Yield every cohort's curve."""
    for cohort, rows in patients_behind(curve, patients).groupby("cohort"):
        yield cohort, product_limit(rows)
