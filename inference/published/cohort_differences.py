"""What differs between reconstructed cohorts: quantities of which the publication says nothing, and curves, beside those that it prints."""

from collections.abc import Hashable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.published.reconstruction.curve_targets import figure_name
from data.study.cells import canonical
from data.study.study import Study
from inference.frequentist.efron import EfronCox
from inference.predictive.replicates.risk_sets import ProductLimit

ARMS = ("treated", "control")
GRID_POINTS = 300
PAIRS = 12  # correlations shown: those that differ most between cohorts


def ensemble_curves(patients: pd.DataFrame) -> pd.DataFrame:
    """Return the Kaplan-Meier curves of every cohort.

    Parameters
    ----------
    patients : DataFrame
        Of a reconstruction.

    Returns
    -------
    DataFrame
        ``phase, arm, cohort, time, survival``, each curve to the last time of its pseudo-patients.
    """
    grid = np.linspace(0, patients["time"].max(), GRID_POINTS)
    parts = []
    for (phase, arm, cohort), rows in _groups(patients):
        shown = grid[grid <= rows["time"].max()]
        named, curve = {"phase": phase, "arm": arm, "cohort": cohort}, product_limit(rows)
        parts.append(pd.DataFrame({**named, "time": shown, "survival": curve(shown)}))
    return pd.concat(parts, ignore_index=True)


def printed_points(evidence: Evidence) -> pd.DataFrame:
    """Return the printed survival probabilities and medians: ``phase, arm, kind, time, lower, upper, survival``."""
    rows = []
    for row in evidence.survival:
        number = row.number
        if row.arm in ARMS and row.time is not None:
            scale = 0.01 if number.unit == "percent" else 1.0
            rows.append((row.phase, row.arm, "survival", row.time, row.time, row.time, number.value * scale))
        elif row.arm in ARMS and row.quantity == "median_os":
            lower, upper = number.interval or (number.value, number.value)
            rows.append((row.phase, row.arm, "median", number.value, lower, upper, 0.5))
    return pd.DataFrame(
        rows, columns=pd.Index(["phase", "arm", "kind", "time", "lower", "upper", "survival"])
    )


def ensemble_spread(
    study: Study, patients: pd.DataFrame, modalities: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return quantities that are not printed, in every cohort.

    Parameters
    ----------
    study : Study
    patients, modalities : DataFrame
        Of a reconstruction.

    Returns
    -------
    DataFrame
        ``panel, quantity, cohort, value``. Panels: deaths by arm; hazard ratios of treatment, Cox, without
        covariates; correlations between covariates; sizes of groups.
    """
    labels = study.treatment.labels
    rows = []
    for (phase, arm, cohort), group in _groups(patients):
        rows.append(("deaths", f"{labels[arm]}, {phase} matching", cohort, float(group["event"].sum())))
    for cohort, everybody in patients.groupby("cohort"):
        parts = {"before matching": everybody}
        if everybody["matched"].any():
            parts["outside the matched set"] = everybody[everybody["matched"] == 0]
        for name in study.report.subgroups:
            levels = study.covariates[name].levels if name in study.covariates else None
            for level in (levels or ())[1:]:
                label = f"{study.covariates[name].label or name}: {level}" if len(levels or ()) > 2 else None
                parts[label or (study.covariates[name].label or name)] = everybody[everybody[name] == level]
        for name, group in parts.items():
            rows.append(("hazard ratio of treatment", name, cohort, _hazard_ratio(group)))
        rows += [("correlation", *row) for row in _correlations(study, everybody, cohort)]
    groups = pd.DataFrame() if modalities is None else modalities
    for analysis in groups.columns.difference(["cohort", "patient"]):
        for cohort, of_cohort in groups.groupby("cohort"):
            sizes = of_cohort[analysis].value_counts().sort_index()
            rows += [("size of group", str(level), cohort, float(size)) for level, size in sizes.items()]
    return _widest(pd.DataFrame(rows, columns=pd.Index(["panel", "quantity", "cohort", "value"])))


def _groups(patients: pd.DataFrame) -> Iterator[tuple[tuple[str, str, Hashable], pd.DataFrame]]:
    """Yield phase, arm and cohort with their pseudo-patients."""
    for cohort, everybody in patients.groupby("cohort"):
        for phase in ("before", "after"):
            inside = everybody if phase == "before" else everybody[everybody["matched"] == 1]
            for arm in ARMS:
                rows = inside[inside["treatment"] == (arm == "treated")]
                if len(rows):
                    yield (phase, arm, cohort), rows


def product_limit(rows: pd.DataFrame) -> ProductLimit:
    """Return the Kaplan-Meier curve of pseudo-patients (``time, event``)."""
    time = rows["time"].to_numpy()
    return ProductLimit(time, rows["event"].to_numpy() == 1, np.zeros(len(time)))


def _hazard_ratio(rows: pd.DataFrame) -> float:
    """Return Cox's hazard ratio of treatment alone; NaN where an arm has no deaths."""
    if rows.loc[rows["event"] == 1, "treatment"].nunique() < 2 or len(rows) < 2:
        return float("nan")
    time, event = rows["time"].to_numpy(), rows["event"].to_numpy() == 1
    fitted = EfronCox(time, event, np.zeros(len(time)), rows[["treatment"]].to_numpy(float)).maximise()
    return float(np.exp(fitted[0]))


def _correlations(study: Study, rows: pd.DataFrame, cohort: Hashable) -> list[tuple[str, Hashable, float]]:
    """Return Spearman correlations between covariates, levels by their number."""
    codes = {
        name: rows[name].map({level: number for number, level in enumerate(covariate.levels or ())}).rank()
        for name, covariate in study.covariates.items()
    }
    labels = {name: covariate.label or name for name, covariate in study.covariates.items()}
    table = pd.DataFrame(codes).corr()
    return [
        (f"{labels[one]}, {labels[other]}", cohort, float(table.loc[one, other]))
        for one, other in combinations(codes, 2)
    ]


def _widest(table: pd.DataFrame) -> pd.DataFrame:
    """Keep of the correlations those that differ most."""
    of_pairs = table["panel"] == "correlation"
    spread = table[of_pairs].groupby("quantity")["value"].std().fillna(0.0).sort_values(ascending=False)
    return table[~of_pairs | table["quantity"].isin(spread.index[:PAIRS])].reset_index(drop=True)


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
        for named, survival in _cohorts_of(curve, patients):
            nearest = np.clip(curve.survival, survival(curve.time + half), survival(curve.time - half))
            off = (nearest - curve.survival) / curve.survival_resolution
            read = {"time": curve.time, "survival": curve.survival, "off": off}
            parts.append(pd.DataFrame(named | read))
    return pd.concat(parts, ignore_index=True)


def cohort_curves(evidence: Evidence, patients: pd.DataFrame) -> pd.DataFrame:
    """Return the Kaplan-Meier curves of every cohort, for each published curve: ``figure, arm, cohort, time, survival``."""
    parts = []
    for curve in evidence.curves:
        grid = np.linspace(0, curve.time[-1], GRID_POINTS)
        for named, survival in _cohorts_of(curve, patients):
            parts.append(pd.DataFrame(named | {"time": grid, "survival": survival(grid)}))
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


def _cohorts_of(
    curve: PublishedCurve, patients: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], ProductLimit]]:
    """Yield every cohort's curve, with the columns that name it."""
    for cohort, rows in patients_behind(curve, patients).groupby("cohort"):
        yield {"figure": figure_name(curve), "arm": curve.arm, "cohort": cohort}, product_limit(rows)
